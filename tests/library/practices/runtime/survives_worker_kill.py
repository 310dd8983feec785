"""When the process that serves requests dies, another one takes its place within 3 seconds, without a restart."""

import signal

from ...engine import wait_until
from .. import Subject, Violation, practice
from ..processes import WORKER_PIDS, signal_workers


@practice("loss", slow=True)
def check(subject: Subject) -> None:
    by_hand = (WORKER_PIDS, "docker compose exec {service} sh -c 'kill -9 WORKER_PID ...'", "{curl} {url}")
    with subject.running() as running:
        killed = signal_workers(running, signal.SIGKILL)
        if not wait_until(running.answers, limit=3):
            running.container.reload()
            state = running.container.state.status
            seen = f"killed {len(killed)} process(es); 3 s later nothing answers (the container is {state})"
            raise Violation(seen, *by_hand)
        if running.restarts:
            raise Violation("the whole container was restarted", *by_hand)
