"""One slow answer, or a slow start, makes no app unhealthy, and the health check costs little."""

from .. import Sabotage, Subject, Violation, practice
from ..health import SEE_HEALTHCHECK, shipped_healthcheck


@practice("unnoticed", needs="healthcheck")
def check(subject: Subject) -> None:
    shipped = shipped_healthcheck(subject.shared_container())
    if not shipped:
        raise Violation("there is no health check", SEE_HEALTHCHECK)
    for wrong, because in (
        (shipped.interval < 5, f"it starts a Python every {shipped.interval:.0f} s"),
        (shipped.retries == 1, "one slow answer, and the app is called unhealthy"),
        (shipped.timeout < 2, f"an answer that takes {shipped.timeout:.0f} s counts as none"),
        (
            0 < shipped.start_period < 5,
            f"after {shipped.start_period:.0f} s it looks every {shipped.interval:.0f} s only",
        ),
        (shipped.start_period > 120, f"for {shipped.start_period:.0f} s after the start, no failure counts"),
    ):
        if wrong:
            raise Violation(because, SEE_HEALTHCHECK)


TURNS_RED = [
    Sabotage("unhealthy at the first slow answer", "step-4-nontrivial/Dockerfile", "--retries=3", "--retries=1")
]
