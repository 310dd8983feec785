"""What a stranger's lock file pins, and what only developers need."""

from pathlib import Path

from library import locks

UV = """
[[package]]
name = "shop"
version = "1.0"
source = { virtual = "." }
dependencies = [{ name = "flask" }]

[package.dev-dependencies]
dev = [{ name = "pytest" }, { name = "flask" }]

[[package]]
name = "flask"
version = "3.1.0"

[[package]]
name = "pytest"
version = "9.1"
"""


def test_a_plain_list(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(
        "Flask==3.1.0\ngunicorn[gevent]==27.0 ; python_version > '3'\nhttpx>=1\n"
    )
    assert locks.versions(tmp_path) == {"flask": "3.1.0", "gunicorn": "27.0"}
    assert "pytest" in locks.dev_only(tmp_path)


def test_uv(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(UV)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'Shop'\n")
    assert locks.versions(tmp_path)["pytest"] == "9.1"
    assert locks.dev_only(tmp_path) == {"pytest"}
    assert locks.own_name(tmp_path) == "shop"


def test_poetry(tmp_path: Path) -> None:
    groups = {"flask": ["main", "dev"], "uwsgi": ["server"], "pytest": ["dev", "test"]}
    entries = (f'[[package]]\nname = "{name}"\nversion = "1"\ngroups = {list_}\n' for name, list_ in groups.items())
    (tmp_path / "poetry.lock").write_text("".join(entries))
    assert locks.dev_only(tmp_path) == {"pytest"}


def test_nothing(tmp_path: Path) -> None:
    assert locks.versions(tmp_path) == {}
    assert locks.files(tmp_path) == []
    assert locks.own_name(tmp_path) == ""
