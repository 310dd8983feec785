import secrets

from ...subject import Running, Subject
from .. import Violation, practice
from ..guestbook import entries, sign


@practice("loss", slow=True, needs="database")
def keeps_data(subject: Subject) -> None:
    """What people wrote is there again after `docker compose down` and `up`."""
    text = secrets.token_hex()
    with subject.running() as running:
        sign(running, text)
        running.project.compose.down(timeout=5, quiet=True)
        running.project.compose.up(running.service, detach=True, no_build=True, quiet=True)
        again = Running(running.project, running.service, running.by_hand)
        again.wait_until_ready()
        if text not in entries(again):
            raise Violation("it is gone", "docker compose down; docker compose up --detach", "curl localhost:8000")
