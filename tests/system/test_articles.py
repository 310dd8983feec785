"""Every command that an article shows runs, and prints what the article says.

The ``console`` blocks of a page are run in order, in a fresh copy of its folder; those of a second page, with what is
looked up, in another copy. ``…`` in the shown output matches anything. A block that cannot run here says why:
``<!-- not run: REASON -->`` on the line before it. ``$ cd ../FOLDER`` leads to another folder, to see there what this
one changes, or back.
"""

import json
import os
import re
import subprocess
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest

from library import runner, swarm, tutorial
from library.engine import SCRATCH, SESSION, free_port, one_build_at_a_time, remove_names
from library.practices.publish import SCRIPT, STAND_IN, name_stand_ins
from library.repository import copy_files
from library.runner import Runner
from library.subject import Subject
from tools.blocks import commands

ARTICLES = [
    pytest.param(Subject(folder.name, folder.path), page, id=page.parent.name)
    for folder in tutorial.load()
    for page in folder.pages
]


# What builds, or may.
BUILDS = re.compile(r"\bbuild\b|\bdocker compose .*\b(run|up|watch)\b|publish\.sh")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "bootstrap/README.md", "tests/README.md"])
def test_commands_that_are_not_run_say_why(page: str) -> None:
    """Only the folders' pages can be run: any other block of commands must have a reason."""
    path = tutorial.ROOT / page
    ran = [f"{page}:{step.line}: $ {step.command}" for step in commands(path.read_text())]
    assert not ran, "no reason why the tests do not run\n" + "\n".join(ran)


@pytest.mark.parametrize(("subject", "page"), ARTICLES)
def test_commands_of_the_article(subject: Subject, page: Path) -> None:
    port, registry = str(free_port()), str(free_port())
    project = f"{SESSION}-article-{page.parent.name}"
    environment = {**os.environ, "PORT": port, "COMPOSE_PROJECT_NAME": project, "BUILDKIT_PROGRESS": "plain"}
    environment["REGISTRY_PORT"] = registry
    # A reader's Git knows who commits.
    environment |= {
        f"GIT_{role}_{what}": "reader@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    build = {}
    if (subject.path / SCRIPT).exists():
        # What is built on stand-ins carries their label, and is not published: the practice no-stand-in shows that.
        build["labels"] = {STAND_IN: ""}
    if "--no-cache" in page.read_text():
        # It empties the cache mounts, also those of whoever builds at the same time: the page gets some of its own.
        build["args"] = {"BUILDKIT_CACHE_MOUNT_NS": project}
    if build:
        override = SCRATCH / f"{project}.json"
        override.write_text(json.dumps({"services": {subject.service: {"build": build}}}))
        environment["COMPOSE_FILE"] = f"compose.yaml{os.pathsep}{override}"
    # Tools that a reader installs, such as pre-commit, are the ones beside pytest here.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    folder, visited = Path(), dict[str, Path]()  # each with the name of its compose project

    def enter(name: str) -> None:
        # What belongs to the folder and nothing outside it, where a path has spaces: it works when copied alone.
        nonlocal folder
        folder = SCRATCH / f"{name} for the article in {page.parent.name}" / name
        environment["COMPOSE_PROJECT_NAME"] = project if name == subject.path.name else f"{project}-{name}"
        if folder not in visited.values():
            copy_files(tutorial.ROOT / name, folder)
            name_stand_ins(folder)
            visited[environment["COMPOSE_PROJECT_NAME"]] = folder

    enter(subject.path.name)
    steps = list(commands(page.read_text()))
    # Names that the page gives to containers and images of its own: here they are the session's, which cleans up.
    names = set(re.findall(r"--(?:name|tag) (\S+)", "\n".join(step.command for step in steps)))
    own = ExitStack()
    machine: Runner | None = None
    try:
        if any("swarm init" in step.command for step in steps):
            # Who leaves a swarm changes the engine for everybody: this page gets a machine of its own.
            images = {*subject.parsed.images, *swarm.images_of(subject)}
            machine = own.enter_context(runner.started(images, volumes=[(str(SCRATCH), str(SCRATCH))]))
        for step in steps:
            if elsewhere := re.fullmatch(r"cd \.\./([\w-]+)", step.command):
                enter(elsewhere[1])
                continue
            command = re.sub(r"(?<=localhost:)8000|(?<=PORT=)8000|8000(?=:)", port, step.command).replace(
                "localhost:5001", f"localhost:{registry}"
            )
            for name in names:
                command = re.sub(rf"(?<=[ =]){name}(?= |$)", f"{project}-{name}", command)
            if machine:
                mine = {name: value for name, value in environment.items() if os.environ.get(name) != value}
                del mine["PATH"]
                result = machine.run("bash", "-c", command, folder=folder, environment=mine)
            else:
                with one_build_at_a_time() if BUILDS.search(command) else nullcontext():
                    result = subprocess.run(
                        ["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                    )  # fmt: skip
            printed = re.sub(r"\x1b\[[\d;]*[A-Za-z]|\r", "", result.stdout).replace(port, "8000")
            printed = printed.replace(registry, "5001").replace(f"{project}-", "")
            if not re.fullmatch(re.escape(step.shown.strip()).replace("…", r"[\s\S]*"), printed.strip()):
                pytest.fail(
                    f"{page.relative_to(tutorial.ROOT)}:{step.line}: $ {step.command}\n"
                    f"The page shows:\n{step.shown}\nIt printed:\n{printed}",
                    pytrace=False,
                )
    finally:
        own.close()
        for name, path in visited.items():
            subprocess.run(
                ["docker", "compose", "--project-name", name, "down", "--remove-orphans", "--volumes", "--timeout=0"],
                cwd=path, env=environment, capture_output=True, check=False,
            )  # fmt: skip
        remove_names(f"localhost:{registry}")
