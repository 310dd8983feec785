import signal
from typing import Any

from ...engine import wait_until
from ...subject import Subject
from .. import Violation, practice
from ..health import OFTEN, SEE_HEALTH, SEE_HEALTHCHECK, health, shipped_healthcheck
from ..processes import signal_workers


@practice("unnoticed", slow=True)
def hang_noticed(subject: Subject) -> None:
    """An app that hangs becomes unhealthy within 2 minutes, and healthy again when it works again."""
    check = shipped_healthcheck(subject)
    # That a hang is noticed with these values and by the clock, test_healthcheck.py shows.
    if check and (longest := check.retries * (check.interval + check.timeout)) > 120:
        raise Violation(
            f"a hang is noticed after up to {longest:.0f} s: interval {check.interval:.0f} s,"
            f" timeout {check.timeout:.0f} s",
            SEE_HEALTHCHECK,
        )
    often: dict[str, Any] = {"healthcheck": OFTEN} if check else {}
    with subject.running(**often) as running:
        if check and not wait_until(lambda: health(running) == "healthy", limit=20):
            raise Violation(f"its health is {health(running)}", *SEE_HEALTH)
        signal_workers(running, signal.SIGSTOP)
        wait_until(lambda: health(running) in ("unhealthy", "not checked"), limit=20)
        if (state := health(running)) != "unhealthy":
            raise Violation(f"all workers are frozen, and its health is {state}", *SEE_HEALTH)
        signal_workers(running, signal.SIGCONT)
        if not wait_until(lambda: health(running) == "healthy", limit=20):
            raise Violation(f"the workers run again, and its health is {health(running)}", *SEE_HEALTH)
