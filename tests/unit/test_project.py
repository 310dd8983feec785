"""Somebody's own project, before an engine sees it: what is copied, which service serves, what is mounted."""

import os
from pathlib import Path
from typing import Any

import pytest

from library.project import Unusable, _choose, _mounts, _needed, copy_project

BUILT: dict[str, Any] = {"build": {"context": "."}}
PUBLISHED = {**BUILT, "ports": [{"target": 80}]}


@pytest.mark.parametrize(
    ("services", "chosen"),
    [
        ({"site": BUILT, "db": {"image": "postgres"}}, "site"),
        ({"site": {"image": "shop"}}, "site"),
        ({"one": BUILT, "two": PUBLISHED}, "two"),
        ({"one": PUBLISHED, "web": PUBLISHED}, "web"),
        ({"web": {**PUBLISHED, "profiles": ["x"]}, "site": PUBLISHED}, "site"),
    ],
)
def test_the_service_that_serves(services: dict[str, Any], chosen: str) -> None:
    assert _choose(services, "", has_dockerfile=True) == chosen


@pytest.mark.parametrize(
    ("services", "wanted", "message"),
    [
        ({"one": BUILT, "two": BUILT}, "", "SERVICE=one or SERVICE=two"),
        ({"one": BUILT}, "nine", "there is no service nine: SERVICE is one of one"),
        ({"one": {"image": "x"}, "two": {"image": "y"}}, "", "builds no service"),
    ],
)
def test_a_choice_that_nobody_can_make(services: dict[str, Any], wanted: str, message: str) -> None:
    with pytest.raises(Unusable, match=message):
        _choose(services, wanted, has_dockerfile=True)


def test_what_a_service_depends_on() -> None:
    services: dict[str, Any] = {
        "web": {"depends_on": {"db": {}}},
        "db": {"depends_on": {"disk": {}, "web": {}}},
        "disk": {},
        "x": {},
    }
    assert _needed(services, "web") == ["web", "db", "disk"]


def test_mounts_that_hide_the_code_or_lie_elsewhere_are_left_out(tmp_path: Path) -> None:
    for name in ("code/app.py", "settings/app.ini", "pg/PG_VERSION"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()

    def bind(source: str, target: str) -> dict[str, Any]:
        return {"type": "bind", "source": str(tmp_path / source), "target": target}

    volume = {"type": "volume", "source": "data", "target": "/data"}
    mounts = [bind("code", "/app"), bind("settings", "/etc/app"), bind("pg", "/var/lib/postgresql/data"), volume]
    kept, notes = _mounts(tmp_path, [*mounts, {"type": "bind", "source": "/srv", "target": "/x"}], serves=True)
    assert kept == [
        {**bind("settings", "/etc/app"), "read_only": True},
        {"type": "volume", "target": "/var/lib/postgresql/data"},
        volume,
    ]
    assert notes == [
        "not mounted over the image: code, whose code the image has",
        "not mounted: /srv, which is outside of the project",
    ]


def test_a_copy_leaves_out_what_is_large_and_what_is_no_file(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    for name in ("app/main.py", ".git/objects/1", "web/node_modules/x.js", ".venv/x", ".env", ".mypy_cache/x"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    os.mkfifo(source / "pipe")
    (source / "web/.git").write_text("gitdir: elsewhere")
    (source / "link").symlink_to("app")
    assert copy_project(source, copy) == []
    found = {str(path.relative_to(copy)) for path in copy.rglob("*")}
    assert found == {"app", "app/main.py", "web", ".env", "link"}
    assert (copy / "link").readlink() == Path("app")
