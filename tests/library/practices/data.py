"""What can be seen of the database behind the app."""

import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import httpx

from ..engine import NotReady, wait_until
from ..subject import READY_LIMIT, Running, Subject
from . import Violation, practice

BROWSER = {"Accept": "text/html"}


def form_on(browser: httpx.Client) -> dict[str, str]:
    """The hidden field of the page's form, as a browser has it that has opened the page."""
    return hidden_field(browser.get("/").text)


def hidden_field(page: str) -> dict[str, str]:
    """The field of a page's form that nobody fills in."""
    return dict(re.findall(r'name="(csrfmiddlewaretoken)" value="(\w+)"', page))


def sign(running: Running, text: str) -> httpx.Response:
    """Sign the guestbook as a browser does: load the page, fill in its form, send it."""
    with httpx.Client(base_url=running.url(), headers=BROWSER, timeout=10) as visitor:
        return visitor.post("/sign", data={**form_on(visitor), "name": "A tester", "text": text})


def entries(running: Running) -> list[str]:
    """The texts in the guestbook, the newest first."""
    if (answer := running.get("/")).status_code != 200:
        raise Violation(f"GET / says {answer.status_code}", "curl localhost:8000", "docker compose logs web")
    return [entry["text"] for entry in answer.json()["entries"]]


SLOW_MIGRATION = """
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = [("guestbook", "0001_initial")]
    operations = [migrations.RunSQL("SELECT pg_sleep(5)")]
"""


@practice("loss", slow=True, builds=True, needs="database")
def migrates_on_start(subject: Subject) -> None:
    """At its start the app migrates its database; if two replicas start at once, one does it, and both run."""
    by_hand = ("docker compose down --volumes", "PORT=0 docker compose up --scale web=2")
    with subject.copied("with a slow migration") as copy:
        # It takes longer than two replicas differ in their start: without a lock, both find it to do.
        (copy.code / "guestbook/migrations/0002_slow.py").write_text(SLOW_MIGRATION)
        _start_two_on_an_empty_database(copy, by_hand)


def _start_two_on_an_empty_database(subject: Subject, by_hand: tuple[str, ...]) -> None:
    with subject.started(scale=2) as running:
        replicas = [Running(running.project, running.service, running.by_hand, index) for index in (1, 2)]
        for replica in replicas:
            try:
                replica.wait_until_ready(path="/ready", limit=40)
            except NotReady as error:
                raise Violation(f"replica {replica.index} is not ready; its log:\n{replica.log}", *by_hand) from error
        applied = [len(re.findall("Applying guestbook.0002.* OK", replica.log)) for replica in replicas]
        if sorted(applied) != [0, 1]:
            raise Violation(f"the replicas applied the same migration {applied} times", *by_hand)


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
def survives_database_restart(subject: Subject) -> None:
    """While the database is away, the app lives on and says why it is not ready; when it is back, no row is lost."""
    by_hand = ("docker compose stop db; curl -i localhost:8000/health localhost:8000/ready", "docker compose start db")
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
        running.container.reload()
        if running.container.state.started_at != started or running.container.restart_count:
            raise Violation("the app was restarted", *by_hand)
        if text not in entries(running):
            raise Violation("an entry that was there before is lost", *by_hand)


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
