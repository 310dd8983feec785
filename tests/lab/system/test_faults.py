"""What final survives: killed processes, a stop under load, handlers that hang, memory and disks that are full."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from python_on_whales.exceptions import DockerException

from lab.load import load
from library import clock
from library.engine import wait_until
from library.practices.processes import app_processes, count_workers, signal_workers
from library.practices.startup import first_running, have_16_cpus
from library.program import in_container
from library.subject import Running, Subject
from library.tutorial import ROOT

pytestmark = pytest.mark.about("final")
FINAL = Subject("final", ROOT / "final")
CLIENTS = 8


@in_container()
def kill(pid: int) -> None:
    import os
    import signal

    os.kill(pid, signal.SIGKILL)


def workers(running: Running) -> list[int]:
    return signal_workers(running, 0)


def test_a_killed_worker_loses_what_it_had_in_flight_and_no_more() -> None:
    with FINAL.running(environment={"WORKERS": "2"}) as running:
        assert count_workers(running, 2) == 2
        with load(running, CLIENTS) as seen:
            first, _ = workers(running)
            running.run(kill, first)
            assert wait_until(lambda: len(workers(running)) == 2 and first not in workers(running), limit=20)
        assert seen.lost <= CLIENTS
        assert seen.counted.keys() <= {"200", "lost", "lost, reused"}, "nobody was refused"
        assert seen.answered > 10 * CLIENTS
        assert running.restarts == 0


def test_a_killed_main_process_comes_back_with_its_container() -> None:
    with FINAL.running() as running:
        start = clock.seconds()
        (main,) = (pid for pid, parent in running.run(app_processes).items() if parent == 1)
        with suppress(DockerException):  # the look into the container ends with it
            running.run(kill, main)
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
        (worker,) = workers(running)
        running.run(kill, worker)
        assert wait_until(lambda: running.answers() and worker not in workers(running), limit=20)
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
            assert len(workers(running)) == 1
            assert running.restarts == 0
    assert seen.counted.keys() == {"200"}
    assert seen.answered > 10 * CLIENTS
