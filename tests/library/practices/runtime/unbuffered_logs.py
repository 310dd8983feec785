"""What the app prints appears in `docker logs` at once."""

import secrets

from ...engine import wait_until
from ...program import in_container
from .. import Sabotage, Subject, Violation, practice
from ..startup import first_running


@in_container()
def keep_saying(word: str) -> None:
    """Run first, it makes each process of the app, workers included, print a line now and then."""
    import os
    import threading
    import time

    def say() -> None:
        while True:
            time.sleep(0.5)
            print(word)

    def begin() -> None:
        threading.Thread(target=say, daemon=True).start()

    os.register_at_fork(after_in_child=begin)
    begin()


@practice("unnoticed", slow=True)
def check(subject: Subject) -> None:
    word = secrets.token_hex()
    with first_running(subject, keep_saying.source(word)) as overrides, subject.running(**overrides) as running:
        # What was kept back may come out once, when something else is printed; what comes at once comes again.
        before = running.log.count(word)
        shown = wait_until(lambda: running.log.count(word) > before, limit=3)
    if not shown:
        raise Violation(
            "each process of the app prints a line twice a second, and docker logs does not show them",
            "docker compose run --detach {service} python -c 'import time; print(\"seen\"); time.sleep(60)'",
            "docker logs CONTAINER",
        )


TURNS_RED = [
    Sabotage(
        "PYTHONUNBUFFERED removed",
        "step-4-nontrivial/Dockerfile",
        r"PYTHONUNBUFFERED=1 \\\n +",
        "",
        symptom="While a request hangs, the log says nothing of it. What the app prints comes minutes later, or never.",
    )
]
