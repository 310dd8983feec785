"""What people wrote is there again after `docker compose down` and `up`."""

import secrets

from .. import Sabotage, Subject, Violation, practice
from ..guestbook import entries, sign


@practice("loss", slow=True, needs="database")
def check(subject: Subject) -> None:
    text = secrets.token_hex()
    with subject.running() as running:
        sign(running, text)
        running.project.compose.down(timeout=5, quiet=True)
        running.project.compose.up(running.service, detach=True, no_build=True, quiet=True)
        again = running.now()
        again.wait_until_ready()
        if text not in entries(again):
            raise Violation("it is gone", "docker compose down; docker compose up --detach", "{curl} {url}")


TURNS_RED = [
    Sabotage(
        "the database in memory",
        "step-5-larger/compose.yaml",
        r"volumes:\n      - db:(?=/var)",
        "tmpfs:\n      - ",
        also={"survives-database-restart"},
        symptom="After the server was updated, the guestbook is empty. All that people wrote is gone.",
    )
]
