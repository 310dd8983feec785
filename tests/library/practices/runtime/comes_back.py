"""When the app's main process ends, the engine starts the app again."""

from contextlib import suppress

from python_on_whales.exceptions import DockerException

from ...engine import wait_until
from .. import Subject, Violation, practice


@practice("loss", slow=True, slow_to_fail=True, needs="compose")
def check(subject: Subject) -> None:
    with subject.running() as running:
        # It asks politely, from inside: the engine does not know that anybody wanted it.
        with suppress(DockerException):
            running.python("import os; os.kill(1, 15)")

        if not wait_until(lambda: running.restarts and running.is_up, limit=15):
            raise Violation(
                "15 s after its main process has ended, nothing has started it again",
                "docker compose exec {service} python -c 'import os; os.kill(1, 15)'",
                "docker compose ps --all",
            )
