"""While the database is away, the app lives on and says why it is not ready; when it is back, no row is lost."""

import secrets

from ...engine import wait_until
from ...subject import READY_LIMIT
from .. import Sabotage, Subject, Violation, practice
from ..guestbook import entries, sign
from ..rolling import visitors


@practice("loss", slow=True, needs="database")
def check(subject: Subject) -> None:
    by_hand = ("docker compose stop db; {curl} -i {address}/health {address}/ready", "docker compose start db")
    text = secrets.token_hex()
    with subject.running() as running:
        sign(running, text)
        started = running.container.state.started_at
        with visitors(f"{running.url()}/health", rate=20, number=1, timeout=5) as visits:
            visits.during = "the database was away"
            running.project.compose.stop("db")
            answer = running.get("/ready", timeout=20)
            if answer.status_code != 503 or not answer.json()["reason"]:
                raise Violation(f"no database, and /ready says {answer.status_code}: {answer.text[:300]}", *by_hand)
            if (page := running.get("/", timeout=20, accept="text/html")).status_code != 503:
                raise Violation(f"no database, and the page says {page.status_code}", *by_hand)
            running.project.compose.start("db")
            if not wait_until(lambda: running.answers("/ready"), limit=READY_LIMIT):
                raise Violation("the database is back, and /ready does not become 200", *by_hand)
        if visits.failed:
            raise Violation(f"/health said {', '.join(visits.failed)}", *by_hand)
        if running.restarts or running.container.state.started_at != started:
            raise Violation("the app was restarted", *by_hand)
        if text not in entries(running):
            raise Violation("an entry that was there before is lost", *by_hand)


TURNS_RED = [
    Sabotage("no answer for an absent database", "step-5-larger/src/config/settings.py", r".*DatabaseAway.*\n", "")
]
