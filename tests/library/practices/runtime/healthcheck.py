"""The engine soon knows that the app works: the first health check comes within 5 seconds, and succeeds."""

from .. import Subject, Violation, practice
from ..health import SEE_HEALTH, SEE_HEALTHCHECK, shipped_healthcheck
from ..stopping import undisturbed_life


@practice("unnoticed", slow=True)
def check(subject: Subject) -> None:
    if not (shipped := shipped_healthcheck(subject.shared_container())):
        raise Violation("there is no HEALTHCHECK: the engine knows only that the process runs", *SEE_HEALTH)
    if not shipped.start_period:
        raise Violation(f"there is no start period: the first look is after {shipped.interval:.0f} s", SEE_HEALTHCHECK)
    if shipped.start_interval >= 5:
        raise Violation("the first look is after 5 s or more", SEE_HEALTHCHECK)
    if (state := undisturbed_life(subject).health) != "healthy":
        raise Violation(f"its health is {state}", *SEE_HEALTH)
