"""The project itself, installed in its image by a line of final's that is commented out: its commands, its metadata."""

from dataclasses import replace

import pytest

from adopt.draft import put_final
from adopt.guess import POETRY, UV, App, Manager
from adopt.lists import exporting, run_beside
from adopt.strangers import BASE
from library.edits import change, uncomment
from library.engine import BuildFailed, run_to_its_end
from library.repository import write_files
from library.subject import Subject

pytestmark = [pytest.mark.about("final"), pytest.mark.xdist_group("installed")]
PYPROJECT = """[project]
name = "shop"
version = "1.2.3"
description = ""
readme = "README.md"
requires-python = ">=3.13,<4"
dependencies = ["gunicorn>=27"]

[project.scripts]
restock = "shop:restock"

[dependency-groups]
dev = ["pytest>=9"]
"""
PACKAGED_BY = {
    "uv": '\n[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n',
    "Poetry": '\n[build-system]\nrequires = ["poetry-core>=2.0.0,<3.0.0"]\nbuild-backend = "poetry.core.masonry.api"\n'
    '\n[tool.poetry]\npackages = [{ include = "shop", from = "src" }]\n',
}
MODULE = """import os
from importlib.metadata import version


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [version("shop").encode()]


def restock():
    print("user", os.getuid(), "restocks shop", version("shop"))
"""
TEST = """from importlib.metadata import version


def test_version():
    assert version("shop") == "1.2.3"
"""


@pytest.fixture(scope="module", params=[UV, POETRY], ids=["uv", "Poetry"])
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A project that is a package, with final's files and the line that installs it."""
    manager: Manager = request.param
    folder = tmp_path_factory.mktemp(manager.name.lower())
    texts = {
        "pyproject.toml": PYPROJECT + PACKAGED_BY[manager.name],
        "README.md": "# Shop\n",
        "src/shop/__init__.py": MODULE,
        "tests/test_shop.py": TEST,
    }
    write_files(folder, texts)
    put_final(folder, App("shop:app", ""), manager, "3.14")
    uncomment(folder / "Dockerfile", ["# RUN --mount=type=bind,target=.,rw uv pip install"])
    run_beside(folder, BASE, [f"{manager.name.lower()} lock", *exporting(folder, manager, "3.14")])
    return Subject(f"a package that {manager.name} keeps", folder, ours=False, has=frozenset({"compose"}))


def test_its_command_and_its_version_are_in_production(subject: Subject) -> None:
    with subject.copied("with its README") as copy:
        change(copy.path / ".dockerignore", "\nREADME.md\n", "\n")
        ran = run_to_its_end(copy.built_image(), "restock", read_only=True, networks=["none"])
        assert ran.stdout == "user 10001 restocks shop 1.2.3\n"
        with copy.running() as running:
            assert running.get("/").text == "1.2.3"
        # Where its tests run, it is installed, too.
        with replace(copy, service="test").started() as running:
            assert running.ends(60)
            assert "1 passed" in running.log


def test_a_readme_that_is_not_sent_to_the_builder_is_missed_by_name(subject: Subject) -> None:
    """Final's .dockerignore leaves it out, so that whoever changes it does not build everything again."""
    with pytest.raises(BuildFailed) as stopped, subject.copied("without its README") as copy:
        copy.build()
    assert "README.md" in stopped.value.output
