"""What final survives: killed processes, a stop under load, handlers that hang, memory and disks that are full."""

import re
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from python_on_whales.exceptions import DockerException

from lab.load import load
from library import clock
from library.engine import SESSION, build_recipe, wait_until
from library.practices.processes import app_processes
from library.practices.startup import first_running, have_16_cpus
from library.program import in_container
from library.subject import Running, Subject
from library.tutorial import ROOT

pytestmark = pytest.mark.about("final")
FINAL = Subject("final", ROOT / "final")
CLIENTS = 8


@in_container(app_processes)
def gunicorns() -> list[int]:
    """The process ids of gunicorn's main process and of its workers, below the engine's init."""
    parents = app_processes()
    (main,) = (pid for pid, parent in parents.items() if parent == 1)
    return [main, *(pid for pid, parent in parents.items() if parent == main)]


@in_container()
def kill_from_inside(pid: int) -> None:
    import os
    import signal

    os.kill(pid, signal.SIGKILL)


def processes(running: Running) -> list[int]:
    return running.run(gunicorns)


def kill(running: Running, pid: int) -> None:
    running.run(kill_from_inside, pid)


def test_a_killed_worker_loses_what_it_had_in_flight_and_no_more() -> None:
    with FINAL.running(environment={"WORKERS": "2"}) as running:
        wait_until(lambda: len(processes(running)) == 3, limit=20)
        with load(running, CLIENTS) as seen:
            _, first, *_ = processes(running)
            kill(running, first)
            assert wait_until(lambda: len(processes(running)) == 3 and first not in processes(running), limit=20)
        assert seen.lost <= CLIENTS
        assert seen.counted.keys() <= {"200", "lost", "lost, reused"}, "nobody was refused"
        assert seen.answered > 10 * CLIENTS
        assert running.restarts == 0


def test_a_killed_main_process_comes_back_with_its_container() -> None:
    with FINAL.running() as running:
        start = clock.seconds()
        main, *_ = processes(running)
        with suppress(DockerException):  # the look into the container ends with it
            kill(running, main)
        assert wait_until(lambda: running.restarts == 1, limit=10)
        running.wait_until_ready()
        assert clock.seconds() - start < 10


def test_a_stop_under_load_loses_nothing_that_was_accepted() -> None:
    """Each of these requests takes half a second, so there is one in flight on nearly every connection.

    On the others, a request may be under way when the server closes them: no server can answer that one, and clients
    send it again (RFC 9112, 9.3.1). What the app has begun is what has to be answered, and it says what it begins.
    """
    with FINAL.running() as running:
        with load(running, CLIENTS, "/slow?seconds=0.5") as seen:
            running.stop()
        assert seen.counted.keys() <= {"200", "refused", "lost, reused"}, seen.counted
        assert seen.answered == running.log.count("answering in") >= 2 * CLIENTS
        assert running.exit_code == 0


# Handlers as nobody should write them.
HANDLERS = """

@app.get("/hang")
async def hang():
    await asyncio.sleep(3600)


@app.get("/burn")
async def burn():
    while True:
        pass


@app.get("/eat")
async def eat():
    return len(bytearray(2**30))
"""


@pytest.mark.thorough
def test_handlers_that_hang_burn_or_eat_memory() -> None:
    with FINAL.copied("with bad handlers") as copy:
        module = copy.path / "hello/main.py"
        module.write_text(module.read_text() + HANDLERS)
        with copy.running(environment={"TIMEOUT": "3"}) as running:
            # One that waits for ever keeps nobody else waiting.
            with load(running, 1) as seen, pytest.raises(Exception, match="timed out"):
                running.get("/hang", timeout=3)
            assert seen.counted.keys() == {"200"}
            # One that never gives the CPU back blocks its worker, which is killed after TIMEOUT.
            for path, said in (("/burn", "WORKER TIMEOUT"), ("/eat", "SIGKILL! Perhaps out of memory?")):
                with pytest.raises(Exception, match=r"disconnected|reset"):
                    running.get(path, timeout=30)
                assert wait_until(running.answers, limit=20), path
                assert said in running.log, path
            assert running.restarts == 0


@in_container()
def fill(directory: str) -> str:
    from pathlib import Path

    with Path(directory, "full").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(2**20))
        except OSError as error:
            return error.strerror or ""


def test_full_scratch_directories_stop_nobody() -> None:
    with FINAL.running(environment={"WORKERS": "1"}) as running:
        for directory in ("/tmp", "/dev/shm"):  # noqa: S108  the container's own
            assert running.run(fill, directory) == "No space left on device"
        _, worker = processes(running)
        kill(running, worker)
        assert wait_until(lambda: running.answers() and worker not in processes(running), limit=20)
        assert running.restarts == 0


@pytest.mark.thorough
def test_without_a_name_server_it_starts_and_serves() -> None:
    with FINAL.started(dns=["192.0.2.1"]) as running:
        start = clock.seconds()
        running.wait_until_ready()
        assert clock.seconds() - start < 10
        assert "192.0.2.1" in str(running.container.host_config.dns)
        assert not re.search("error", running.log, re.IGNORECASE)


def test_one_worker_serves_in_128_mb_however_many_cpus_there_are(tmp_path: Path) -> None:
    # On a host with cgroup version 1, too: what a kernel with version 2 would show.
    (tmp_path / "memory.max").write_text(str(128 * 2**20))
    tmp_path.chmod(0o755)
    with first_running(FINAL, have_16_cpus.source()) as overrides:
        overrides["volumes"].append(f"{tmp_path}:/sys/fs/cgroup:ro")
        with FINAL.running(cpus=0, mem_limit="128m", **overrides) as running, load(running, CLIENTS) as seen:
            assert len(processes(running)) == 2, "the main process and a worker"
            assert running.restarts == 0
    assert seen.counted.keys() == {"200"}
    assert seen.answered > 10 * CLIENTS


# The time of day is what a file says; the clock that only counts up (monotonic) goes on.
OTHER_CLOCK = """
FROM {image}
USER 0
RUN apt-get update && apt-get install --yes --no-install-recommends libfaketime \\
    && ln -s /usr/lib/*-linux-gnu*/faketime/libfaketimeMT.so.1 /usr/lib/libfaketime.so
USER 10001:10001
"""
FROM_A_FILE = {
    "LD_PRELOAD": "/usr/lib/libfaketime.so",
    "FAKETIME_TIMESTAMP_FILE": "/tmp/clock",  # noqa: S108  the container's own
    "FAKETIME_NO_CACHE": "1",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
}


@in_container()
def set_clock(offset: str) -> None:
    """In one step: whoever asks for the time meanwhile must not read half of it."""
    from pathlib import Path

    Path("/tmp/next").write_text(offset)  # noqa: S108  the container's own
    Path("/tmp/next").replace("/tmp/clock")  # noqa: S108


def ahead(running: Running) -> float:
    """Seconds that the server's clock is ahead of this machine's."""
    return parsedate_to_datetime(running.get("/").headers["date"]).timestamp() - time.time()


@pytest.mark.thorough
@pytest.mark.parametrize("jump", [3600, -3600], ids=["an hour ahead", "an hour back"])
def test_a_clock_that_jumps_stops_nobody(jump: int) -> None:
    name = f"{SESSION}-clock"
    build_recipe(OTHER_CLOCK.format(image=FINAL.built_image()), name)
    with FINAL.running(image=name, environment=FROM_A_FILE) as running:
        workers = processes(running)
        with load(running, CLIENTS) as seen:
            running.run(set_clock, f"{jump:+d}")
            assert wait_until(lambda: abs(ahead(running) - jump) < 60, limit=10), "the server's clock has jumped"
            time.sleep(5)  # TIMEOUT is shorter than the jump: who measures with that clock would kill the workers now
        assert seen.counted.keys() == {"200"}
        assert processes(running) == workers
