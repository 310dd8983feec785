"""A saved file is in the running container, with the very commands of the articles about development."""

import itertools
import os
import subprocess
from functools import partial
from pathlib import Path

import httpx
import pytest

from library.engine import SESSION, one_build_at_a_time, wait_until
from library.subject import Subject
from library.tutorial import ROOT

# What compose is told, which service it starts, and which file is saved.
CASES = {
    "final": ("watch", "web", "hello/main.py"),  # the container is replaced
    "step-5-larger": ("up --watch dev", "dev", "src/guestbook/views.py"),  # the file is copied
    "extra-4-developing": ("up --watch dev", "dev", "hello/main.py"),  # the file is mounted
}
# What else the compose file watches, and builds again for.
ALSO = {"step-5-larger": ("frontend/style.css", "poetry.lock")}


@pytest.mark.thorough(or_its_step=True)  # the practice asks every folder that watches
@pytest.mark.parametrize(
    ("folder", "command", "service", "file"),
    [pytest.param(name, *case, id=name, marks=pytest.mark.about(name)) for name, case in CASES.items()],
)
def test_watch_brings_a_saved_file_into_the_container(folder: str, command: str, service: str, file: str) -> None:
    # It builds when it starts, and again later.
    with Subject(folder, ROOT / folder).copied("to watch") as copy, one_build_at_a_time():
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

        ask("build", service)
        log = Path(f"{copy.path}.log")
        saves = itertools.count(1)
        with log.open("w") as output:
            watch = subprocess.Popen([*compose, *command.split()], env=environment, stdout=output, stderr=output)
        try:
            main = copy.path / file
            first = main.read_text()

            def save(text: str) -> None:
                main.write_text(first.replace("Hello from a container", text))

            def is_another(before: str) -> bool:
                return ask("ps", "--quiet", service) not in ("", before)

            def save_and_ask() -> bool:
                save(f"Saved {next(saves)} times")
                return wait_until(lambda: "Saved" in answer(), limit=5)

            assert wait_until(lambda: "Hello from a container" in answer(), limit=120, pause=0.5), log.read_text()
            # Compose says that it watches before it does: the first save that it sees tells when.
            assert wait_until(save_and_ask, limit=120), log.read_text()
            save("And once more")
            assert wait_until(lambda: "And once more" in answer(), limit=120, pause=0.5), log.read_text()
            for also in ALSO.get(folder, ()):
                before = ask("ps", "--quiet", service)
                saved = copy.path / also
                saved.write_text(saved.read_text() + ("/* saved */\n" if saved.suffix == ".css" else "# saved\n"))
                built_again = wait_until(partial(is_another, before), limit=120, pause=0.5)
                assert built_again, f"{also} was saved: not built again\n{log.read_text()}"
        finally:
            watch.terminate()
            watch.wait()
            ask("down", "--timeout=0", "--volumes", "--rmi=local")
