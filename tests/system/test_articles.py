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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from library import runner, swarm, tutorial
from library.engine import SCRATCH, SESSION, free_port, one_build_at_a_time, remove_names
from library.practices.publisher import SCRIPT, STAND_IN, name_stand_ins
from library.repository import copy_files
from library.runner import Runner
from library.subject import Subject
from tools.blocks import Command, commands

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
    typed = list(commands(page.read_text()))
    with reading(subject, page, typed) as reader:
        for step in typed:
            printed = reader.types(step.command)
            if not re.fullmatch(re.escape(step.shown.strip()).replace("…", r"[\s\S]*"), printed.strip()):
                pytest.fail(
                    f"{page.relative_to(tutorial.ROOT)}:{step.line}: $ {step.command}\n"
                    f"The page shows:\n{step.shown}\nIt printed:\n{printed}",
                    pytrace=False,
                )


@dataclass
class Reader:
    """Somebody who types a page's commands, in copies of the folders that it leads to.

    Args:
        project: the compose project of the page's own folder; whatever else gets a name begins with it.
        environment: the variables of the reader's shell.
        replaced: what the page says (a port, a name), and what it is called here.
        machine: where the commands run, if not here.
        folders: each folder that was visited, by the name of its compose project; the last one is where the reader is.
    """

    project: str
    environment: dict[str, str]
    replaced: dict[str, str]
    machine: Runner | None = None
    folders: dict[str, Path] = field(default_factory=dict)
    folder: Path = Path()

    def enters(self, name: str, project: str) -> None:
        """Go to a folder: a copy of what belongs to it and nothing else, where a path has spaces."""
        if project not in self.folders:
            self.folders[project] = SCRATCH / f"{name} for {self.project}" / name
            copy_files(tutorial.ROOT / name, self.folders[project])
            name_stand_ins(self.folders[project])
            if (self.folders[project] / SCRIPT).exists():
                self.folders[project].chmod(0o700)  # as under umask 077: cosign reads it only as the reader
        self.folder = self.folders[project]
        self.environment["COMPOSE_PROJECT_NAME"] = project

    def types(self, command: str) -> str:
        """Run a command of the page, and return what it prints, with the page's names."""
        if elsewhere := re.fullmatch(r"cd \.\./([\w-]+)", command):
            name = elsewhere[1]
            first = next(iter(self.folders.values())).name
            self.enters(name, self.project if name == first else f"{self.project}-{name}")
            return ""
        for written, here in self.replaced.items():
            command = re.sub(written, here, command)
        if self.machine:
            own = {name: value for name, value in self.environment.items() if os.environ.get(name) != value}
            del own["PATH"]
            done = self.machine.run("bash", "-c", command, folder=self.folder, environment=own)
        else:
            with one_build_at_a_time() if BUILDS.search(command) else nullcontext():
                done = subprocess.run(
                    ["bash", "-c", command], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                )  # fmt: skip
        printed = re.sub(r"\x1b\[[\d;]*[A-Za-z]|\r", "", done.stdout)
        for here, written in ((self.environment["PORT"], "8000"), (self.environment["REGISTRY_PORT"], "5001")):
            printed = printed.replace(here, written)
        return printed.replace(f"{self.project}-", "")

    def leaves(self) -> None:
        """Remove what the commands have started."""
        for project, folder in self.folders.items():
            down = ["docker", "compose", "--project-name", project, "down", "--remove-orphans", "--volumes"]
            subprocess.run([*down, "--timeout=0"], cwd=folder, env=self.environment, capture_output=True, check=False)
        remove_names(f"localhost:{self.environment['REGISTRY_PORT']}")


@contextmanager
def reading(subject: Subject, page: Path, typed: list[Command]) -> Iterator[Reader]:
    """A reader in a copy of the page's folder, until the end of the block."""
    project = f"{SESSION}-article-{page.parent.name}"
    text = "\n".join(step.command for step in typed)
    port, registry = str(free_port()), str(free_port())
    # A reader's Git knows who commits; the tools that a reader installs, pre-commit for one, are those beside pytest.
    identity = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
    environment = {
        **os.environ,
        **dict.fromkeys(identity, "reader@example.org"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PORT": port,
        "REGISTRY_PORT": registry,
        "BUILDKIT_PROGRESS": "plain",
    }
    if build := _build_options(subject, text, project):
        override = SCRATCH / f"{project}.json"
        override.write_text(json.dumps({"services": {subject.service: {"build": build}}}))
        environment["COMPOSE_FILE"] = f"compose.yaml{os.pathsep}{override}"
    # Names that the page gives to containers and images of its own: here they are the session's, which cleans up.
    names = set(re.findall(r"--(?:name|tag) (\S+)", text))
    replaced = {r"(?<=localhost:)8000|(?<=PORT=)8000|8000(?=:)": port, "(?<=localhost:)5001": registry}
    replaced |= {rf"(?<=[ =]){name}(?= |$)": f"{project}-{name}" for name in names}
    with ExitStack() as stack:
        reader = Reader(project, environment, replaced)
        stack.callback(reader.leaves)
        reader.enters(subject.path.name, project)
        if "swarm init" in text:
            # Who leaves a swarm changes the engine for everybody: this page gets a machine of its own.
            images = {*subject.parsed.images, *swarm.images_of(subject)}
            reader.machine = stack.enter_context(runner.started(images, volumes=[(str(SCRATCH), str(SCRATCH))]))
        yield reader


def _build_options(subject: Subject, text: str, project: str) -> dict[str, dict[str, str]]:
    """What the folder's image is built with here, besides what its compose file says."""
    build = {}
    if (subject.path / SCRIPT).exists():
        # What is built on stand-ins carries their label, and is not published: the practice no-stand-in shows that.
        build["labels"] = {STAND_IN: ""}
    if "--no-cache" in text:
        # It empties the cache mounts, also those of whoever builds at the same time: the page gets some of its own.
        build["args"] = {"BUILDKIT_CACHE_MOUNT_NS": project}
    return build
