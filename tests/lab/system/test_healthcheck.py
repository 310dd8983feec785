"""The health check with the values that ship, by the clock: which hangs it notices, and what nobody else does then."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from library import tutorial
from library.engine import docker, wait_until
from library.practices.health import health, health_when_looked_at
from library.practices.processes import app_processes
from library.program import in_container
from library.subject import Running, Subject

NOTICED = 120  # seconds; three checks, 30 seconds apart, of 3 seconds each, the first after up to 30


@in_container(app_processes)
def freeze() -> None:
    import os
    import signal

    for pid in app_processes():
        if pid > 1:  # the engine's own init
            os.kill(pid, signal.SIGSTOP)


def subject(folder: str) -> Subject:
    return Subject(folder, tutorial.ROOT / folder)


def require_unhealthy_and_running(running: Running) -> None:
    assert wait_until(lambda: health(running) == "unhealthy", limit=NOTICED)
    running.container.reload()
    assert (running.container.state.running, running.container.restart_count) == (True, 0), "Docker only says so"


@pytest.mark.thorough
@pytest.mark.about("step-4-nontrivial")
def test_requests_that_take_every_thread_are_noticed() -> None:
    with subject("step-4-nontrivial").running() as running, ThreadPoolExecutor(8) as pool:
        assert health_when_looked_at(running) == "healthy"

        def keep_asking() -> None:
            # It has four threads; whoever gets none waits, as the health check does.
            with suppress(httpx.HTTPError):
                while running.get("/slow?seconds=25", timeout=300).status_code == 200:
                    pass

        for _ in range(8):
            pool.submit(keep_asking)
        try:
            require_unhealthy_and_running(running)
            assert "WORKER TIMEOUT" not in running.log, "gunicorn has noticed something itself"
        finally:
            docker.kill(running.container)


@pytest.mark.about("final")
def test_an_app_that_is_frozen_with_its_main_process_is_noticed() -> None:
    with subject("final").running() as running:
        assert health_when_looked_at(running) == "healthy"
        running.run(freeze)
        require_unhealthy_and_running(running)
