"""A project that takes packages from an index of its own: its lists say so, and its image is built."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from adopt.draft import put_final
from adopt.guess import POETRY, UV, App, Manager
from adopt.lists import exporting, run_beside
from adopt.strangers import ARTICLE, BASE
from lab import packages
from lab.packages import Packages
from library.edits import change
from library.engine import BuildFailed
from library.markdown import blocks
from library.subject import Subject

pytestmark = [pytest.mark.about("final"), pytest.mark.xdist_group("indexes")]
OF_UV = """
[[tool.uv.index]]
name = "own"
url = "{index}"
explicit = true

[tool.uv.sources]
only_here = {{ index = "own" }}
"""
OF_POETRY = """
[tool.poetry]
package-mode = false

[[tool.poetry.source]]
name = "own"
url = "{index}"
priority = "explicit"

[tool.poetry.dependencies]
only_here = {{ source = "own" }}
"""
# Everybody's index has a newer `packaging` than this project's own one has, as PyPI has newer packages than PyTorch's.
PYPROJECT = """[project]
name = "shop"
version = "1.0"
requires-python = ">=3.13,<4"
dependencies = ["gunicorn>=27", "only_here", "packaging>=26"]
"""
MODULE = """import only_here


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [only_here.__version__.encode()]
"""


@pytest.fixture(scope="module")
def index() -> Iterator[Packages]:
    with packages.serving(packages.image("packaging==25.0", own={"only_here": "1.0"})) as server:
        yield server


def adopted(folder: Path, index: Packages, manager: Manager, without: str = "") -> Subject:
    """A project with final's files and its lists, as `make adopt` makes them, or without one thing that it adds."""
    (folder / "shop.py").write_text(MODULE)
    tables = OF_UV if manager is UV else OF_POETRY
    (folder / "pyproject.toml").write_text(PYPROJECT + tables.format(index=f"{index.url}/simple/"))
    put_final(folder, App("shop:app", ""), manager, "3.14")
    # Where there is a proxy, it does not know this index.
    direct = " ".join(f"{name}={index.host}" for name in ("no_proxy", "NO_PROXY"))
    change(folder / "Dockerfile", "\nENV VIRTUAL_ENV", f"\nENV {direct}\nENV VIRTUAL_ENV")
    if without.startswith("UV_"):
        change(folder / "Dockerfile", f" {without}", "")
    commands = [
        " ".join(word for word in command.split() if word != without) for command in exporting(folder, manager, "3.14")
    ]
    lock = "poetry lock" if manager is POETRY else "uv lock"
    run_beside(folder, BASE, [f"export {direct}", lock, *commands])
    return Subject("a project with an index", folder, ours=False)


@pytest.mark.parametrize("manager", [UV, POETRY], ids=["uv", "Poetry"])
def test_the_image_has_what_only_this_index_has(tmp_path: Path, index: Packages, manager: Manager) -> None:
    subject = adopted(tmp_path, index, manager)
    with subject.running() as running:
        assert running.get("/").text == "1.0"
        assert running.python("import packaging; print(packaging.__version__)") >= "26", "the other index's"


@pytest.mark.parametrize(
    ("without", "line"),
    [
        ("--emit-index-url", "only-here was not found in the package registry"),
        ("UV_INDEX_STRATEGY=unsafe-best-match", "`packaging` was found on .*, but not at the requested version"),
    ],
)
def test_without_it_the_list_is_made_and_the_build_stops(
    tmp_path: Path, index: Packages, without: str, line: str
) -> None:
    subject = adopted(tmp_path, index, UV, without)
    assert "only-here==1.0 " in subject.read("requirements.txt")
    with pytest.raises(BuildFailed) as stopped:
        subject.build()
    assert re.search(line, stopped.value.output)


def test_uv_sync_needs_neither(tmp_path: Path, index: Packages) -> None:
    subject = adopted(tmp_path, index, UV, "UV_INDEX_STRATEGY=unsafe-best-match")
    (subject.path / "requirements.txt").unlink()
    [instead] = blocks(ARTICLE, "uv without", "dockerfile")
    own = re.compile(r"^RUN --mount=type=cache(?:.*\\\n)+.*\n", re.MULTILINE)
    dockerfile, count = own.subn(lambda _: instead, subject.read("Dockerfile"), count=1)
    assert count
    (subject.path / "Dockerfile").write_text(dockerfile)
    with subject.running() as running:
        assert running.get("/").text == "1.0"
