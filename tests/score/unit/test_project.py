"""Somebody's own project, before an engine sees it: what is copied, which service serves, what is mounted."""

import os
from pathlib import Path
from typing import Any

import pytest

from library.repository import copy_folder, write_files
from score.composing import Unusable, choose_files, choose_service, isolate, mounts_of, needed_by, with_shared_builds
from score.project import READS_GIT

BUILT: dict[str, Any] = {"build": {"context": "."}}
PUBLISHED = {**BUILT, "ports": [{"target": 80}]}
NGINX = {"build": {"context": "nginx"}, "ports": [{"target": 80}], "depends_on": {"web": {}}}
SERVE = ["gunicorn", "--workers", "2", "--worker-class", "uvicorn.workers.UvicornWorker", "shop:app"]


@pytest.mark.parametrize(
    ("services", "chosen"),
    [
        ({"site": BUILT, "db": {"image": "postgres"}}, "site"),
        ({"site": {"image": "shop"}}, "site"),
        ({"one": BUILT, "two": PUBLISHED}, "two"),
        ({"one": PUBLISHED, "web": PUBLISHED}, "web"),
        ({"web": {**PUBLISHED, "profiles": ["x"]}, "site": PUBLISHED}, "site"),
        # A proxy publishes the port, and is not asked; nor is who works beside the app.
        ({"front": NGINX, "shop": {**BUILT, "expose": ["5000"]}}, "shop"),
        (
            {"traefik": {**PUBLISHED, "image": "x"}, "django": BUILT, "celeryworker": BUILT, "flower": PUBLISHED},
            "django",
        ),
        ({"a": {**BUILT, "command": ["celery", "-A", "shop", "worker"]}, "b": {**BUILT, "command": SERVE}}, "b"),
        (
            {
                "a": {**BUILT, "image": "shop", "command": ["python", "manage.py", "migrate"]},
                "b": {"image": "shop", "command": ["sh", "-c", "python manage.py migrate\ngunicorn shop"]},
            },
            "b",
        ),
        ({"site": BUILT, "client": {"build": {"context": "ui"}, "ports": [{"target": 80}]}}, "site"),
        ({"site": {"image": "shop"}, "db": {"image": "postgres:17"}}, "site"),
    ],
)
def test_the_service_that_serves(tmp_path: Path, services: dict[str, Any], chosen: str) -> None:
    node = "FROM python:3.14 AS tools\nFROM node:24\n"
    write_files(tmp_path, {"Dockerfile": "FROM python:3.14-slim\n", "ui/Dockerfile": node})
    model = with_shared_builds({"services": _in(tmp_path, services)})
    assert choose_service(tmp_path, model["services"], "") == chosen


def _in(folder: Path, services: dict[str, Any]) -> dict[str, Any]:
    """The services with absolute paths, as compose says them."""
    return {
        name: service
        | ({"build": {"context": str(folder / service["build"]["context"])}} if "build" in service else {})
        for name, service in services.items()
    }


@pytest.mark.parametrize(
    ("services", "wanted", "message"),
    [
        ({"one": BUILT, "two": BUILT}, "", "SERVICE=one or SERVICE=two"),
        ({"one": BUILT}, "nine", "there is no service nine: SERVICE is one of one"),
        ({"one": {"image": "x"}, "two": {"image": "y"}}, "", "builds no service"),
    ],
)
def test_a_choice_that_nobody_can_make(tmp_path: Path, services: dict[str, Any], wanted: str, message: str) -> None:
    with pytest.raises(Unusable, match=message):
        choose_service(tmp_path, _in(tmp_path, services), wanted)


def test_the_compose_files_of_a_project(tmp_path: Path) -> None:
    def chosen(*wanted: str) -> tuple[tuple[str, ...], list[str]]:
        notes: list[str] = []
        return choose_files(tmp_path, wanted, notes), notes

    def write(*names: str) -> None:
        write_files(tmp_path, dict.fromkeys(names, "services:\n  web:\n    build: .\n"))

    with pytest.raises(Unusable, match=r"has no Dockerfile at its top, and no compose file$"):
        chosen()
    write("deploy/stack/compose.yaml", ".github/workflows/tests.yml")
    (tmp_path / "render.yaml").write_text("services:\n  - type: web\n")
    (tmp_path / "deploy/values.yml").write_text("web:\n  services: none\n")
    assert chosen() == (("deploy/stack/compose.yaml",), ["deploy/stack/compose.yaml is asked"])
    write("local.yml", "production.yml")
    several = r"which compose file\? COMPOSE=production.yml or COMPOSE=local.yml or COMPOSE=dep"
    with pytest.raises(Unusable, match=several):
        chosen()
    assert chosen("local.yml", "./production.yml") == (("local.yml", "production.yml"), [])
    missing = r"COMPOSE: there is no file x.yml in .*; there is production.yml, local.yml, dep"
    with pytest.raises(Unusable, match=missing):
        chosen("x.yml")
    (tmp_path / ".env").write_text("A=1\nCOMPOSE_FILE=local.yml\n")
    assert chosen()[0] == ("local.yml",)
    (tmp_path / ".env").unlink()
    (tmp_path / "local.yml").unlink()
    write("compose.yml", "compose.override.yml")
    assert chosen() == (
        ("compose.yml",),
        [
            "compose.override.yml is left out, as it is for development: COMPOSE='compose.yml compose.override.yml'",
            "compose.yml is asked; there is production.yml, deploy/stack/compose.yaml, too: COMPOSE=production.yml",
        ],
    )


def test_what_is_there_once_on_a_machine_is_left_out(tmp_path: Path) -> None:
    service: dict[str, Any] = {
        "container_name": "shop",
        "build": {"context": ".", "tags": ["shop:1"], "args": {"A": "1"}},
        "environment": {"PORT": None, "A": "1"},
        "network_mode": "host",
        "networks": {"front": {"ipv4_address": "10.0.0.2", "aliases": ["shop"]}, "back": None},
        "logging": {"driver": "awslogs"},
        "deploy": {"replicas": 3, "resources": {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}},
        "ports": [{"target": 80, "published": "80", "host_ip": "0.0.0.0"}],
    }
    notes = isolate(tmp_path, service, serves=True)
    left_out = ["network_mode: host is left out", "its log goes to the engine, and not to awslogs", "it gets no GPU"]
    assert notes == left_out
    assert service == {
        "build": {"context": ".", "args": {"A": "1"}},
        "environment": {"A": "1"},
        "networks": {"front": {"aliases": ["shop"]}, "back": {"aliases": []}},
        "logging": {"driver": "local"},
        "deploy": {"replicas": 1, "resources": {"reservations": {}}},
        "ports": [{"target": 80, "host_ip": "0.0.0.0"}],
        "volumes": [],
    }


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("COPY .git .git\n", True),
        ("RUN --mount=source=.git,target=.git,type=bind pip install .\n", True),
        ("RUN pip install setuptools-scm\n", True),
        ("COPY .gitignore git+https://x.git .\n", False),
    ],
)
def test_a_build_that_reads_git(text: str, reads: bool) -> None:
    assert bool(READS_GIT.search(text)) == reads


def test_what_a_service_depends_on() -> None:
    services: dict[str, Any] = {"web": {"depends_on": {"db": {}}}, "db": {"depends_on": {"disk": {}, "web": {}}}}
    services |= {"disk": {}, "x": {}}
    assert needed_by(services, "web") == ["web", "db", "disk"]


def test_mounts_that_hide_the_code_or_lie_elsewhere_are_left_out(tmp_path: Path) -> None:
    write_files(tmp_path, dict.fromkeys(("code/app.py", "settings/app.ini", "pg/PG_VERSION"), ""))

    def bind(source: str, target: str) -> dict[str, Any]:
        return {"type": "bind", "source": str(tmp_path / source), "target": target}

    volume = {"type": "volume", "source": "data", "target": "/data"}
    mounts = [bind("code", "/app"), bind("settings", "/etc/app"), bind("pg", "/var/lib/postgresql/data"), volume]
    kept, notes = mounts_of(tmp_path, [*mounts, {"type": "bind", "source": "/srv", "target": "/x"}], serves=True)
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
    names = ("app/main.py", ".git/objects/1", "web/node_modules/x.js", ".venv/x", ".env", ".mypy_cache/x")
    write_files(source, dict.fromkeys(names, "") | {"web/.git": "gitdir: elsewhere"})
    os.mkfifo(source / "pipe")
    (source / "link").symlink_to("app")
    (source / "_site").mkdir()  # ours has one that is made; theirs may be what their app serves
    assert copy_folder(source, copy, without=".git") == []
    copied = {str(path.relative_to(copy)) for path in copy.rglob("*")}
    assert copied == {"app", "app/main.py", "web", ".env", "link", "_site"}
    assert (copy / "link").readlink() == Path("app")
