"""What `make adopt` writes into a project, and what it asks for."""

import io
import runpy
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import yaml

from adopt import command as adoption
from adopt import hooks, trial
from adopt.command import Options, left_to_do, may_add, may_replace
from adopt.draft import Draft, lacking, put_final
from adopt.guess import POETRY, UV, App, Manager, find_app, find_manager
from adopt.lists import COMPILE, exporting, with_wheels
from adopt.remedies import mend
from adopt.strangers import PROJECTS, Project
from library.markdown import blocks
from library.repository import copy_files, write_files
from library.subject import Subject
from library.tutorial import ROOT
from score.composing import Unusable


def test_a_missing_server_is_named_with_the_command_that_adds_it(tmp_path: Path) -> None:
    files = {"requirements.txt": "FastAPI[standard]>=0.1 # the API\n--index-url x\n", "main.py": "app = FastAPI()"}
    folder = write_files(tmp_path, files)
    names = lacking(folder, find_app(folder))
    assert names == ["gunicorn", "uvicorn-worker", "httptools"]
    with pytest.raises(Unusable, match=r"are not among .*: write gunicorn and uvicorn-worker and httptools into"):
        may_add(names, None, Options(adds=False))
    with pytest.raises(Unusable, match="poetry add --lock gunicorn uvicorn-worker httptools"):
        may_add(names, POETRY, Options(adds=False))


def test_the_commands_are_those_of_the_article() -> None:
    article = (ROOT / "final/README.md").read_text()
    for command in (*POETRY.export, *UV.export):
        assert f"\n$ {command}\n" in article


def test_the_lines_that_are_set(tmp_path: Path) -> None:
    copy_files(ROOT / "tests/projects/workspace", tmp_path)
    put_final(tmp_path, find_app(tmp_path), UV, "3.13")
    assert 'wsgi_app = "orders.main:app"\n' in (tmp_path / "gunicorn.conf.py").read_text()
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
    assert all(" --locked " in command for command in hooks.commands(hooks.OF_UV)), "an adoption makes the lock"
    assert f"    hooks:\n{hooks.OF_UV}\n" in (tmp_path / "uv/.pre-commit-config.yaml").read_text()


def test_the_hook_of_a_list_runs_what_compiles() -> None:
    names = ("requirements", "requirements-dev")
    expected = [COMPILE.format(version="3.14", source=f"{name}.in", target=f"{name}.txt") for name in names]
    assert list(hooks.commands(hooks.OF_A_LIST)) == expected
    article = blocks((ROOT / "final/README.md").read_text(), "Use it in your project", "console")[-1]
    assert [line.removeprefix("$ ") for line in article.splitlines()[1:]] == expected


def test_the_reference_adds_hashes_of_wheels_as_an_adoption_does() -> None:
    [block] = blocks(hooks.PAGE.read_text(), "Hooks for uv", "console")
    shown = [line.removeprefix("$ ") for line in block.splitlines()]
    added = [with_wheels(command, ["wheels"]).partition(" && ")[2] for command in UV.export]
    assert shown == added


INDEX = '[[tool.uv.index]]\nname = "cpu"\nurl = "https://example.org/cpu"\nexplicit = true\n'


@pytest.mark.parametrize(
    ("files", "manager", "emitted"),
    [
        ({"pyproject.toml": INDEX}, UV, 2),
        ({"pyproject.toml": "[tool.uv]\npackage = false\n"}, UV, 0),
        ({"pyproject.toml": '[tool.uv.workspace]\nmembers = ["libs/*"]', "libs/one/pyproject.toml": INDEX}, UV, 2),
        ({"pyproject.toml": '[[tool.poetry.source]]\nname = "cpu"\nurl = "https://example.org/cpu"'}, POETRY, 0),
        ({"requirements.txt": "--extra-index-url https://example.org/cpu\ntorch\n"}, None, 1),
    ],
)
def test_an_index_that_a_project_names_is_named_in_its_lists(
    tmp_path: Path, files: dict[str, str], manager: Manager | None, emitted: int
) -> None:
    folder = write_files(tmp_path, files)
    put_final(folder, App("shop:app", ""), manager, "3.14")
    first_only = "ENV VIRTUAL_ENV=/venv UV_COMPILE" in (folder / "Dockerfile").read_text()
    assert first_only == ("example.org" not in str(files))
    in_hooks = folder.joinpath(".pre-commit-config.yaml").read_text().count(" --emit-index-url")
    assert in_hooks == (emitted if manager else 0)
    assert " ".join(exporting(folder, manager, "3.14")).count(" --emit-index-url") == emitted


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    return put_final(tmp_path, App("shop:app", "flask"), None, "3.14")


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
    draft = put_final(tmp_path, App("mysite.wsgi:application", "django"), None, "3.14")
    draft.demand("SECRET_KEY", "made up")
    draft.node = "node:24"
    lines = left_to_do(draft, ["Dockerfile"], tried=True)
    assert len(lines) == 3
    assert lines[1].endswith("; what the old Dockerfile builds in node:24 is not in this image")
    assert "write SECRET_KEY into a file .env" in lines[0]
    assert "migrate" not in lines[0]
    assert "compose.yaml goes before docker-compose.yml" in lines[1]
    assert "git add Dockerfile;" in lines[2]
    draft.commands, draft.in_vain = ["python manage.py migrate"], {"migrate": "no route", "page": "refused"}
    [line, *_] = left_to_do(draft, ["Dockerfile"], tried=True)
    assert "run --rm migrate, which did not work in the trial: no route; " in line
    assert line.endswith("/health answers, or Docker calls it unhealthy: refused")


def test_the_trial_has_what_can_be_had_of_the_services_beside_the_app(
    draft: Draft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docker-compose.yml").touch()
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


def test_the_image_of_a_python_that_has_more_wheels_is_brought_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pull by the build is no answer: where no registry answers, the trial takes a stand-in or the next Python."""
    draft = put_final(tmp_path, App("shop:app", "flask"), None, "3.14", "3.13", "3.12")
    lists_of: list[str] = []
    monkeypatch.setattr(Draft, "export", lambda draft: lists_of.append(draft.version))
    monkeypatch.setattr(adoption, "is_here", lambda image: "3.14" in image)
    monkeypatch.setattr(adoption, "bring", lambda image: f"{image} cannot be had: no answer")
    monkeypatch.setattr(adoption, "without_wheels", lambda _: {"3.14": ["greenlet"], "3.13": []})
    [failure] = adoption.trial(draft, 1)
    assert (failure.stage, failure.cause) == ("lists", "python:3.13-slim-trixie cannot be had: no answer")
    assert lists_of == ["3.14"]
    assert mend(draft, failure)
    assert draft.version == "3.14"


def test_an_image_that_cannot_be_had_is_said_once(draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter((trial.Failure("lists", "python:3.14-slim-trixie cannot be had: no answer"),))
    monkeypatch.setattr(adoption, "trial", lambda *_: failures)
    with pytest.raises(Unusable, match=r"not work yet: python:3\.14-slim-trixie cannot be had: no answer; nothing"):
        adoption.try_and_mend(draft)


def test_the_copy_lies_as_deep_in_its_repository_as_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files above it may belong to it."""
    files = {"requirements.txt": "flask\ngunicorn\n", "main.py": "app = Flask(__name__)", "../.git/HEAD": ""}
    folder = write_files(tmp_path / "shop/backend", files)

    def stop(copy: Path, *_: object, **__: object) -> None:
        raise Unusable(str(copy))

    monkeypatch.setattr(adoption, "SCRATCH", tmp_path / "scratch")
    monkeypatch.setattr(adoption, "put_final", stop)
    with pytest.raises(Unusable, match=r"scratch/adopted/shop/backend$"):
        adoption.adopt(folder, Options())


def test_the_import_may_write_where_the_app_has_a_volume(
    draft: Draft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = {"environment": {"A": "1"}, "volumes": [{"type": "volume", "source": "data", "target": "/app/instance"}]}
    monkeypatch.setattr(Subject, "services", lambda *_: {"web": web})
    monkeypatch.setattr(Subject, "built_image", lambda *_: "shop")
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "adopt: the app is wsgi\n", "")

    monkeypatch.setattr(subprocess, "run", run)
    assert not list(trial.import_alone(draft, Subject("shop", tmp_path), {}, tmp_path))
    assert {"--env=A=1", "--read-only", "--volume=/app/instance"} <= set(commands[0])


class Answering:
    """An app that runs and answers with a status for each path."""

    page, host, is_up, log, service = "/", "", True, "a log", "web"

    def __init__(self, **statuses: int) -> None:
        self.statuses, self.stopped = statuses, False

    def get(self, path: str, **_: str) -> httpx.Response:
        request = httpx.Request("GET", f"http://localhost{path}")
        return httpx.Response(self.statuses.get(path.strip("/"), 200), request=request)

    def stop(self) -> None:
        self.stopped = True


def test_an_app_whose_health_check_fails_is_tried_to_the_end(draft: Draft) -> None:
    [failure] = trial.use(draft, cast("Any", running := Answering(health=503)))
    assert (failure.stage, failure.stops, failure.cause) == ("page", False, "adopt: GET /health says 503")
    assert running.stopped
    assert not list(trial.use(draft, cast("Any", Answering(health=404))))


def test_an_app_that_each_worker_migrates_or_that_ends_after_its_answer_does_not_work(draft: Draft) -> None:
    running = Answering()
    running.log = "a secret key\nINFO  [alembic.runtime.migration] Running upgrade a -> b, users"
    [failure] = trial.use(draft, cast("Any", running))
    assert (failure.log, failure.stops) == (running.log.splitlines()[1], False)
    running.is_up, running.log = False, "duplicate column name: price"
    [failure] = trial.use(draft, cast("Any", running))
    assert failure.stops
    assert "WORKERS is 1" in mend(draft, failure)


def test_a_database_in_tmp_is_named_but_for_the_trial_s_own(draft: Draft) -> None:
    running = Answering()
    draft.made_up["DATABASE_URL"] = "sqlite:////tmp/adopt.db"
    running.log = "adopt: sqlite3 opens /tmp/adopt.db\nadopt: sqlite3 opens /tmp/shop.db\n"
    assert not list(trial.use(draft, cast("Any", running)))
    assert draft.lost == "/tmp/shop.db"  # noqa: S108  in the container
    assert "have the app keep /tmp/shop.db elsewhere" in left_to_do(draft, ["Dockerfile"], tried=True)[0]


def test_a_plain_list_becomes_the_source(tmp_path: Path) -> None:
    files = {"requirements.txt": "flask\n", "requirements-dev.txt": "-r requirements.txt\npytest\n"}
    folder = write_files(tmp_path, files)
    commands = exporting(folder, None, "3.14")
    assert [command.split()[-3] for command in commands] == ["requirements.in", "requirements-dev.in"]
    assert (folder / "requirements-dev.in").read_text() == "-r requirements.txt\npytest\n"
    assert "--constraint" not in commands[1]
    assert not (folder / "requirements.txt").exists()
    (folder / "requirements-dev.in").write_text("-r requirements.in\npytest\n")
    assert ["--constraint requirements.txt" in command for command in exporting(folder, None, "3.14")] == [False, True]


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_every_project_here_has_an_app_and_a_manager(project: Project) -> None:
    folder = ROOT / "tests/projects" / project.name
    assert lacking(folder, app := find_app(folder)) == []
    assert (app.name, adoption.keeper(find_manager(folder))) == (project.app, project.manager)
