"""A saved file is in the running container, as the articles say about development; no practice sees that."""

import os
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from library.engine import SESSION, one_build_at_a_time, wait_until
from library.subject import Subject
from library.tutorial import ROOT

CASES = [
    pytest.param("final", ["watch"], "web", "hello/main.py", id="final-replaces-the-container"),
    pytest.param(
        "step-5-larger", ["up", "--watch", "dev"], "dev", "src/guestbook/views.py", id="step-5-larger-copies-the-file"
    ),
]


@pytest.mark.parametrize(("folder", "command", "service", "file"), CASES)
def test_watch_brings_a_saved_file_into_the_container(folder: str, command: list[str], service: str, file: str) -> None:
    with Subject(folder, ROOT / folder).copied("to watch") as copy:
        environment = {**os.environ, "COMPOSE_PROJECT_NAME": f"{SESSION}-watch-{folder}", "COMPOSE_PROFILES": service}
        compose = ["docker", "compose", "--project-directory", str(copy.path)]

        def ask(*arguments: str) -> str:
            done = subprocess.run([*compose, *arguments], env=environment, capture_output=True, text=True, check=False)
            return done.stdout.strip()

        def answer() -> str:
            port = ask("port", service, "8000").rpartition(":")[2]
            try:
                return httpx.get(f"http://127.0.0.1:{port}", timeout=2).text if port else ""
            except httpx.HTTPError:
                return ""

        with one_build_at_a_time():
            ask("build", service)
        log = Path(f"{copy.path}.log")
        with log.open("w") as output:
            watch = subprocess.Popen([*compose, *command], env=environment, stdout=output, stderr=output)
        try:
            assert wait_until(lambda: "Hello from a container" in answer(), limit=120, pause=0.5), log.read_text()
            time.sleep(2)  # "Watch enabled" is said before the watch is
            main = copy.path / file
            with one_build_at_a_time():
                main.write_text(main.read_text().replace("Hello from a container", "Saved"))
                assert wait_until(lambda: "Saved" in answer(), limit=120, pause=0.5), log.read_text()
        finally:
            watch.terminate()
            watch.wait()
            ask("down", "--timeout=0", "--volumes", "--rmi=local")
