"""What step 5 survives of its database: killed, away or frozen, no connection left, full disks, half a migration."""

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock

import httpx
import pytest
from python_on_whales import Container
from python_on_whales.exceptions import DockerException

from lab.beside import beside
from library import clock
from library.edits import change
from library.engine import SESSION, docker, wait_until
from library.practices.guestbook import BROWSER, entries, form_on, sign
from library.subject import Running, Subject
from library.tutorial import ROOT

pytestmark = pytest.mark.about("step-5-larger")
STEP_5 = Subject("step-5-larger", ROOT / "step-5-larger")
IMAGE = "    image: postgres:17-trixie\n"


@contextmanager
def with_database(what: str, lines: str) -> Iterator[Subject]:
    """A copy whose database service has more lines."""
    with STEP_5.copied(what) as copy:
        change(copy.path / "compose.yaml", IMAGE, IMAGE + lines)
        yield copy


def psql(running: Running, statement: str, *options: str) -> str:
    """What the database prints for a statement."""
    (database,) = running.project.compose.ps(["db"])
    command = ["psql", "--username=guestbook", "--no-align", "--tuples-only", *options, f"--command={statement}"]
    return str(docker.execute(database, command))


def signatures_in(running: Running) -> list[str]:
    return psql(running, "SELECT text FROM guestbook_entry").split()


AWAY = 30  # seconds
THREADS = 8  # of uWSGI, in two workers


@dataclass
class Seen:
    """What people saw so far, by what was happening when they asked (and when they were answered, if that is another).

    Args:
        during: what is happening.
        statuses: how many answers of each status; 0 is a request without an answer.
        longest: seconds of the longest wait for an answer.
        acknowledged: the texts whose signing was answered as it should be.
        refused: those whose signing was not.
    """

    during: str = "before"
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    longest: dict[str, float] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def wait(self, during: str, limit: float = 20) -> None:
        """Wait for sixty answers while this happens."""
        self.during = during
        assert wait_until(lambda: self.statuses.get(during, Counter()).total() >= 60, limit)


@contextmanager
def people(running: Running, number: int = 6, pause: float = 0.25) -> Iterator[Seen]:
    """Read the page and sign, each with a pause of so many seconds in between, until the end of the block."""
    seen, end, lock = Seen(), Event(), Lock()
    url = running.url()

    def visit() -> None:
        with httpx.Client(base_url=url, headers=BROWSER, timeout=90) as browser:
            form = form_on(browser)
            while not end.wait(pause):
                text = secrets.token_hex(8)
                for method, path in (("GET", "/"), ("POST", "/sign")):
                    data = {**form, "name": "Somebody", "text": text} if method == "POST" else None
                    asked, start = seen.during, time.monotonic()
                    try:
                        status = browser.request(method, path, data=data).status_code
                    except httpx.HTTPError:
                        status = 0
                    during = asked if asked == seen.during else f"{asked}, then {seen.during}"
                    with lock:
                        seen.statuses.setdefault(during, Counter())[status] += 1
                        seen.longest[during] = max(seen.longest.get(during, 0), time.monotonic() - start)
                        if method == "POST":
                            (seen.acknowledged if status == 302 else seen.refused).append(text)

    with ThreadPoolExecutor(number) as pool:
        visits = [pool.submit(visit) for _ in range(number)]
        try:
            seen.wait("before", limit=60)
            yield seen
        finally:
            end.set()
    for done in visits:
        done.result()


def lost_and_doubled(subject: Subject) -> tuple[set[str], list[str]]:
    """The acknowledged signatures that a database has lost, or has twice, that was killed while people sign."""
    with subject.running() as running:
        psql(running, "CHECKPOINT")  # the migrations are on the disk, also where commits are not yet
        with people(running, pause=0) as seen:
            (database,) = running.project.compose.ps(["db"])
            docker.kill(database)
            assert wait_until(lambda: not running.answers("/ready"), limit=20)
        running.project.compose.start("db")
        assert wait_until(lambda: running.answers("/ready"), limit=60), "the database is back"
        kept = signatures_in(running)
        return set(seen.acknowledged) - set(kept), [text for text in seen.acknowledged if kept.count(text) > 1]


def test_killed_while_it_writes_it_has_every_acknowledged_signature_once() -> None:
    assert lost_and_doubled(STEP_5) == (set(), [])


@pytest.mark.thorough
def test_a_database_that_acknowledges_too_early_is_seen_to_lose() -> None:
    early = "    command: postgres -c synchronous_commit=off -c wal_writer_delay=10s -c wal_writer_flush_after=1GB\n"
    with with_database("that acknowledges too early", early) as copy:
        lost, doubled = lost_and_doubled(copy)
        assert lost
        assert not doubled


@contextmanager
def nothing_lost(running: Running, number: int = 6) -> Iterator[Seen]:
    """People until the end of the block; then what was acknowledged is there, nothing else, and nothing restarted."""

    def restarts() -> tuple[object, int | None]:
        running.container.reload()
        return running.container.state.started_at, running.container.restart_count

    began = restarts()
    with people(running, number) as seen:
        yield seen
    kept = set(signatures_in(running))
    assert kept >= set(seen.acknowledged)
    assert not kept & set(seen.refused)
    assert restarts() == began


@pytest.mark.thorough
def test_away_for_half_a_minute_everybody_is_told_so_at_once_and_then_it_goes_on() -> None:
    # Docker asks the machine's nameserver for the name of a container that has stopped, and waits four seconds for each
    # answer that is lost on the way. Nothing listens at this address in the container: the question is refused at once.
    with STEP_5.running(dns="127.0.0.1") as running:
        with nothing_lost(running) as seen:
            seen.during = "stopping"
            running.project.compose.stop("db")
            seen.during = "away"
            time.sleep(AWAY)
            answer = running.get("/ready", timeout=20)
            assert answer.status_code == 503
            assert answer.json()["reason"]
            seen.during = "coming back"
            running.project.compose.start("db")
            start = clock.seconds()
            assert wait_until(lambda: running.answers("/ready"), limit=20)
            took = clock.seconds() - start
            seen.wait("after")
        assert seen.statuses["away"].keys() == {503}
        assert seen.longest["away"] < 5, "connect_timeout is 3 seconds"
        assert took < 10
        assert seen.statuses["after"].keys() == {200, 302}
        assert 0 not in sum(seen.statuses.values(), Counter())


@pytest.mark.thorough
def test_frozen_for_half_a_minute_everybody_waits_and_is_served() -> None:
    with STEP_5.running() as running:
        (database,) = running.project.compose.ps(["db"])
        with nothing_lost(running, THREADS + 1) as seen:
            seen.during = "frozen"
            docker.pause(database)
            assert wait_until(lambda: not running.answers("/health"), limit=20), "every thread waits"
            time.sleep(AWAY)
            docker.unpause(database)
            seen.wait("after")
        assert set(sum(seen.statuses.values(), Counter())) == {200, 302}
        assert seen.longest["frozen, then after"] > AWAY
        assert running.answers("/health")


@pytest.mark.thorough
def test_out_of_connections_it_says_so_and_lives() -> None:
    few = "    command: postgres -c max_connections=3 -c superuser_reserved_connections=0 -c max_wal_senders=0\n"
    with with_database("with three connections", few) as copy, copy.running() as running, ThreadPoolExecutor(8) as pool:

        def refused() -> bool:
            answers = list(pool.map(lambda _: running.get("/ready", timeout=60), range(24)))
            assert {answer.status_code for answer in answers} <= {200, 503}
            return any("too many clients" in answer.text for answer in answers if answer.status_code == 503)

        assert wait_until(refused, limit=30), "eight threads want a connection each"
        assert running.answers("/health")
        assert wait_until(lambda: running.answers("/ready"), limit=30), "a thread that has one keeps it"
        assert "Traceback" not in running.log


@pytest.mark.thorough
def test_with_a_full_disk_it_says_so_and_can_be_read() -> None:
    small = "    tmpfs: /var/lib/postgresql/small:uid=999,size=8m\n"
    with with_database("with a small disk", small) as copy, copy.running() as running:
        # The table on a disk of its own: the log of transactions is written before it, and would stop the whole server.
        assert sign(running, "before").status_code == 302
        psql(running, "CREATE TABLESPACE small LOCATION '/var/lib/postgresql/small'")
        psql(running, "ALTER TABLE guestbook_entry SET TABLESPACE small")
        (database,) = running.project.compose.ps(["db"])
        fill = "dd if=/dev/zero of=/var/lib/postgresql/small/full bs=4k 2>/dev/null; true"
        docker.execute(database, ["sh", "-c", fill])
        statuses = set()
        for _ in range(100):
            statuses.add(sign(running, "x" * 500).status_code)
            if 503 in statuses:
                break
        assert statuses <= {302, 503}
        assert 503 in statuses, "the disk is full"
        assert "before" in entries(running)
        assert running.answers("/health")
        docker.execute(database, ["rm", "/var/lib/postgresql/small/full"])
        assert sign(running, "after").status_code == 302
        assert "after" in entries(running)


@contextmanager
def on_a_small_disk(megabytes: int) -> Iterator[tuple[Subject, Container]]:
    """A copy whose database has a volume of this size, and a container that keeps it while the database is away."""
    name = f"{SESSION}-small-disk"
    options = {"type": "tmpfs", "device": "tmpfs", "o": f"size={megabytes}m"}
    volume = docker.volume.create(name, driver="local", options=options)
    with STEP_5.copied("on a small disk") as copy:
        change(
            copy.path / "compose.yaml", "\nvolumes:\n  db:\n", f"\nvolumes:\n  db: {{ external: true, name: {name} }}\n"
        )
        image, command = IMAGE.split()[1], ["sleep", "infinity"]
        keeper = docker.run(image, command, name=f"{name}-keeper", detach=True, volumes=[(name, "/disk")])
        try:
            yield copy, keeper
        finally:
            docker.remove(keeper, force=True)
            volume.remove()


@pytest.mark.thorough
def test_with_its_whole_disk_full_the_database_ends_and_nothing_acknowledged_is_lost() -> None:
    with on_a_small_disk(128) as (copy, keeper), copy.running() as running:
        (database,) = running.project.compose.ps(["db"])

        def ended_by_a_new_log() -> bool:
            """Let the database begin the next file of its log of transactions."""
            with suppress(DockerException, ValueError):
                psql(running, "SELECT pg_switch_wal()")
            database.reload()
            return not database.state.running

        with (
            nothing_lost(running) as seen,
            httpx.Client(base_url=running.url(), headers=BROWSER, timeout=20) as browser,
        ):
            form = form_on(browser)
            docker.execute(keeper, ["sh", "-c", "dd if=/dev/zero of=/disk/full bs=64k 2>/dev/null; true"])
            seen.during = "full"
            # Sixteen megabytes of signatures later, the log of transactions needs a new file: not so many are needed.
            assert wait_until(ended_by_a_new_log, limit=60, pause=1)
            assert "No space left on device" in str(docker.logs(database))
            seen.wait("away", limit=60)
            page = browser.post("/sign", data={**form, "name": "Somebody", "text": "nobody keeps this"})
            assert page.status_code == 503
            assert "please try again" in page.text
            seen.during = "room"
            docker.execute(keeper, ["rm", "/disk/full"])
            running.project.compose.start("db")
            assert wait_until(lambda: running.answers("/ready"), limit=30)
            seen.wait("after")
        assert seen.statuses["away"].keys() == {503}
        assert seen.statuses["after"].keys() == {200, 302}


HALF_A_MIGRATION = """
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = [("guestbook", "0001_initial")]
    operations = [migrations.RunSQL("CREATE TABLE half (id int)"), migrations.RunSQL("SELECT 1 / 0")]
"""


@pytest.mark.thorough
def test_a_migration_that_fails_leaves_nothing_and_the_old_version_serves() -> None:
    with STEP_5.running() as old, STEP_5.copied("with half a migration") as copy:
        (copy.code / "guestbook/migrations/0002_half.py").write_text(HALF_A_MIGRATION)
        environment = dict(line.partition("=")[::2] for line in old.container.config.env or ())
        with beside(old, copy.built_image(), envs=environment) as new:
            assert docker.wait(new) == 1
            assert "division by zero" in str(docker.logs(new))
        assert sign(old, "meanwhile").status_code == 302
        assert "meanwhile" in entries(old)
        assert psql(old, "SELECT count(*) FROM pg_tables WHERE tablename = 'half'") == "0"
