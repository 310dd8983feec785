"""Within 3 seconds of a save, production's image runs your code; only a changed list of packages makes it build."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from python_on_whales.exceptions import DockerException

from ... import locks
from ...engine import one_build_at_a_time, wait_until
from ...image import history
from ...subject import Running
from .. import NotAsked, Sabotage, Subject, Violation, practice
from ..developing import on_free_ports, save_in_modules, services_that_watch, while_watching

RELOAD_LIMIT = 3.0  # seconds from a save to the answer of the saved code


@practice("cost", slow=True, slow_to_fail=True, needs="watch")
def check(subject: Subject) -> None:
    for name, service in services_that_watch(subject).items():
        try:
            _require_live_reload(subject, name, service)
            return
        except Violation as violation:
            last = violation
    raise last


def _require_live_reload(subject: Subject, name: str, service: Mapping[str, Any]) -> None:
    """Raise a violation where a service that watches is not production's image, or is slow to run what is saved."""
    by_hand = f"docker compose up --watch {name}"
    with subject.copied(f"to write in, as {name}") as folder:
        copy = on_free_ports(folder, name, service)
        if history(copy.built_image(), "CreatedBy") != history(subject.built_image(), "CreatedBy"):
            seen = f"`{name}` runs another image than `{subject.service}`"
            raise Violation(seen, f"docker compose build {name} {subject.service}; docker compose --profile '*' images")
        # Whatever is saved may make compose build.
        with copy.started() as running, one_build_at_a_time():
            running.wait_until_ready()
            with while_watching(running):
                for save in (_replaced, Path.write_text):
                    word = save_in_modules(copy, save)
                    if not wait_until(partial(_runs, running, word), RELOAD_LIMIT):
                        seen = f"{RELOAD_LIMIT:.0f} s after a save, `{name}` does not run what was saved"
                        raise Violation(seen, by_hand)
                if folders := _folders_that_build(subject, service):
                    raise Violation(f"whatever you save in {folders[0]} makes `{name}` build", by_hand)
                _require_rebuild(copy, running, by_hand)


def _folders_that_build(subject: Subject, service: Mapping[str, Any]) -> list[str]:
    """The folders in which whatever is saved makes compose build."""
    rules = [rule for rule in service["develop"]["watch"] if rule["action"] == "rebuild" and not rule.get("include")]
    return [path.name for rule in rules if (path := subject.path / rule["path"]).is_dir()]


def _require_rebuild(copy: Subject, running: Running, by_hand: str) -> None:
    """Raise a violation where another lock does not become another container."""
    changing = [file for file in locks.files(copy.source) if file.name != "Pipfile.lock"]
    if not changing:
        raise NotAsked("it reloads; there is no lock file to see a build after a change of it")

    for file in changing:
        file.write_text(f"{file.read_text()}\n# another lock\n")
    old, services = running.container.id, [running.service]
    if not wait_until(lambda: {one.id for one in running.project.compose.ps(services)} - {old}, limit=60, pause=0.5):
        names = ", ".join(file.name for file in changing)
        raise Violation(f"after a change of {names}, `{running.service}` is still the old container", by_hand)
    replace(running.now(), by_hand=(by_hand,)).wait_until_ready()


def _runs(running: Running, word: str) -> bool:
    """Whether this very container has said a word, and answers."""
    try:
        return word in running.log and running.answers()
    except DockerException:
        return False  # another container has taken its place


def _replaced(file: Path, text: str) -> None:
    """Save as many editors do: write another file, and give it the name."""
    new = file.with_name(f"{file.name}~")
    new.write_text(text)
    shutil.copymode(file, new)
    new.replace(file)


TURNS_RED = [
    Sabotage(
        "one file mounted, and not the folder",
        "extra-4-developing/compose.yaml",
        r"(?<=volumes: \[\")\./hello:/app/hello:ro(?=\"\]\n    develop)",
        "./hello/main.py:/app/hello/main.py:ro",
        symptom="With nano, what I save is there at once. I have another editor now: I save, and the app answers as"
        " before.",
    ),
    Sabotage(
        "saved files copied into the container",
        "extra-4-developing/compose.yaml",
        r"    volumes: \[\"\./hello:/app/hello:ro\"\]\n(    develop: .*\n +watch: )\[",
        r"\1[{ action: sync, path: hello, target: /app/hello }, ",
    ),
    Sabotage("nothing reloads", "extra-4-developing/compose.yaml", r"uvicorn --reload", "uvicorn"),
    Sabotage(
        "packages watched by nobody", "extra-4-developing/compose.yaml", r"path: requirements\.txt", "path: poetry.lock"
    ),
]
