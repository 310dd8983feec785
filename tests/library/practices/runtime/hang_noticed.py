"""An app that hangs becomes unhealthy within 2 minutes, and healthy again when it works again."""

import signal
from typing import Any

from ...engine import wait_until
from .. import Sabotage, Subject, Violation, practice
from ..health import OFTEN, SEE_HEALTH, SEE_HEALTHCHECK, health, shipped_healthcheck
from ..processes import signal_workers


@practice("unnoticed", slow=True)
def check(subject: Subject) -> None:
    shipped = shipped_healthcheck(subject.shared_container())
    # That a hang is noticed with these values and by the clock, test_healthcheck.py shows.
    if shipped and (longest := shipped.retries * (shipped.interval + shipped.timeout)) > 120:
        times = f"interval {shipped.interval:.0f} s, timeout {shipped.timeout:.0f} s"
        raise Violation(f"a hang is noticed after up to {longest:.0f} s: {times}", SEE_HEALTHCHECK)
    often: dict[str, Any] = {"healthcheck": OFTEN} if shipped else {}
    with subject.running(**often) as running:
        if shipped and not wait_until(lambda: health(running) == "healthy", limit=20):
            raise Violation(f"its health is {health(running)}", *SEE_HEALTH)
        signal_workers(running, signal.SIGSTOP)
        wait_until(lambda: health(running) in ("unhealthy", "not checked"), limit=20)
        if (state := health(running)) != "unhealthy":
            raise Violation(f"all workers are frozen, and its health is {state}", *SEE_HEALTH)
        signal_workers(running, signal.SIGCONT)
        if not wait_until(lambda: health(running) == "healthy", limit=20):
            raise Violation(f"the workers run again, and its health is {health(running)}", *SEE_HEALTH)


TURNS_RED = [
    Sabotage(
        "a health check that only connects",
        "step-4-nontrivial/Dockerfile",
        r"import http\.client, os; [\s\S]*>= 500\)",
        r"import os, socket; socket.create_connection(('127.0.0.1', os.environ.get('PORT') or 8000))",
        also={"errors-noticed"},
        symptom="Pages hang for minutes, and `docker ps` shows the container as healthy all the time.",
    ),
    Sabotage("health check every half an hour", "step-4-nontrivial/Dockerfile", "--interval=30s", "--interval=30m"),
]
