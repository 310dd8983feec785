"""``make adopt`` gives the same files as the steps of final's article, in every project here, and takes nothing away.

What `test_projects.py` shows of the projects after the manual steps is then true of those that were adopted.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from library.repository import copy_files
from library.strangers import FINAL, PROJECTS, Project, beside, change, export_commands, set_app, set_hooks
from library.tutorial import FINAL_FILES, ROOT

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
MARKS: dict[str, list[pytest.MarkDecorator]] = {"flask": [], "django": [], "workspace": []}


@pytest.mark.parametrize(
    "project",
    [pytest.param(p, id=p.name, marks=MARKS.get(p.name, [pytest.mark.thorough])) for p in PROJECTS],
)
def test_the_files_are_those_of_the_manual_steps(project: Project, tmp_path: Path) -> None:
    by_hand, adopted = tmp_path / "by hand" / project.name, tmp_path / "adopted" / project.name
    for folder in (by_hand, adopted):
        copy_files(ROOT / "tests/projects" / project.name, folder)

    for name in FINAL_FILES:
        shutil.copy2(FINAL / name, by_hand / name)
    set_app(project, by_hand)
    set_hooks(project, by_hand)
    if project.name == "workspace":  # what the others change besides, nobody can see in their files
        change(by_hand / "Dockerfile", *project.changed["Dockerfile"])
    beside(by_hand, export_commands(project.manager))

    done = adopt(adopted)
    assert done.returncode == 0, done.stderr
    assert f"adopt: {project.app}, packages kept by {project.manager};" in done.stdout
    assert [line[:5] for line in done.stdout.splitlines()[1:]] == ["  1. ", "  2. ", "  3. "]
    assert content(adopted) == content(by_hand)


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
    assert adopt(shop, "--force=1", "--app=shop:create_app()").returncode == 0
    assert "AS production" in (shop / "Dockerfile").read_text()
    again = adopt(shop)
    assert again.returncode == 2
    assert again.stderr.startswith("adopt: gunicorn.conf.py, .pre-commit-config.yaml are there already"), (
        "they were set"
    )


@pytest.mark.parametrize(
    ("change", "options", "line"),
    [
        ({"shop/__init__.py": "app = 1\n"}, (), "name it, APP=shop:app"),
        ({}, ("--app=shop",), "APP is module:attribute, or module:function(), not shop"),
        ({"requirements.txt": "flask\n"}, (), "gunicorn is not among the project's packages: write gunicorn into"),
        ({"requirements.txt": "flask\ngunicorn\nno-such-package-of-anybody\n"}, (), "the packages cannot be exported"),
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
        assert "python:3.13-slim-trixie" in done.stderr
        assert not (shop / "Dockerfile").exists()


@pytest.mark.thorough
def test_make_adopts_and_then_scores(shop: Path) -> None:
    environment = {**os.environ, "PROJECT": str(shop), "SLOW": "/report"}
    done = subprocess.run(["make", "adopt"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    # Its database is beside the code, which nobody may write to: the manual steps give it a volume.
    assert done.returncode == 2
    assert "Read-only file system" in done.stderr
    assert "score: the app does not start" in done.stderr or "GET / says 500" in done.stderr
