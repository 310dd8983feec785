"""One slow answer, or a slow start, makes no app unhealthy, and the health check costs little."""

from .. import Sabotage, Subject, Violation, practice
from ..health import SEE_HEALTHCHECK, shipped_healthcheck


@practice("unnoticed", needs="healthcheck")
def check(subject: Subject) -> None:
    if not (shipped := shipped_healthcheck(subject.shared_container())):
        raise Violation("there is no health check", SEE_HEALTHCHECK)
    begins = shipped.start_period
    for wrong, because in (
        (shipped.interval < 5, f"it starts a Python every {shipped.interval:.0f} s"),
        (shipped.retries == 1, "one slow answer, and the app is called unhealthy"),
        (shipped.timeout < 2, f"an answer that takes {shipped.timeout:.0f} s counts as none"),
        (0 < begins < 5, f"after {begins:.0f} s it looks every {shipped.interval:.0f} s only"),
        (begins > 120, f"for {begins:.0f} s after the start, no failure counts"),
    ):
        if wrong:
            raise Violation(because, SEE_HEALTHCHECK)


TURNS_RED = [
    Sabotage("unhealthy at the first slow answer", "step-4-nontrivial/Dockerfile", "--retries=3", "--retries=1")
]
