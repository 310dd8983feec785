from ...subject import Subject
from .. import Violation, practice
from ..health import SEE_HEALTHCHECK, shipped_healthcheck


@practice("unnoticed", needs="healthcheck")
def healthcheck_fair(subject: Subject) -> None:
    """No app becomes unhealthy because it answers slowly or still starts, and the health check costs little."""
    check = shipped_healthcheck(subject)
    if not check:
        raise Violation("there is no health check", SEE_HEALTHCHECK)
    for wrong, because in (
        (check.interval < 5, f"it starts a Python every {check.interval:.0f} s"),
        (check.retries == 1, "one slow answer, and the app is called unhealthy"),
        (check.timeout < 2, f"an answer that takes {check.timeout:.0f} s counts as none"),
        (
            0 < check.start_period < 5,
            f"after {check.start_period:.0f} s it looks every {check.interval:.0f} s only",
        ),
        (check.start_period > 120, f"for {check.start_period:.0f} s after the start, no failure counts"),
    ):
        if wrong:
            raise Violation(because, SEE_HEALTHCHECK)
