"""While the database is away, the app lives on and says why it is not ready; when it is back, no row is lost."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import httpx

from ...engine import wait_until
from ...subject import READY_LIMIT, Running
from .. import Sabotage, Subject, Violation, practice
from ..guestbook import entries, sign


@contextmanager
def _asked_all_the_time(running: Running, path: str) -> Iterator[list[str]]:
    """Ask for a path until the end of the block; the list fills with every answer that is not a 200."""
    wrong: list[str] = []
    end = Event()

    def ask() -> None:
        while not end.wait(0.05):
            try:
                if (answer := running.get(path, timeout=5)).status_code != 200:
                    wrong.append(str(answer.status_code))
            except httpx.HTTPError as error:
                wrong.append(repr(error))

    with ThreadPoolExecutor() as pool:
        pool.submit(ask)
        try:
            yield wrong
        finally:
            end.set()


@practice("loss", slow=True, needs="database")
def check(subject: Subject) -> None:
    by_hand = ("docker compose stop db; {curl} -i {address}/health {address}/ready", "docker compose start db")
    text = secrets.token_hex()
    with subject.running() as running:
        sign(running, text)
        started = running.container.state.started_at
        with _asked_all_the_time(running, "/health") as wrong:
            running.project.compose.stop("db")
            answer = running.get("/ready", timeout=20)
            if answer.status_code != 503 or not answer.json()["reason"]:
                raise Violation(f"no database, and /ready says {answer.status_code}: {answer.text[:300]}", *by_hand)
            if (page := running.get("/", timeout=20, accept="text/html")).status_code != 503:
                raise Violation(f"no database, and the page says {page.status_code}", *by_hand)
            running.project.compose.start("db")
            if not wait_until(lambda: running.answers("/ready"), limit=READY_LIMIT):
                raise Violation("the database is back, and /ready does not become 200", *by_hand)
        if wrong:
            raise Violation(f"/health said {', '.join(sorted(set(wrong)))} meanwhile", *by_hand)
        if running.restarts or running.container.state.started_at != started:
            raise Violation("the app was restarted", *by_hand)
        if text not in entries(running):
            raise Violation("an entry that was there before is lost", *by_hand)


TURNS_RED = [
    Sabotage("no answer for an absent database", "step-5-larger/src/config/settings.py", r".*DatabaseAway.*\n", "")
]
