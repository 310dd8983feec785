"""What final's article says about development, which no practice sees."""

import os
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from engine import SESSION, Subject, wait_until
from tutorial import ROOT

FINAL = Subject("final", ROOT / "final")


@pytest.mark.xdist_group("final")
def test_watch_replaces_the_container_when_a_file_is_saved() -> None:
    with FINAL.copied("to watch") as copy:
        project = f"{SESSION}-watch"
        environment = {**os.environ, "COMPOSE_PROJECT_NAME": project}
        compose = ["docker", "compose", "--project-directory", str(copy.path)]

        def answer() -> str:
            port = subprocess.run(
                [*compose, "port", "web", "8000"], env=environment, capture_output=True, text=True, check=False
            ).stdout.strip()
            try:
                return httpx.get(f"http://{port}").text if port else ""
            except httpx.HTTPError:
                return ""

        log = Path(f"{copy.path}.log")
        with log.open("w") as output:
            watch = subprocess.Popen([*compose, "watch"], env=environment, stdout=output, stderr=output)
        try:
            assert wait_until(lambda: "Hello from a container" in answer(), limit=120), log.read_text()
            time.sleep(1)  # "Watch enabled" is said before the watch is
            main = copy.path / "hello/main.py"
            main.write_text(main.read_text().replace("Hello from a container", "Saved"))
            assert wait_until(lambda: "Saved" in answer(), limit=120), log.read_text()
        finally:
            watch.terminate()
            watch.wait()
            subprocess.run(
                [*compose, "down", "--timeout=0", "--rmi=local"], env=environment, capture_output=True, check=False
            )
