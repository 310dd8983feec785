"""The repository's own hooks: each one sees the mistake that it is there for."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from library.repository import copy_files
from library.tutorial import ROOT

# Whoever writes a commit's message writes a part of this script.
UNTRUSTED = """on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: echo ${{ github.event.head_commit.message }}
"""

# Nothing but its schema knows that there is no `step`.
MISSPELT = """on: push
permissions: {}
jobs:
  test:
    runs-on: ubuntu-latest
    step: []
    steps:
      - run: make test
"""

# The hook, and what is appended to a file (which may be a new one) to make that hook alone fail.
MISTAKES = {
    "ruff": ("tests/mistake.py", "import os\n"),
    "ruff-format": ("tests/mistake.py", "answer = [1,2]\n"),
    "mypy": ("tests/mistake.py", 'answer: int = "42"\n'),
    "shellcheck": ("bootstrap/mistake.sh", "#!/bin/sh\nrm $1\n"),
    "hadolint": ("extra-3-precommit/mistake.Dockerfile", "FROM python:latest\n"),
    "dockerfile-check": ("extra-3-precommit/mistake.Dockerfile", "FROM python:3.14-slim-trixie AS Base\n"),
    "compose-schema": ("mistake/compose.yaml", "services:\n  web:\n    prots: []\n"),
    "workflow-schema": (".github/workflows/mistake.yml", MISSPELT),
    "zizmor": (".github/workflows/mistake.yml", UNTRUSTED),
    "pyproject-schema": ("step-2-poetry/pyproject.toml", '[projekt]\nname = "hello"\n'),
    "poetry-check": ("step-2-poetry/pyproject.toml", '[tool.poetry.group.more.dependencies]\ncowsay = "*"\n'),
    "poetry-export": ("extra-3-precommit/requirements.txt", "cowsay==6.1\n"),
    "cog": ("extra-3-precommit/README.md", "<!-- [[[cog cog.outl('new') ]]] -->\nold\n<!-- [[[end]]] -->\n"),
}


def git(repository: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def cloned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository as it is now, committed elsewhere."""
    clone = tmp_path_factory.mktemp("clone") / "repository"
    copy_files(ROOT, clone)
    git(clone, "init", "--quiet")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "As it is")
    (clone / ".venv").symlink_to(sys.prefix)
    return clone


@pytest.fixture
def clone(cloned: Path) -> Iterator[Path]:
    yield cloned
    git(cloned, "reset", "--quiet", "--hard")


def failing(clone: Path, *arguments: str) -> set[str]:
    """Run the hooks on what is staged, or as the arguments say; return the ids of those that fail."""
    command = [sys.executable, "-m", "pre_commit", "run", "--color=never", *arguments]
    run = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    failed = set(re.findall(r"^- hook id: (\S+)$", run.stdout, re.MULTILINE))
    assert bool(failed) == bool(run.returncode), run.stdout + run.stderr
    return failed


def test_every_hook_has_a_mistake_to_see() -> None:
    config = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"- id: (\S+)", config) == list(MISTAKES)


@pytest.mark.xdist_group("hooks")
@pytest.mark.thorough  # make lint
def test_hooks_pass_on_the_repository_as_it_is(clone: Path) -> None:
    assert failing(clone, "--all-files") == set()


@pytest.mark.xdist_group("hooks")
@pytest.mark.parametrize("hook", MISTAKES)
def test_hook_alone_refuses_its_mistake(clone: Path, hook: str) -> None:
    name, mistake = MISTAKES[hook]
    if hook == "dockerfile-check":
        printed = subprocess.run([clone / ".ci/dockerfile-check"], capture_output=True, text=True, check=True).stdout
        if printed.startswith("skipped"):
            pytest.skip(printed.strip())
    file = clone / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as text:
        text.write(mistake)
    git(clone, "add", name)
    assert failing(clone) == {hook}
