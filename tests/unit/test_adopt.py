"""What `make adopt` finds in a project, and what it asks for."""

import io
import runpy
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml

from library import hooks
from library.project import Unusable
from library.subject import Subject
from library.tutorial import ROOT
from tools import trial
from tools.adopt import Options, left_to_do, may_add, may_replace
from tools.draft import COMPILE, Draft, exporting, lacking, put_final
from tools.guess import POETRY, UV, App, Manager, find_app, find_manager, python_versions

PROJECTS = ROOT / "tests/projects"


def project(folder: Path, **files: str) -> Path:
    """A folder with these files; in their names, __ is a slash and the last _ a point."""
    for name, text in files.items():
        path = folder / ".".join(name.replace("__", "/").rsplit("_", 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "app"),
    [
        ({"shop_py": "from flask import Flask\napp = Flask(__name__)"}, "shop:app"),
        ({"src__orders__main_py": "import fastapi\napi: object = fastapi.FastAPI()"}, "orders.main:api"),
        (
            {"shop__init_py": "def create_app(config=None):\n    app = Flask(__name__)\n    return app"},
            "shop.init:create_app()",
        ),
        (
            {"shop__main_py": "app = FastAPI()", "shop__admin_py": "app = FastAPI()", "tests__x_py": "app = FastAPI()"},
            "shop.main:app",
        ),
        ({"a_py": "app = Flask(__name__)", "b_py": "def create_app():\n    return Flask(__name__)"}, "a:app"),
        (
            {"manage_py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings.dev')", "site__wsgi_py": ""},
            "site.wsgi:application",
        ),
    ],
)
def test_the_app(tmp_path: Path, files: dict[str, str], app: str) -> None:
    assert find_app(project(tmp_path, **files)).name == app


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "name it, APP=shop:app"),
        ({"shop_py": "def create_app(config):\n    return Flask(__name__)"}, "name it, APP=shop:app"),
        ({"shop_py": "this is no Python"}, "name it, APP=shop:app"),
        ({"a_py": "x = Flask(__name__)", "b_py": "y = Flask(__name__)"}, "several apps: APP=a:x or APP=b:y"),
        ({"manage_py": "import django"}, "APP=mysite.wsgi:application"),
    ],
)
def test_an_app_that_nobody_can_find_is_asked_for(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(Unusable, match=message):
        find_app(project(tmp_path, **files))


@pytest.mark.parametrize(
    ("files", "manager"),
    [
        ({"poetry_lock": "", "pyproject_toml": "[project]"}, POETRY),
        ({"pyproject_toml": "[tool.poetry]"}, POETRY),
        ({"pyproject_toml": "[project]"}, UV),
        ({"uv_lock": "", "requirements_txt": "flask"}, UV),
        ({"requirements_txt": "flask", "pyproject_toml": "[project]"}, None),
    ],
)
def test_who_keeps_the_packages(tmp_path: Path, files: dict[str, str], manager: object) -> None:
    assert find_manager(project(tmp_path, **files)) == manager


def test_no_packages_at_all(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="needs a pyproject"):
        find_manager(tmp_path)


def test_a_missing_server_is_named_with_the_command_that_adds_it(tmp_path: Path) -> None:
    files = {"requirements_txt": "FastAPI[standard]>=0.1 # the API\n--index-url x\n", "main_py": "app = FastAPI()"}
    folder = project(tmp_path, **files)
    names = lacking(folder, find_app(folder))
    assert names == ["gunicorn", "uvicorn-worker", "httptools"]
    with pytest.raises(Unusable, match=r"are not among .*: write gunicorn and uvicorn-worker and httptools into"):
        may_add(names, None, Options(adds=False))
    with pytest.raises(Unusable, match="poetry add --lock gunicorn uvicorn-worker httptools"):
        may_add(names, POETRY, Options(adds=False))


@pytest.mark.parametrize(
    ("allowed", "version"),
    [(">=3.11", "3.14"), (">=3.11,<3.14", "3.13"), ("~=3.12.3", "3.12"), ("==3.13.*", "3.13")],
)
def test_the_version_of_python(tmp_path: Path, allowed: str, version: str) -> None:
    assert (
        python_versions(project(tmp_path, pyproject_toml=f'[project]\nrequires-python = "{allowed}"'), "3.14")[0]
        == version
    )


@pytest.mark.parametrize(
    ("allowed", "version"), [("^3.11,<3.13", "3.12"), ("^3.12", "3.14"), ("~3.12.2", "3.12"), ("3.11.7", "3.11")]
)
def test_poetrys_own_ways_to_say_which_python(tmp_path: Path, allowed: str, version: str) -> None:
    poetry = f'[tool.poetry.dependencies]\npython = "{allowed}"'
    assert python_versions(project(tmp_path, pyproject_toml=poetry), "3.14")[0] == version


def test_a_python_that_is_too_old(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"requires-python is <3\.9"):
        python_versions(project(tmp_path, pyproject_toml='[project]\nrequires-python = "<3.9"'), "3.14")


def test_the_commands_are_those_of_the_article() -> None:
    article = (ROOT / "final/README.md").read_text()
    for command in (*POETRY.export, *UV.export):
        assert f"\n$ {command}\n" in article
    assert f"\n$ {COMPILE.format(version='3.14', source='requirements.in', target='requirements.txt')}\n" in article


def test_the_lines_that_are_set(tmp_path: Path) -> None:
    shutil.copytree(PROJECTS / "workspace", tmp_path, dirs_exist_ok=True)
    put_final(tmp_path, find_app(tmp_path), UV, "3.13")
    settings = (tmp_path / "gunicorn.conf.py").read_text()
    assert 'wsgi_app = "orders.main:app"\n' in settings
    assert 'os.environ.get("WORKER_CLASS") or "uvicorn_worker.UvicornWorker"' in settings
    dockerfile = (tmp_path / "Dockerfile").read_text()
    assert "\nFROM python:3.13-slim-trixie AS base\n" in dockerfile
    assert "PYTHONPATH=/app:/app/src:/app/packages/orders/src:/app/packages/prices/src\n" in dockerfile


@pytest.mark.parametrize(
    ("app", "packages", "worker"),
    [
        (App("shop:app", "flask"), "flask\ngunicorn", "gthread"),
        (App("shop:app", "flask"), "flask\ngunicorn\nuvicorn-worker", "gthread"),
        (App("mysite.wsgi:application", "django"), "django\ngunicorn\nuvicorn-worker", "gthread"),
        (App("mysite.asgi:application", "django"), "django\ngunicorn\nuvicorn-worker", "uvicorn_worker.UvicornWorker"),
        (App("shop:app", ""), "bottle\ngunicorn", "gthread"),
        (App("shop:app", ""), "starlette\ngunicorn\nuvicorn-worker", "uvicorn_worker.UvicornWorker"),
        (App('shop:create_app("live")', "fastapi"), "fastapi\nuvicorn-worker", "uvicorn_worker.UvicornWorker"),
    ],
)
def test_the_app_and_its_worker(tmp_path: Path, app: App, packages: str, worker: str) -> None:
    (tmp_path / "requirements.txt").write_text(packages)
    put_final(tmp_path, app, None, "3.14")
    settings = runpy.run_path(str(tmp_path / "gunicorn.conf.py"))
    assert (settings["wsgi_app"], settings["worker_class"]) == (app.name, worker)


def test_the_hooks_are_those_of_the_manager(tmp_path: Path) -> None:
    """Poetry's as final has them, uv's as its reference shows them, none for a plain list; the others stay."""
    ids = {}
    for name, manager in (("Poetry", POETRY), ("uv", UV), ("none", None)):
        (tmp_path / name).mkdir()
        put_final(tmp_path / name, App("shop:app", "flask"), manager, "3.14")
        text = (tmp_path / name / ".pre-commit-config.yaml").read_text()
        [repository] = yaml.safe_load(text)["repos"]
        ids[name] = [hook["id"] for hook in repository["hooks"]]
        assert ("Poetry's: " in text) == (manager is POETRY)
    assert ids["Poetry"] == ["poetry-check", "poetry-export", *ids["none"]]
    assert ids["uv"] == ["uv-export", *ids["none"]]
    assert ids["none"][-1] == "hadolint"
    assert (tmp_path / "Poetry/.pre-commit-config.yaml").read_bytes() == hooks.FILE.read_bytes()
    assert f"    hooks:\n{hooks.of_uv()}\n" in (tmp_path / "uv/.pre-commit-config.yaml").read_text()


def test_the_hook_of_uv_runs_what_exports() -> None:
    """But that it refuses a lock that does not fit, where an adoption makes it."""
    hook = hooks.commands(hooks.of_uv())
    assert [command.replace(" --locked", "") for command in hook] == [*UV.export, *UV.export_dev]
    assert all(" --locked " in command for command in hook)


INDEX = '[[tool.uv.index]]\nname = "cpu"\nurl = "https://example.org/cpu"\nexplicit = true\n'


@pytest.mark.parametrize(
    ("files", "manager", "emitted"),
    [
        ({"pyproject_toml": INDEX}, UV, 2),
        ({"pyproject_toml": "[tool.uv]\npackage = false\n"}, UV, 0),
        (
            {"pyproject_toml": '[tool.uv.workspace]\nmembers = ["packages/*"]', "packages__one__pyproject_toml": INDEX},
            UV,
            2,
        ),
        ({"pyproject_toml": '[[tool.poetry.source]]\nname = "cpu"\nurl = "https://example.org/cpu"'}, POETRY, 0),
        ({"requirements_txt": "--extra-index-url https://example.org/cpu\ntorch\n"}, None, 1),
    ],
)
def test_an_index_that_a_project_names_is_named_in_its_lists(
    tmp_path: Path, files: dict[str, str], manager: Manager | None, emitted: int
) -> None:
    folder = project(tmp_path, **files)
    put_final(folder, App("shop:app", ""), manager, "3.14")
    first_only = "ENV VIRTUAL_ENV=/venv UV_COMPILE" in (folder / "Dockerfile").read_text()
    assert first_only == ("example.org" not in str(files))
    in_hooks = folder.joinpath(".pre-commit-config.yaml").read_text().count(" --emit-index-url")
    assert in_hooks == (emitted if manager else 0)
    assert " ".join(exporting(folder, manager, "3.14")).count(" --emit-index-url") == emitted


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("said", "replaces"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_somebody_at_a_terminal_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, replaces: bool
) -> None:
    (tmp_path / "Dockerfile").touch()
    monkeypatch.setattr("sys.stdin", Terminal(said))
    with (
        nullcontext() if replaces else pytest.raises(Unusable, match="Dockerfile is there already: nothing was changed")
    ):
        may_replace(tmp_path, ["Dockerfile", "compose.yaml"], force=False)
    may_replace(tmp_path, ["Dockerfile"], force=True)
    may_replace(tmp_path, ["compose.yaml"], force=False)


def test_three_lines_say_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").touch()
    put_final(tmp_path, App("mysite.wsgi:application", "django"), None, "3.14")
    draft = Draft(tmp_path, tmp_path, None, App("mysite.wsgi:application", "django"), ["3.14"])
    draft.demand("SECRET_KEY", "made up")
    lines = left_to_do(draft, ["Dockerfile"], tried=True)
    assert len(lines) == 3
    assert "write SECRET_KEY into a file .env" in lines[0]
    assert "compose.yaml goes before docker-compose.yml" in lines[1]
    assert "git add Dockerfile;" in lines[2]


def test_the_trial_has_what_can_be_had_of_the_services_beside_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_final(tmp_path, App("shop:app", "flask"), None, "3.14")
    (tmp_path / "docker-compose.yml").touch()
    draft = Draft(tmp_path, tmp_path, None, App("shop:app", "flask"), ["3.14"])
    depends = {name: {"condition": "service_started"} for name in ("db", "cache", "search")}
    web = {"build": {}, "image": "shop", "depends_on": depends}
    services = {"web": web, "db": {"image": "postgres:15"}, "cache": {"image": "redis:7"}, "search": {"image": "solr"}}
    monkeypatch.setattr(Subject, "services", lambda *_: services)
    monkeypatch.setattr(trial, "bring", lambda image: "" if image in ("postgres:17-trixie", "redis:8") else "no answer")
    subject = Subject("shop", tmp_path)
    monkeypatch.setattr(trial, "is_here", lambda _: False)
    changed = trial.with_what_can_be_had(draft, subject, tmp_path / "absent.yaml")
    assert changed.compose == ("compose.yaml", str(tmp_path / "absent.yaml"))
    lines = (tmp_path / "absent.yaml").read_text().splitlines()
    others = ["  db: { image: 'postgres:17-trixie' }", "  cache: { image: 'redis:8' }", "  search: !reset null"]
    assert lines[:4] == ["services:", *others]
    assert '"cache": {"condition": "service_started"}}' in lines[4]
    lines = left_to_do(draft, ["Dockerfile"], tried=True)
    assert "postgres:17-trixie in the place of postgres:15 and redis:8 in the place of redis:7 and nothing" in lines[0]


def test_a_plain_list_becomes_the_source(tmp_path: Path) -> None:
    folder = project(tmp_path, requirements_txt="flask\n")
    (folder / "requirements-dev.txt").write_text("-r requirements.txt\npytest\n")
    commands = exporting(folder, None, "3.14")
    assert [command.split()[-3] for command in commands] == ["requirements.in", "requirements-dev.in"]
    assert (folder / "requirements-dev.in").read_text() == "-r requirements.in\npytest\n"
    assert ["--constraint requirements.txt" in command for command in commands] == [False, True]
    assert not (folder / "requirements.txt").exists()


@pytest.mark.parametrize(
    "folder", sorted(path for path in PROJECTS.iterdir() if path.is_dir()), ids=lambda path: path.name
)
def test_every_project_here_has_an_app_and_a_manager(folder: Path) -> None:
    app = find_app(folder)
    assert lacking(folder, app) == []
    assert app.framework in ("django", "fastapi", "flask")
