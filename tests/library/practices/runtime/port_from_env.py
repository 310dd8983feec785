"""The port in the container comes from the environment variable `PORT`, as many platforms demand."""

import os

from ...engine import wait_until
from .. import Subject, Violation, practice
from ..sockets import wait_until_listening


@practice("taste", slow=True)
def check(subject: Subject) -> None:
    if subject.published in _published(subject) and os.environ.get("PORT") == "0":
        raise Violation(
            f"PORT=0, and compose publishes it on {subject.published}", "PORT=9000 docker compose up; docker compose ps"
        )
    with subject.started(environment={**subject.reachable_with, "PORT": "9001"}, ports=["9001"]) as running:
        wait_until_listening(running)
        if not wait_until(lambda: running.answers(port=9001), limit=15):
            raise Violation(
                f"PORT=9001, but nothing answers there; the log says:\n{running.log}",
                "docker compose run --rm --env PORT=9001 --publish 9001:9001 {service}",
                "{curl} localhost:9001",
            )


def _published(subject: Subject) -> set[int]:
    """The ports of this machine where compose publishes the app."""
    ports = subject.shared_container().container.network_settings.ports or {}
    return {int(binding["HostPort"]) for bindings in ports.values() for binding in bindings or ()}
