"""``make adopt`` gives the same files as the steps of final's article, in every project here, and takes nothing away.

What `test_projects.py` shows of the projects after the manual steps is then true of those that were adopted. Below are
small projects of the kinds that do not work at once: each works after it was adopted, by what the article says.
"""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from library.repository import copy_files
from library.strangers import PROJECTS, Project
from library.strangers import adopt as by_hand
from library.tutorial import ROOT

pytestmark = pytest.mark.about("final")


def adopt(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.adopt", f"--project={project}", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    return subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# A plain list, Poetry, uv with several packages; the others differ in what no adoption looks at.
MARKS = {"flask": [pytest.mark.daily], "django": [], "workspace": []}


@pytest.mark.parametrize(
    "project",
    [pytest.param(p, id=p.name, marks=MARKS.get(p.name, [pytest.mark.thorough])) for p in PROJECTS],
)
def test_the_files_are_those_of_the_manual_steps(project: Project, tmp_path: Path) -> None:
    """What a reader does by hand where the app does not work at once (`strangers.PROJECTS`) is done, too."""
    if project.name == "celery":  # its worker serves no page: nobody sees that it is missing
        project = replace(project, uncommented={}, changed={})
    manual = by_hand(project, tmp_path / "by hand" / project.name).path
    adopted = tmp_path / "adopted" / project.name
    copy_files(ROOT / "tests/projects" / project.name, adopted)

    done = adopt(adopted)
    assert done.returncode == 0, done.stderr
    assert f"adopt: {project.app}, packages kept by {project.manager};" in done.stdout
    assert done.stderr.endswith("\nadopt: it works\n")
    assert without_variables(content(adopted)) == without_variables(content(manual))


def without_variables(files: dict[str, bytes]) -> dict[str, bytes]:
    """A reader writes down a key of his own, where adopt demands one."""
    lines = re.compile(rb"^  [# ] +(SECRET_KEY|WORKERS|FORWARDED_ALLOW_IPS): .*\n", re.MULTILINE)
    return files | {"compose.yaml": lines.sub(b"", files["compose.yaml"])}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    copy_files(ROOT / "tests/projects/flask", tmp_path / "my shop")
    return tmp_path / "my shop"


def test_files_that_are_there_are_replaced_on_demand_only(shop: Path) -> None:
    (shop / "Dockerfile").write_text("FROM scratch\n")
    (shop / "compose.yaml").write_text("services: {}\n")
    before = content(shop)
    refused = adopt(shop)
    assert refused.returncode == 2
    assert refused.stderr == (
        "adopt: Dockerfile, compose.yaml are there already: nothing was changed; FORCE=1 replaces them\n"
    )
    assert content(shop) == before
    assert adopt(shop, "--force=1", "--try=0", "--app=shop:create_app()").returncode == 0
    assert "AS production" in (shop / "Dockerfile").read_text()
    again = adopt(shop)
    assert again.returncode == 2
    assert "are there already: nothing was changed; FORCE=1" in again.stderr, "they were set"


@pytest.mark.parametrize(
    ("change", "options", "line"),
    [
        ({"shop/__init__.py": "app = 1\n"}, (), "name it, APP=shop:app"),
        ({}, ("--app=shop",), "APP is module:attribute, or module:function(), not shop"),
        ({"requirements.txt": "flask\n"}, ("--add=0",), "gunicorn is not among the project's packages: write gunicorn"),
        (
            {"requirements.txt": "flask\ngunicorn\nno-such-package-of-anybody\n"},
            (),
            "it does not work yet: error: No solution found when resolving dependencies",
        ),
        ({"uv.lock": "", "poetry.lock": ""}, (), "who keeps the packages, MANAGER=poetry or MANAGER=uv?"),
        ({"shop/__init__.py": "app = 0\nraise OSError('no moon')\n"}, ("--app=shop:app",), "OSError: no moon"),
        ({"pyproject.toml": "[project\n"}, (), "pyproject.toml: "),
    ],
)
def test_what_is_missing_is_one_line_and_changes_nothing(
    shop: Path, change: dict[str, str], options: tuple[str, ...], line: str
) -> None:
    for name, text in change.items():
        (shop / name).write_text(text)
    before = content(shop)
    done = adopt(shop, *options)
    assert done.returncode == 2
    assert line in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert content(shop) == before


def test_a_project_that_wants_an_older_python_gets_it(shop: Path) -> None:
    (shop / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11,<3.14"\n')
    done = adopt(shop)
    # Its base image may not be on this machine; then nothing has changed.
    if done.returncode == 0:
        assert "\nFROM python:3.13-slim-trixie AS base\n" in (shop / "Dockerfile").read_text()
    else:
        assert "python:3.1" in done.stderr
        assert not (shop / "Dockerfile").exists()
