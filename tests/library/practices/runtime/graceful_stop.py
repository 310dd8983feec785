"""At `docker stop`, the app answers what it has begun; when idle, it ends within 2 seconds, with exit code 0."""

from .. import NotAsked, Sabotage, Subject, practice
from ..stopping import require_answer_in_flight, require_exit_code_0, require_quick, undisturbed_life


@practice("loss", slow=True)
def check(subject: Subject) -> None:
    life = undisturbed_life(subject)
    require_exit_code_0(life.exit_code, "docker compose stop; docker compose ps --all")
    require_quick(life.stop_seconds)
    if not subject.slow:
        raise NotAsked("idle, it stops well; for a request in flight name a path that takes 2 s or so: SLOW=/report")
    with subject.running() as running:
        require_answer_in_flight(running, subject.slow_path(3))


TURNS_RED = [
    Sabotage(
        "shell-form CMD",
        "step-1-kiss/Dockerfile",
        r"\nCMD .*",
        "\nCMD gunicorn hello.main:app",
        symptom="Every deploy hangs for ten seconds, and visitors who wait for a page at that moment never get it.",
    )
]
