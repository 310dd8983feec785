"""``make adopt`` gives the same files as the steps of final's article, in every project here, and takes nothing away.

What `test_projects.py` shows of the projects after the manual steps is then true of those that were adopted. Below are
small projects of the kinds that do not work at once: each works after it was adopted, by what the article says.
"""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from adopt import hooks
from adopt.strangers import PROJECTS, Project
from adopt.strangers import adopt as by_hand
from library.repository import copy_files, write_files
from library.tutorial import ROOT

pytestmark = pytest.mark.about("final")


COMMAND = (sys.executable, "-m", "adopt.command")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}


def adopt(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, f"--project={project}", *options]
    return subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# A plain list, Poetry, uv with several packages; the others differ in what no adoption looks at.
OFTEN = ("flask", "django", "workspace")


@pytest.mark.parametrize(
    "project", [pytest.param(p, id=p.name, marks=() if p.name in OFTEN else pytest.mark.thorough) for p in PROJECTS]
)
def test_the_files_are_those_of_the_manual_steps(project: Project, tmp_path: Path) -> None:
    """What a reader does by hand where the app does not work at once (`strangers.PROJECTS`) is done, too."""
    if project.name == "celery":  # its worker serves no page: nobody sees that it is missing
        project = replace(project, uncommented={}, changed={})
    manual = by_hand(project, tmp_path / "by hand" / project.name).path
    if project.manager == "a plain list":  # make adopt writes no hook for one, as the reference says
        (manual / hooks.FILE.name).write_text(hooks.instead_of_poetrys())
    adopted = tmp_path / "adopted" / project.name
    copy_files(ROOT / "tests/projects" / project.name, adopted)

    done = adopt(adopted)
    assert done.returncode == 0, done.stderr
    assert f"adopt: {project.app}, packages kept by {project.manager};" in done.stdout
    assert done.stderr.endswith("\nadopt: it works\n")
    assert without_variables(content(adopted)) == without_variables(content(manual))


def without_variables(files: dict[str, bytes]) -> dict[str, bytes]:
    """A reader writes down a key of his own, where adopt demands one."""
    lines = re.compile(rb"^  [# ] +(SECRET_KEY|WORKERS|FORWARDED_ALLOW_IPS): .*\n", re.MULTILINE)
    return files | {"compose.yaml": lines.sub(b"", files["compose.yaml"])}


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
    assert adopt(shop, "--force=1", "--try=0", "--app=shop:create_app()").returncode == 0
    assert "AS production" in (shop / "Dockerfile").read_text()
    again = adopt(shop)
    assert again.returncode == 2
    assert "are there already: nothing was changed; FORCE=1" in again.stderr, "they were set"


@pytest.mark.parametrize(
    ("change", "options", "line"),
    [
        ({"shop/__init__.py": "app = 1\n"}, (), "name it, APP=shop:app"),
        ({}, ("--app=shop",), "APP is module:attribute, or module:function(), not shop"),
        ({"requirements.txt": "flask\n"}, ("--add=0",), "gunicorn is not among the project's packages: write gunicorn"),
        (
            {"requirements.txt": "flask\ngunicorn\nno-such-package-of-anybody\n"},
            (),
            "it does not work yet: Because no-such-package-of-anybody was not found",
        ),
        ({"uv.lock": "", "poetry.lock": ""}, (), "who keeps the packages, MANAGER=poetry or MANAGER=uv?"),
        ({"shop/__init__.py": "app = 0\nraise OSError('no moon')\n"}, ("--app=shop:app",), "OSError: no moon"),
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


def test_make_hands_over_what_the_reader_says(shop: Path) -> None:
    (shop / "uv.lock").touch()
    environment = {**os.environ, "PROJECT": str(shop), "APP": "shop:create_app()", "MANAGER": "list", "TRY": "0"}
    done = subprocess.run(["make", "adopt"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "trial" not in done.stderr
    assert "start it: docker compose up --build; if it does not work: reference-final/README.md" in done.stdout
    assert "\n  # volumes: [" in (shop / "compose.yaml").read_text(), "only who tries sees that it writes"


def test_a_project_that_wants_an_older_python_gets_it(shop: Path) -> None:
    (shop / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11,<3.14"\n')
    done = adopt(shop)
    # Its base image may not be on this machine; then nothing has changed.
    if done.returncode == 0:
        assert "\nFROM python:3.13-slim-trixie AS base\n" in (shop / "Dockerfile").read_text()
    else:
        assert "python:3.1" in done.stderr
        assert not (shop / "Dockerfile").exists()


PAGE = """
@app.get("/")
def index():
    return NAME
"""
FLASK = "from flask import Flask\n\napp = Flask(__name__)\n"
LIST = "flask\ngunicorn\n"
DJANGO_PAGE = """from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("a site"))]
"""
MANAGE = """import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings.local")
execute_from_command_line(sys.argv)
"""
WSGI = """import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings.live")
application = get_wsgi_application()
"""
VISITS = """import sqlite3

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    with sqlite3.connect("visits.db") as database:
        database.execute("create table if not exists visits (at)")
        database.execute("insert into visits values (1)")
        return str(database.execute("select count(*) from visits").fetchone()[0])
"""


@dataclass(frozen=True)
class Kind:
    """A small project of a kind that does not work at once, and what is in final's files afterwards."""

    files: dict[str, str]
    mended: str = ""  # what progress says; nothing where the guess is right
    lines: dict[str, str] = field(default_factory=dict)  # that are there afterwards, by file


# fmt: off
KINDS = {
    # By what the object is: no class of this name is known. Its worker is missing, too.
    "an ASGI app that nobody knows": Kind({
        "room.py": "class Room:\n"
        "    async def __call__(self, scope, receive, send):\n"
        "        await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "        await send({'type': 'http.response.body', 'body': b'a room'})\n\n\napp = Room()\n",
        "requirements.txt": "gunicorn\n"},
        "the app is ASGI: the worker uvicorn_worker.UvicornWorker",
        {"requirements.in": "uvicorn-worker", "gunicorn.conf.py": 'wsgi_app = "room:app"'}),
    "a package tests that is no test": Kind({
        "quiz.py": f"from tests.exam import NAME\n{FLASK}{PAGE}",
        "tests/exam.py": "NAME = 'x'",
        "requirements.txt": LIST},
        "the app imports the package tests: it stays in the image"),
    "its own version and commands": Kind({
        "src/orders/__init__.py": "from importlib.metadata import version\n"
        f"{FLASK}NAME = version('orders')\n{PAGE}",
        "pyproject.toml": '[project]\nname = "orders"\nversion = "1.2"\ndependencies = ["flask", "gunicorn"]\n'
        'requires-python = ">=3.13"\n[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n'},
        lines={"Dockerfile": "\nRUN --mount=type=bind,target=.,rw uv pip install --no-deps . && rm "}),
    "data that .dockerignore leaves out": Kind({
        "shop.py": f"{FLASK}NAME = open('README.md').read()\n{PAGE}",
        "README.md": "A shop",
        "requirements.txt": LIST},
        "README.md was left out of the image",
        {".dockerignore": "\n!README.md\n"}),
    "a database in the middle of the code, and a variable": Kind(
        {"shop.py": f"{VISITS}\n\nNAME = __import__('os').environ['SHOP_NAME']\n", "requirements.txt": LIST},
        "the app wants SHOP_NAME",
        {"Dockerfile": "\nRUN ln -sf /data/visits.db visits.db\n",
         "compose.yaml": "\n    SHOP_NAME: ${SHOP_NAME:?}\n"}),
    "settings for developers": Kind({
        "manage.py": MANAGE,
        "site_settings/local.py": "from .live import *\nINSTALLED_APPS = ['debug_toolbar']\n",
        "site_settings/live.py": "import os\nSECRET_KEY = os.environ['SITE_KEY']\nROOT_URLCONF = 'site_urls'\n"
        "ALLOWED_HOSTS = ['.example.org']\nSTATIC_ROOT = 'static'\nSTATIC_URL = 'static/'\n"
        "INSTALLED_APPS = ['django.contrib.staticfiles']\n"
        "MIDDLEWARE = ['whitenoise.middleware.WhiteNoiseMiddleware']\n",
        "site_urls.py": DJANGO_PAGE,
        "site_settings/wsgi.py": WSGI,
        "requirements.txt": "django\ngunicorn\nwhitenoise\n"},
        "collectstatic wants SITE_KEY",
        {"Dockerfile": " DJANGO_SETTINGS_MODULE=site_settings.live python manage.py collectstatic",
         "compose.yaml": "\n    SITE_KEY: ${SITE_KEY:?}\n"}),
    "folders of its own in a list from Windows, and a package for Windows": Kind({
        "welcome.py": f"from greeting import NAME\n{FLASK}{PAGE}",
        "libs/greeting/greeting.py": "NAME = 'Welcome'\n",
        "libs/greeting/pyproject.toml": '[project]\nname = "greeting"\nversion = "1"\n',
        "requirements.txt": f"{LIST}./libs/greeting\npywin32==312\n"},
        "pywin32 is for Windows alone",
        {"Dockerfile": "PYTHONPATH=/app:/app/src:/app/libs/greeting\n"}),
    # The app's LOG_LEVEL is the server's, too, and logging knows it in capitals alone. A user ID has no name.
    "a variable that final has, files that are no Python, a user": Kind({
        "docker-compose.yml": "services: {web: {build: ., environment: {LOG_LEVEL: INFO, HOST: example.org}}}\n",
        "shop.py": "import getpass, logging, os\n\nlogging.basicConfig(level=os.environ['LOG_LEVEL'])\n"
        f"NAME = os.environ['HOST'] + getpass.getuser()\n{FLASK}{PAGE}",
        "scaffold/{{name}}/main.py": "from {{name}} import app\n",
        "scripts/import_2014.py": "print 'Python 2'\n",
        "requirements.txt": LIST},
        lines={"compose.yaml": '\n    LOG_LEVEL: "INFO"\n'}),
    "a database whose variables nobody has committed": Kind({
        "docker-compose.yml": "services:\n  shop: {build: ., env_file: .env, depends_on: [db]}\n"
        "  db: {image: 'postgres:17', env_file: .env}\n",
        "shop.py": f"import os\n\nimport psycopg\n{FLASK}NAME = 'x'\nURL = os.environ['DATABASE_URL']\n"
        f"psycopg.connect(URL).execute('select 1')\n{PAGE}",
        "requirements.txt": f"{LIST}psycopg[binary]\n"},
        lines={"compose.yaml": '\n  depends_on: {"db": {"condition": "service_healthy"}}\n'}),
    "Pipenv without a lock": Kind(
        {"shop.py": f"{FLASK}NAME = 'x'\n{PAGE}", "Pipfile": '[packages]\nflask = "*"\ngunicorn = "*"\n'},
        lines={"Pipfile.lock": '"flask": {'}),
}
# fmt: on
# What is tried less often: what a unit test of the guess or of a row says already.
SELDOM = list(KINDS)[-3:]


@pytest.mark.parametrize(
    "kind", [pytest.param(KINDS[name], id=name, marks=pytest.mark.thorough if name in SELDOM else ()) for name in KINDS]
)
def test_a_kind_of_project_works_after_it_was_adopted(kind: Kind, tmp_path: Path) -> None:
    write_files(tmp_path, kind.files)
    done = adopt(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("\nadopt: it works\n")
    assert kind.mended in done.stderr
    for name, line in kind.lines.items():
        assert line in (tmp_path / name).read_text(), done.stderr


# A shell's job in the background ignores Ctrl-C, and what it starts does, too.
IGNORED = pytest.mark.skipif(signal.getsignal(signal.SIGINT) is signal.SIG_IGN, reason="Ctrl-C is ignored here")


@pytest.mark.parametrize("stop", [pytest.param(signal.SIGINT, marks=IGNORED), signal.SIGTERM])
def test_who_stops_it_finds_the_project_as_it_was_and_nothing_else(shop: Path, stop: signal.Signals) -> None:
    before = content(shop)
    command, environment = [*COMMAND, f"--project={shop}"], ENVIRONMENT | {"TMPDIR": str(shop.parent)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if "trial 1" in line:
                process.send_signal(stop)
        assert process.wait(60) == 130
        assert line == "adopt: stopped; the project is as it was\n"
    assert content(shop) == before
    (lock,) = shop.parent.glob("tutorial-*")  # nothing but who builds now
    assert lock.suffix == ".lock"
