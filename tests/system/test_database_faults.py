"""What step 5 survives of its database: killed while it writes, no connection left, a full disk, half a migration."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import httpx
import pytest

from library.engine import docker, wait_until
from library.practices.data import entries, sign
from library.subject import Running, Subject
from library.tutorial import ROOT

pytestmark = pytest.mark.about("step-5-larger")
STEP_5 = Subject("step-5-larger", ROOT / "step-5-larger")
IMAGE = "    image: postgres:17\n"


@contextmanager
def with_database(what: str, lines: str) -> Iterator[Subject]:
    """A copy whose database service has more lines."""
    with STEP_5.copied(what) as copy:
        compose = copy.path / "compose.yaml"
        text = compose.read_text()
        assert text.count(IMAGE) == 1
        compose.write_text(text.replace(IMAGE, IMAGE + lines))
        yield copy


def psql(running: Running, statement: str, *options: str) -> str:
    """What the database prints for a statement."""
    (database,) = running.project.compose.ps(["db"])
    command = ["psql", "--username=guestbook", "--no-align", "--tuples-only", *options, f"--command={statement}"]
    return str(docker.execute(database, command))


def signatures_in(running: Running) -> list[str]:
    return psql(running, "SELECT text FROM guestbook_entry").split()


def sign_until_the_database_dies(running: Running) -> list[str]:
    """Sign from several threads, kill the database meanwhile; return the texts whose signing was acknowledged."""
    acknowledged: list[str] = []
    end = Event()

    def keep_signing() -> None:
        while not end.is_set():
            text = secrets.token_hex(8)
            try:
                if sign(running, text).status_code == 302:
                    acknowledged.append(text)
            except httpx.HTTPError:
                continue

    with ThreadPoolExecutor() as pool:
        try:
            for _ in range(4):
                pool.submit(keep_signing)
            assert wait_until(lambda: len(acknowledged) >= 20, limit=60)
            (database,) = running.project.compose.ps(["db"])
            docker.kill(database)
            assert wait_until(lambda: not running.answers("/ready"), limit=20)
        finally:
            end.set()
    return acknowledged


def lost_and_doubled(subject: Subject) -> tuple[set[str], list[str]]:
    """The acknowledged signatures that a killed database has lost, and those that it has twice."""
    with subject.running() as running:
        acknowledged = sign_until_the_database_dies(running)
        running.project.compose.start("db")
        assert wait_until(lambda: running.answers("/ready"), limit=60), "the database is back"
        kept = signatures_in(running)
        return set(acknowledged) - set(kept), [text for text in acknowledged if kept.count(text) > 1]


def test_killed_while_it_writes_it_has_every_acknowledged_signature_once() -> None:
    assert lost_and_doubled(STEP_5) == (set(), [])


@pytest.mark.thorough
def test_a_database_that_acknowledges_too_early_is_seen_to_lose() -> None:
    early = "    command: postgres -c synchronous_commit=off -c wal_writer_delay=10s -c wal_writer_flush_after=1GB\n"
    with with_database("that acknowledges too early", early) as copy:
        lost, doubled = lost_and_doubled(copy)
        assert lost
        assert not doubled


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
        network = next(iter(old.container.network_settings.networks or {}))
        environment = dict(line.partition("=")[::2] for line in old.container.config.env or ())
        name = f"{old.project.client_config.compose_project_name}-new"
        new = docker.run(copy.image, name=name, detach=True, networks=[network], envs=environment)
        try:
            assert docker.wait(new) == 1
            assert "division by zero" in str(docker.logs(new))
        finally:
            docker.remove(new, force=True)
        assert sign(old, "meanwhile").status_code == 302
        assert "meanwhile" in entries(old)
        assert psql(old, "SELECT count(*) FROM pg_tables WHERE tablename = 'half'") == "0"
