"""What a stranger's lock file pins, and what only developers need."""

import json
from pathlib import Path

import pytest

from library import locks
from library.repository import write_files
from library.tutorial import Folder, load

UV = """
[[package]]
name = "shop"
version = "1.0"
source = { virtual = "." }
dependencies = [{ name = "flask", extra = ["async"] }]

[package.dev-dependencies]
dev = [{ name = "pytest" }, { name = "flask" }, { name = "asgiref" }]

[[package]]
name = "flask"
version = "3.1.0"

[package.optional-dependencies]
async = [{ name = "asgiref" }]

[[package]]
name = "asgiref"
version = "3.8"

[[package]]
name = "pytest"
version = "9.1"
"""


def test_a_plain_list(tmp_path: Path) -> None:
    text = "Flask==3.1.0\ngunicorn[gevent]==27.0 ; python_version > '3'\nhttpx>=1\n"
    (tmp_path / "requirements.txt").write_text(text)
    assert locks.versions(tmp_path) == {"flask": "3.1.0", "gunicorn": "27.0"}
    assert "pytest" in locks.dev_only(tmp_path)


def test_uv(tmp_path: Path) -> None:
    write_files(tmp_path, {"uv.lock": UV, "pyproject.toml": "[project]\nname = 'Shop'\n"})
    assert locks.versions(tmp_path)["pytest"] == "9.1"
    assert locks.dev_only(tmp_path) == {"pytest"}
    assert locks.own_name(tmp_path) == "shop"


def test_poetry(tmp_path: Path) -> None:
    groups = {"flask": ["main", "dev"], "uwsgi": ["server"], "pytest": ["dev", "test"]}
    entries = (f'[[package]]\nname = "{name}"\nversion = "1"\ngroups = {list_}\n' for name, list_ in groups.items())
    (tmp_path / "poetry.lock").write_text("".join(entries))
    assert locks.dev_only(tmp_path) == {"pytest"}


def test_a_list_for_tests_has_the_versions_of_production() -> None:
    """Both lists are resolved apart: with `click<8.2` for a tool, the second one had another click than the first."""
    production = 'Click==8.5.1 \\\n    --hash=x\ncolorama==0.4.6 ; sys_platform == "win32"\n'
    assert locks.other_versions(production, f"{production}pytest==9.2.0\n") == []
    assert locks.other_versions(production, production.replace("8.5.1", "8.1.8")) == ["click==8.5.1"]
    assert locks.other_versions(production, "click==8.5.1\npytest==9.2.0\n") == ["colorama==0.4.6"]


@pytest.mark.parametrize(
    "folder", [folder for folder in load() if (folder.path / "requirements-dev.txt").exists()], ids=lambda f: f.name
)
def test_a_folder_tests_the_versions_that_it_ships(folder: Folder) -> None:
    production, tests = ((folder.path / name).read_text() for name in ("requirements.txt", "requirements-dev.txt"))
    assert locks.other_versions(production, tests) == []


HASH = "sha256:" + 64 * "a"
PIPFILE = json.dumps(
    {
        "_meta": {"hash": {"sha256": 64 * "b"}},
        "default": {"flask": {"hashes": [HASH], "index": "pypi", "version": "==3.1.0"}, "shop": {"path": "."}},
        "develop": {"pytest": {"hashes": [HASH], "version": "==9.1"}},
    },
    indent=4,
)
PDM = f"""
[[package]]
name = "Flask"
version = "3.1.0"
groups = ["default"]
files = [
    {{file = "flask-3.1.0-py3-none-any.whl", hash = "{HASH}"}},
]

[[package]]
name = "pytest"
version = "9.1"
groups = ["dev"]
files = [
    {{file = "pytest-9.1-py3-none-any.whl", hash = "{HASH}"}},
]
"""
PYLOCK = f"""
[[packages]]
name = "flask"
version = "3.1.0"
wheels = [{{ url = "https://example.org/flask-3.1.0-py3-none-any.whl", hashes = {{ sha256 = "{64 * "a"}" }} }}]

[[packages]]
name = "pytest"
version = "9.1"
wheels = [{{ url = "https://example.org/pytest-9.1-py3-none-any.whl", hashes = {{ sha256 = "{64 * "a"}" }} }}]
"""
OTHERS = {"Pipfile.lock": PIPFILE, "pdm.lock": PDM, "pylock.toml": PYLOCK}


@pytest.mark.parametrize(("name", "text"), OTHERS.items(), ids=OTHERS)
def test_other_managers(tmp_path: Path, name: str, text: str) -> None:
    write_files(tmp_path, {f"deploy/{name}": text})
    assert locks.files(tmp_path) == [tmp_path / "deploy" / name]  # below the folder, where that has none
    write_files(tmp_path, {"requirements.txt": "# exported\n", name: text})
    assert locks.versions(tmp_path) == {"flask": "3.1.0", "pytest": "9.1"}
    assert "pytest" in locks.dev_only(tmp_path) or name == "pylock.toml"
    changed = locks.with_other_hashes(text)
    assert changed.count(8 * "0" + 56 * "a") == 1
    assert changed.index(8 * "0") < changed.index("pytest")


def test_the_server_stands_in_for_a_framework_that_is_not_known() -> None:
    text = "bolt==1.0 --hash=sha256:aaaaaaaa\ngunicorn==27.0 --hash=sha256:aaaaaaaa\n"
    assert locks.with_other_hashes(text) == text[:-9] + "00000000\n"
    assert locks.with_other_hashes(text[:33]) == text[:33]


def test_lists_by_purpose(tmp_path: Path) -> None:
    lists = {"base.txt": "flask==3.1.0\n", "production.txt": "-r base.txt\ngunicorn==27.0\n"}
    write_files(tmp_path / "requirements", lists)
    assert locks.versions(tmp_path) == {"flask": "3.1.0", "gunicorn": "27.0"}


def test_nothing(tmp_path: Path) -> None:
    assert locks.versions(tmp_path) == {}
    assert locks.files(tmp_path) == []
    assert locks.own_name(tmp_path) == ""
