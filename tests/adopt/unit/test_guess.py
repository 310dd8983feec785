"""What `make adopt` guesses from a project's files, in the shapes that public projects have."""

import codecs
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from adopt import guess
from adopt.draft import is_asgi, lacking, put_final
from adopt.guess import PDM, PIPENV, POETRY, UV, App, Manager, find_app, find_manager
from adopt.lists import exporting, portable
from library.repository import write_files
from score.composing import Unusable

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FASTAPI = "from fastapi import FastAPI\n\n\ndef create_app():\n    return FastAPI()\n"
MANAGE = 'import django\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")\n'
WSGI = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")\napplication = get_wsgi_application()\n'


# fmt: off
APPS = {
    "an object":
        ({"shop.py": FLASK}, App("shop:app", "flask")),
    "an object that has a type":
        ({"src/orders/main.py": "import fastapi\napi: object = fastapi.FastAPI()"}, App("orders.main:api", "fastapi")),
    "a factory that can do without its argument":
        ({"shop/make.py": "def create_app(config=None):\n    app = Flask(__name__)\n    return app"},
          App("shop.make:create_app()", "flask")),
    "in the usual module, not in a test":
        ({"shop/main.py": "app = FastAPI()", "shop/admin.py": "app = FastAPI()", "tests/x.py": "app = FastAPI()"},
          App("shop.main:app", "fastapi")),
    "an object before a factory":
        ({"a.py": FLASK, "b.py": "def create_app():\n    return Flask(__name__)"}, App("a:app", "flask")),
    "beside Django's settings":
        ({"manage.py": MANAGE.format("site.settings.dev"), "site/wsgi.py": ""}, App("site.wsgi:application", "django")),
    "an object that a factory has made":
        ({"main.py": f"{FASTAPI}app = create_app()\n"}, App("main:app", "fastapi")),
    "a factory of another module":
        ({"shop/__init__.py": FASTAPI, "wsgi.py": "from shop import create_app\n\napplication = create_app()\n"},
          App("wsgi:application", "fastapi")),
    "in a try, not in a main":
        ({"run.py": "from flask import Flask\ntry:\n    app = Flask('shop')\nfinally:\n    pass\n",
          "dev.py": "if __name__ == '__main__':\n    app = Flask('dev')\n"}, App("run:app", "flask")),
    "src is the package":
        ({"src/__init__.py": "",
          "src/main.py": "from fastapi import FastAPI\nfrom .routes import r\napp = FastAPI()\n"},
          App("src.main:app", "fastapi")),
    "src is imported by its name":
        ({"src/main.py": "from src.routes import r\napp = FastAPI()\n", "src/routes.py": ""},
          App("src.main:app", "fastapi")),
    "a package in a folder that is none":
        ({"backend/app/__init__.py": "", "backend/app/main.py": "from app.routes import r\napp = FastAPI()\n"},
          App("app.main:app", "fastapi", "backend")),
    "another framework":
        ({"main.py": "import litestar\napp = litestar.Litestar([])\n"}, App("main:app")),
    "no app, but beside one":
        ({"main.py": f"{FLASK}api = APIRouter()\n"}, App("main:app", "flask")),
    "what a Procfile starts":
        ({"Procfile": "web: gunicorn -w 2 two:create_app()\n", "one.py": FLASK, "two.py": "def create_app(): ..."},
          App("two:create_app()")),
    "what a Dockerfile starts in its folder":
        ({"api/Dockerfile": 'CMD ["uvicorn", "app.main:api", "--port", "80"]\n', "api/app/main.py": "api = x",
          "b.py": FLASK}, App("app.main:api", "", "api")),
    "what a Dockerfile two folders down starts":
        ({"docker/common/Dockerfile.app": 'CMD ["gunicorn", "two:create_app()"]\n', "one.py": FLASK, "two.py": ""},
          App("two:create_app()")),
    "what uWSGI is told":
        ({"deploy/uwsgi.ini": "[uwsgi]\nwsgi-file = site/run.py\ncallable = api\n", "site/run.py": "", "a.py": FLASK},
          App("site.run:api")),
    "what Flask is told":
        ({".flaskenv": "FLASK_APP=shop.py\n", "shop.py": FLASK, "wsgi.py": FLASK}, App("shop:app", "flask")),
    "what Litestar is told, in a folder":
        ({"tools/deploy/docker/Dockerfile": 'ARG LITESTAR_APP="app.asgi:create_app"\n',
          "py/app/asgi.py": "def create_app(): ..."}, App("app.asgi:create_app()", "", "py")),
    "a factory of an unknown framework, beside a manage.py of one":
        ({"manage.py": "# as Django has one\n", "shop/asgi.py": "def create_app(): ...\n"},
          App("shop.asgi:create_app()")),
    "several in one module":
        ({"web/main.py": "from fastapi import FastAPI\nfrontend = FastAPI()\napi = FastAPI()\napp = FastAPI()\n"},
          App("web.main:app", "fastapi")),
    "what Flask's command is told":
        ({"start.sh": "celery --app=shop worker &\nflask --app site:create_app run\n", "site.py": "", "shop.py": FLASK},
          App("site:create_app()")),
    "Django below a folder":
        ({"web/manage.py": MANAGE.format("site.settings"),
          "web/site/settings.py": 'WSGI_APPLICATION = "deploy.wsgi.live"\n', "web/deploy/wsgi.py": ""},
          App("deploy.wsgi:live", "django", "web", asgi=False)),
    "Django in a directory that manage.py adds":
        ({"manage.py": MANAGE.format("core.settings.debug"), "api/core/wsgi.py": WSGI.format("core.settings")},
          App("core.wsgi:application", "django", "api")),
    "Django with a handler of its own":
        ({"manage.py": MANAGE.format("live"),
          "shop/wsgi.py": "from django.core.handlers.wsgi import WSGIHandler\napplication = WSGIHandler()\n",
          "Procfile": "web: gunicorn shop.wsgi\n"}, App("shop.wsgi:application", "django")),
    "Django with Channels":
        ({"manage.py": MANAGE.format("site.settings"),
          "site/settings.py": 'ASGI_APPLICATION = "site.asgi.application"\nWSGI_APPLICATION = "site.wsgi.app"\n',
          "site/asgi.py": "", "site/wsgi.py": "", "requirements.txt": "django\nchannels\n"},
          App("site.asgi:application", "django", asgi=True)),
    "the root of a workspace":
        ({"pyproject.toml": '[project]\nname = "front"\n[tool.uv.workspace]\nmembers = ["libs/*"]\n',
          "src/front/__init__.py": FLASK, "libs/prices/pyproject.toml": "[project]\n",
          "libs/prices/src/prices/__init__.py": ""}, App("front:app", "flask")),
}
# fmt: on


@pytest.mark.parametrize(("files", "app"), APPS.values(), ids=APPS)
def test_the_app_is(files: dict[str, str], app: App, tmp_path: Path) -> None:
    assert find_app(write_files(tmp_path, files)) == app


def find_python(project: Path) -> str:
    return guess.python_versions(project, "3.14")[0]


# fmt: off
REFUSED = [
    (find_app, {},
        r"no app that gunicorn can serve is found \(a library has none\); if there is one, name it, APP=shop:app"),
    (find_app, {"pyproject.toml": '[project.scripts]\nserve = "a:b"'}, r"\(its own command, serve, may start a server"),
    (find_app, {"shop.py": "def create_app(config):\n    return Flask(__name__)"}, "name it, APP=shop:app"),
    (find_app, {"shop.py": "this is no Python"}, "name it, APP=shop:app"),
    (find_app, {"a.py": "x = Flask(__name__)", "b.py": "y = Flask(__name__)"}, "several apps: APP=a:x or APP=b:y"),
    (find_app, {"manage.py": "import django"}, "APP=mysite.wsgi:application"),
    (find_python, {"pyproject.toml": '[project]\nrequires-python = "<3.9"'}, r"requires-python is <3\.9"),
    (find_manager, {"poetry.lock": "", "uv.lock": ""}, "MANAGER=poetry or MANAGER=uv"),
    (find_manager, {}, "it needs a pyproject.toml or a requirements.txt$"),
    (find_manager, {"api/pyproject.toml": "", "front/requirements.txt": "", "back/requirements.txt": ""},
        "as api has: PROJECT="),
]
# fmt: on


@pytest.mark.parametrize(("find", "files", "message"), REFUSED)
def test_what_nobody_can_find_is_asked_for(
    find: Callable[[Path], object], files: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(Unusable, match=message):
        find(write_files(tmp_path, files))


@pytest.mark.parametrize(
    ("command", "apps"),
    [
        ("web: gunicorn --chdir src mysite.wsgi --log-file -", ["mysite.wsgi:application"]),
        ('CMD ["gunicorn", "--bind", "0.0.0.0:80", "shop:create_app()"]', ["shop:create_app()"]),
        ("exec uvicorn --factory shop.main:make", ["shop.main:make()"]),
        ("RUN pip install gunicorn flask", []),
        ("# gunicorn old:app", []),
        ("gunicorn --bind unix:app.sock -m 007 wsgi:app", ["wsgi:app"]),
        ('wsgi_app = "hello.main:app"', []),
        ("[uwsgi]\nmodule = shop.wsgi\n", ["shop.wsgi:application"]),
    ],
)
def test_what_a_command_starts(command: str, apps: list[str]) -> None:
    assert list(guess.started_by(command))[:1] == apps


ALLOWED = {">=3.11": "3.14", ">=3.11,<3.14": "3.13", "~=3.12.3": "3.12", "==3.13.*": "3.13"}
ALLOWED_BY_POETRY = {"^3.11,<3.13": "3.12", "^3.12": "3.14", "~3.12.2": "3.12", "3.11.7": "3.11"}
# fmt: off
VERSIONS = [
    *(({".python-version": text}, "3.14") for text in ("2.7\n", "3.8.1\n", "pypy3.10\n", "shop-env\n")),
    ({".python-version": "3.12.7\n"}, "3.12"),
    ({"runtime.txt": "python-3.12.7\n"}, "3.12"),
    ({"Dockerfile": "FROM python:3.12-alpine\n"}, "3.12"),
    ({"web/Dockerfile": "ARG OF=3.12\nFROM python:${OF}-slim AS base\nFROM base\n"}, "3.12"),
    ({"Pipfile": '[requires]\npython_version = "3.12"\n'}, "3.12"),
    ({"requirements.txt": "#\n# This file is autogenerated by pip-compile with Python 3.12\n"}, "3.12"),
    ({".python-version": "3.12\n", "pyproject.toml": '[project]\nrequires-python = ">=3.11"\n'}, "3.12"),
    *(({"pyproject.toml": f'[project]\nrequires-python = "{allowed}"'}, version)
      for allowed, version in ALLOWED.items()),
    *(({"pyproject.toml": f'[tool.poetry.dependencies]\npython = "{allowed}"'}, version)
      for allowed, version in ALLOWED_BY_POETRY.items()),
]
# fmt: on


@pytest.mark.parametrize(("files", "version"), VERSIONS)
def test_the_version_is_the_one_at_home_or_the_newest_allowed(
    files: dict[str, str], version: str, tmp_path: Path
) -> None:
    assert find_python(write_files(tmp_path, files)) == version


@pytest.mark.parametrize(
    ("files", "manager"),
    [
        ({"poetry.lock": "", "pyproject.toml": "[project]"}, POETRY),
        ({"pyproject.toml": "[tool.poetry]"}, POETRY),
        ({"pyproject.toml": "[project]"}, UV),
        ({"uv.lock": "", "requirements.txt": "flask"}, UV),
        ({"requirements.txt": "flask", "pyproject.toml": "[project]"}, None),
        ({"Pipfile.lock": "{}", "requirements.txt": ""}, PIPENV),
        ({"Pipfile": ""}, PIPENV),
        ({"pdm.lock": "", "pyproject.toml": "[project]"}, PDM),
        ({"requirements/base.txt": "flask"}, None),
        ({"web/requirements.txt": "flask"}, None),
        ({"setup.py": "setup(name='shop')"}, None),
    ],
)
def test_who_keeps_the_packages(files: dict[str, str], manager: Manager | None, tmp_path: Path) -> None:
    assert find_manager(write_files(tmp_path, files)) == manager


def test_a_project_belongs_to_a_repository_that_begins_three_levels_above_at_most(tmp_path: Path) -> None:
    deep = write_files(tmp_path / "a/b/c/d", {"../../../../.git/HEAD": ""})
    assert guess.repository(deep.parent) == tmp_path
    assert guess.repository(deep) == deep


def test_who_keeps_the_packages_can_be_said(tmp_path: Path) -> None:
    folder = write_files(tmp_path, {"poetry.lock": "", "uv.lock": ""})
    assert find_manager(folder, "poetry") == POETRY
    with pytest.raises(Unusable, match=r"MANAGER is one of .*, not pip"):
        find_manager(folder, "pip")


@pytest.mark.parametrize(
    "content",
    [
        "Flask==3.1\r\ngunicorn\r\n".encode("utf-16"),
        codecs.BOM_UTF8 + b"gunicorn\nflask\n",
        "flask # caf\N{LATIN SMALL LETTER E WITH ACUTE}\ngunicorn\n".encode("cp1252"),
    ],
)
def test_lists_of_windows_are_read_and_written_as_utf_8(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(content)
    assert guess.dependencies(tmp_path) == {"flask", "gunicorn"}
    exporting(tmp_path, None, "3.14")
    assert "gunicorn\n" in (tmp_path / "requirements.in").read_text(encoding="utf-8")


def test_lists_that_include_others_are_one(tmp_path: Path) -> None:
    files = {"requirements/production.txt": "-r base.txt\ngunicorn\n", "requirements/base.txt": "django\n"}
    folder = write_files(tmp_path, files | {"requirements/local.txt": "-r base.txt\npytest\n"})
    assert guess.dependencies(folder) == {"django", "gunicorn"}
    sources = [command.split()[-3] for command in exporting(folder, None, "3.14")]
    assert sources == ["requirements.in", "requirements-dev.in"]
    assert (folder / "requirements.in").read_text() == "-r requirements/production.txt\n"


def test_what_only_one_machine_knows_is_not_in_the_list(tmp_path: Path) -> None:
    usual = "pypi.{}".format("org")  # no file here names an index
    text = f"-i https://{usual}/simple\ncertifi @ file:///croot/certifi\npkg_resources==0.0.0\nflask==3.1\n"
    assert portable(text) == "certifi\nflask==3.1\n"
    assert portable("-i https://pypi.example.org/simple\n") == "-i https://pypi.example.org/simple\n"
    assert not guess.names_index(write_files(tmp_path, {"requirements.txt": text}))
    assert guess.names_index(write_files(tmp_path, {"requirements.txt": "-i https://pypi.example.org/simple\n"}))


def test_folders_of_the_project_are_code_and_no_packages(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "flask\ngunicorn\n-e .\n./libs/greeting\n",
        "pyproject.toml": '[project]\nname = "welcome"\n',
        "libs/greeting/pyproject.toml": '[project]\nname = "greeting"\n',
        "welcome.py": FLASK,
    }
    folder = write_files(tmp_path, files)
    assert guess.roots(folder) == [folder, folder / "libs/greeting"]
    (command,) = exporting(folder, None, "3.14")
    assert " --no-emit-package welcome --no-emit-package greeting --output-file" in command
    assert put_final(folder, find_app(folder), None, "3.14").python_path == "/app:/app/src:/app/libs/greeting"


def test_folders_that_uv_knows_are_code_too(tmp_path: Path) -> None:
    source = '[project]\nname = "shop"\n[tool.uv.sources]\ngreeting = { path = "libs/greeting", editable = true }\n'
    folder = write_files(tmp_path, {"pyproject.toml": source, "libs/greeting/greeting.py": ""})
    assert guess.roots(folder) == [folder, folder / "libs/greeting"]
    assert all(" --no-emit-local " in command for command in exporting(folder, find_manager(folder), "3.14"))


def test_the_last_change_is_what_git_says_or_the_files_if_theirs_is_earlier(tmp_path: Path) -> None:
    folder = write_files(tmp_path, {"shop.py": ""})
    assert guess.last_change(folder) == time.strftime("%Y-%m-%d", time.gmtime())
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=x"]):
        environment = {**os.environ, "GIT_COMMITTER_DATE": "2023-11-14T12:00:00Z"}
        subprocess.run([*git, *command], env=environment, check=True)
    assert guess.last_change(folder) == "2023-11-14"
    os.utime(folder / "shop.py", (1.6e9, 1.6e9))
    assert guess.last_change(folder) == "2020-09-13"
    os.utime(folder / "shop.py", (0, 0))
    assert guess.last_change(folder) == "2023-11-14", "an archive without times"
    [exports] = exporting(write_files(folder, {"requirements.txt": "flask\n"}), None, "3.12", "2023-11-14")
    assert " --exclude-newer 2023-11-14 --exclude-newer-package gunicorn=false" in exports


def test_an_index_that_is_a_folder_is_mounted_and_its_hashes_are_added(tmp_path: Path) -> None:
    index = '[project]\nname = "shop"\n[[tool.uv.index]]\nname = "house"\nurl = "./wheels"\nformat = "flat"\n'
    folder = write_files(tmp_path, {"pyproject.toml": index, "wheels/greeting.whl": "", "shop.py": FLASK})
    put_final(folder, find_app(folder), UV, "3.14")
    assert (folder / "Dockerfile").read_text().count("    --mount=type=bind,source=wheels,target=wheels \\\n") == 2
    compiles = " --emit-find-links --find-links wheels requirements.txt --output-file requirements.txt"
    for commands in (" ".join(exporting(folder, UV, "3.14")), (folder / ".pre-commit-config.yaml").read_text()):
        assert compiles in commands
        assert " --emit-index-url" not in commands


def test_a_list_of_pipenv_is_made_from_a_lock(tmp_path: Path) -> None:
    lock, *exports = exporting(write_files(tmp_path, {"Pipfile": ""}), PIPENV, "3.14")
    assert lock == "{ test -f Pipfile.lock || uvx pipenv@2026.10.3 lock --python python3; }"
    assert len(exports) == 2


@pytest.mark.parametrize("framework", ["litestar", "quart", "sanic", "starlette", "connexion"])
def test_a_framework_that_is_asgi_gets_its_worker(framework: str, tmp_path: Path) -> None:
    folder = write_files(tmp_path, {"requirements.txt": f"{framework}\n", "main.py": f"app = {framework}.App()"})
    assert lacking(folder, find_app(folder)) == ["gunicorn", "uvicorn-worker", "httptools"]
    assert is_asgi(folder, find_app(folder))


DEV_SETTINGS = {"manage.py": MANAGE.format("shop.settings.local"), "shop/settings/local.py": "", "shop/wsgi.py": ""}
NO_SETTINGS = {
    "manage.py": "from django.core.management import execute_from_command_line\n",
    "shop/wsgi.py": "application = get_wsgi_application()\n",
    "shop/settings/base.py": "ROOT_URLCONF = 'shop.urls'\n",
    "shop/settings/development.py": "from .base import *\n",
    "shop/production.py": "ROOT_URLCONF = 'of another kind'\n",
}


@pytest.mark.parametrize(
    ("files", "settings"),
    [
        (DEV_SETTINGS, ""),
        (DEV_SETTINGS | {"shop/wsgi.py": WSGI.format("shop.settings.production")}, "shop.settings.production"),
        (NO_SETTINGS, "shop.settings.base"),
        (NO_SETTINGS | {"shop/settings/production.py": "from .base import *\n"}, "shop.settings.production"),
    ],
)
def test_production_has_the_settings_of_its_server_or_the_usual_ones(
    files: dict[str, str], settings: str, tmp_path: Path
) -> None:
    assert guess.production_settings(write_files(tmp_path, files), App("shop.wsgi:application", "django")) == settings
