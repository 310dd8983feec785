"""Every command that an article shows runs, and prints what the article says.

The ``console`` blocks of a page are run in order, in a fresh copy of its folder. ``…`` in the shown output matches
anything. A block that cannot run here says why: ``<!-- not run: REASON -->`` on the line before it. One block of a page
may be its picture, ``<!-- picture NAME: what it shows -->``: with PICTURES=assets in the environment it is drawn.
``$ cd ../FOLDER`` leads to another folder, to see there what this one changes, or back.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from library import tutorial
from library.engine import SCRATCH, SESSION, one_build_at_a_time
from library.repository import copy_files
from library.subject import Subject
from tools import pictures

BLOCK = re.compile(
    r"^(?:(?P<not_run><!-- not run: .+ -->\n)|<!-- picture (?P<picture>[\w-]+): .+ -->\n)?"
    r"```console\n(?P<text>[\s\S]*?)^```$",
    re.MULTILINE,
)
FOLDERS = [folder for folder in tutorial.load() if (folder.path / "README.md").exists()]


@dataclass(frozen=True)
class Command:
    line: int
    command: str
    shown: str
    picture: str | None


def commands(page: Path) -> Iterator[Command]:
    """The commands of a page's console blocks, with what the page shows as their output."""
    text = page.read_text()
    blocks = list(BLOCK.finditer(text))
    if len(blocks) != text.count("```console"):
        pytest.fail(f"{page}: a console block is indented or never ends, and would not be run", pytrace=False)
    for block in blocks:
        if block["not_run"]:
            continue
        line = text[: block.start("text")].count("\n") + 1
        for part in re.split(r"^(?=\$ )", block["text"], flags=re.MULTILINE):
            if part:
                command, _, shown = part.removeprefix("$ ").partition("\n")
                yield Command(line, command, shown, block["picture"])
                line += part.count("\n")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "bootstrap/README.md", "tests/README.md"])
def test_commands_that_are_not_run_say_why(page: str) -> None:
    """Only the folders' pages can be run: any other block of commands must have a reason."""
    path = tutorial.ROOT / page
    ran = [f"{page}:{step.line}: $ {step.command}" for step in commands(path)]
    assert not ran, "no reason why the tests do not run\n" + "\n".join(ran)


@pytest.mark.parametrize("subject", [pytest.param(Subject(f.name, f.path), id=f.name) for f in FOLDERS])
def test_commands_of_the_article(subject: Subject) -> None:
    page = subject.path / "README.md"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    project = f"{SESSION}-article-{subject.slug}"
    environment = {**os.environ, "PORT": port, "COMPOSE_PROJECT_NAME": project, "BUILDKIT_PROGRESS": "plain"}
    # Tools that a reader installs, such as pre-commit, are the ones beside pytest here.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    folder, visited = Path(), dict[str, Path]()  # each with the name of its compose project

    def enter(name: str) -> None:
        # What belongs to the folder and nothing outside it, where a path has spaces: it works when copied alone.
        nonlocal folder
        folder = SCRATCH / f"{name} for the article of {subject.path.name}" / name
        environment["COMPOSE_PROJECT_NAME"] = project if name == subject.path.name else f"{project}-{name}"
        if folder not in visited.values():
            copy_files(tutorial.ROOT / name, folder)
            visited[environment["COMPOSE_PROJECT_NAME"]] = folder

    enter(subject.path.name)
    steps = list(commands(page))
    drawn: dict[str, list[tuple[str, str]]] = {}
    # Names that the page gives to containers and images of its own: here they are the session's, which cleans up.
    names = set(re.findall(r"--(?:name|tag) (\S+)", "\n".join(step.command for step in steps)))
    try:
        for step in steps:
            if elsewhere := re.fullmatch(r"cd \.\./([\w-]+)", step.command):
                enter(elsewhere[1])
                continue
            command = re.sub(r"(?<=localhost:)8000|8000(?=:)", port, step.command)
            for name in names:
                command = re.sub(rf"(?<= ){name}(?= |$)", f"{project}-{name}", command)
            with one_build_at_a_time() if "build" in command else nullcontext():
                result = subprocess.run(
                    ["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
                )  # fmt: skip
            printed = (
                re.sub(r"\x1b\[[\d;]*[A-Za-z]|\r", "", result.stdout).replace(port, "8000").replace(f"{project}-", "")
            )
            if not re.fullmatch(re.escape(step.shown.strip()).replace("…", r"[\s\S]*"), printed.strip()):
                pytest.fail(
                    f"{page.relative_to(tutorial.ROOT)}:{step.line}: $ {step.command}\n"
                    f"The page shows:\n{step.shown}\nIt printed:\n{printed}",
                    pytrace=False,
                )
            if step.picture:
                # What the page leaves out altogether, the picture does, too.
                output = "…" if step.shown.strip() == "…" else printed.strip()
                drawn.setdefault(step.picture, []).append((step.command, output))
    finally:
        for name, path in visited.items():
            subprocess.run(
                ["docker", "compose", "--project-name", name, "down", "--volumes", "--timeout", "0"],
                cwd=path, env=environment, capture_output=True, check=False,
            )  # fmt: skip
    if folder_of_pictures := os.environ.get("PICTURES"):
        for name, shown in drawn.items():
            pictures.draw(tutorial.ROOT / folder_of_pictures / name, subject.path.name, shown)
