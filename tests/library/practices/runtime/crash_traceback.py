"""When the interpreter itself crashes in a request, the log shows a Python traceback."""

import signal
from concurrent.futures import ThreadPoolExecutor

from ...engine import wait_until
from .. import NotAsked, Sabotage, Subject, Violation, practice
from ..processes import WORKER_PIDS, signal_workers
from ..sockets import in_flight


@practice("unnoticed", slow=True, slow_to_fail=True)
def check(subject: Subject) -> None:
    with subject.running() as running, ThreadPoolExecutor() as pool:
        answers = in_flight(running, pool, subject.slow_path(20)) if subject.slow else ()
        signal_workers(running, signal.SIGSEGV)
        # Idle, a worker may have no line of Python to show.
        wanted = 'File "' if subject.slow else "Fatal Python error"
        if not wait_until(lambda: wanted in running.log, limit=5):
            if any(answer.done() and not answer.exception() for answer in answers):
                raise NotAsked(f"GET {subject.slow} was answered before its worker crashed: name a path that takes 5 s")
            raise Violation(
                f"after a segmentation fault of a worker the log says only:\n{running.log[-500:]}",
                f"{{curl}} '{{address}}{subject.slow_path(20)}' & {WORKER_PIDS}",
                "docker compose exec {service} sh -c 'kill -SEGV WORKER_PID'",
                "docker compose logs",
            )


TURNS_RED = [
    Sabotage("PYTHONFAULTHANDLER removed", "step-4-nontrivial/Dockerfile", r" \\\n    PYTHONFAULTHANDLER=1", "")
]
