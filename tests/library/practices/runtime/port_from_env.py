"""The port in the container comes from the environment variable `PORT`, as many platforms demand."""

import os

from ...engine import wait_until
from ...subject import published
from .. import Subject, Violation, practice
from ..sockets import wait_until_listening


@practice("taste", slow=True)
def check(subject: Subject) -> None:
    ports = {port for _, _, port in published(subject.shared_container().container)}
    if subject.published in ports and os.environ.get("PORT") == "0":
        seen = f"PORT=0, and compose publishes it on {subject.published}"
        raise Violation(seen, "PORT=9000 docker compose up; docker compose ps")
    with subject.started(environment={**subject.reachable_with, "PORT": "9001"}, ports=["9001"]) as running:
        wait_until_listening(running)
        if not wait_until(lambda: running.answers(port=9001), limit=15):
            raise Violation(
                f"PORT=9001, but nothing answers there; the log says:\n{running.log}",
                "docker compose run --rm --env PORT=9001 --publish 9001:9001 {service}",
                "{curl} localhost:9001",
            )
