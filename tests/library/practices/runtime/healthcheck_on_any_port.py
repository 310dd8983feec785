"""The health check asks the port that the app listens on, whatever `PORT` says."""

from ...engine import wait_until
from ...subject import READY_LIMIT
from .. import NotAsked, Sabotage, Subject, Violation, practice
from ..health import OFTEN, health
from ..sockets import wait_until_listening


@practice("taste", slow=True, needs="healthcheck")
def check(subject: Subject) -> None:
    elsewhere = {"environment": {"PORT": "9001"}, "ports": ["9001"]}
    with subject.started(healthcheck=OFTEN, **elsewhere) as running:
        wait_until_listening(running)
        # An app that does not look at PORT (port-from-env says so) answers where it always does.
        if not wait_until(lambda: running.answers(port=9001) or running.answers(), limit=READY_LIMIT):
            raise NotAsked("with PORT=9001 the app answers neither there nor where it did before")
        if not wait_until(lambda: health(running) == "healthy", limit=20):
            seen = f"PORT=9001, where it answers, and its health is {health(running)}"
            raise Violation(seen, "docker compose run --detach --env PORT=9001 {service}; docker ps")


TURNS_RED = [
    Sabotage(
        "health check of one port only", "step-4-nontrivial/Dockerfile", r"os\.environ\.get\('PORT'\) or 8000", "8000"
    ),
    Sabotage("health check of one port only", "final/Dockerfile", r"os\.environ\.get\('PORT'\) or 8000", "8000"),
]
