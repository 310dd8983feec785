"""Each row of the table: what a trial shows, and what is then in the draft."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from adopt.draft import Draft, put_final
from adopt.guess import find_app, find_manager
from adopt.remedies import REMEDIES, foresee, mend, names_read, value_for
from adopt.services import AS_THE_APP, beside
from adopt.trial import Failure
from library.repository import write_files
from library.tutorial import ROOT

FLASK = {"shop/__init__.py": "from flask import Flask\napp = Flask(__name__)", "requirements.txt": "flask\ngunicorn\n"}
DJANGO = {
    "manage.py": "import django\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings.dev')",
    "site/settings/dev.py": "SECRET_KEY = os.environ['DJANGO_SECRET_KEY']\nHOSTS = os.getenv('ALLOWED_HOSTS')",
    "site/wsgi.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings.live')",
    "requirements.txt": "django\ngunicorn\n",
}
BUILD = 'ERROR: failed to solve: process "/bin/sh -c {}" did not complete successfully: exit code: 1'


def draft_of(folder: Path, files: dict[str, str]) -> Draft:
    app = find_app(write_files(folder, files))
    return put_final(folder, app, find_manager(folder), "3.14", "3.13", "3.12")


def in_2023(folder: Path) -> None:
    for path in folder.rglob("*.py"):
        os.utime(path, (1.7e9, 1.7e9))  # in November


@dataclass(frozen=True)
class Row:
    """A remedy's name, the stage and the log that it is for, files of a project, and lines that are there then."""

    name: str
    stage: str
    log: str
    lines: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=lambda: FLASK)
    before: Callable[[Draft], object] = lambda _: None


# fmt: off
ROWS = [
    Row("no image of this Python", "lists",
        "python:3.14-slim-trixie cannot be had\nbases: no answer from docker.io in 8 s",
        {"Dockerfile": "\nFROM python:3.13-slim-trixie AS base\n"}),
    Row("a package for Windows", "lists",
        "error: Distribution `pywin32==306` can't be installed because it doesn't have a source distribution",
        {"requirements.in": 'pywin32==306 ; sys_platform == "win32"'},
        FLASK | {"requirements.txt": "flask\npywin32==306\n"}),
    Row("a list for one platform", "lists",
        "error: No solution found when resolving dependencies for split (markers: python_full_version >= '3.14')"),
    Row("a Python that is too new for a package", "lists",
        "Because the requested Python version (>=3.14) does not satisfy Python<3.14 and numba depends on it",
        {"Dockerfile": "FROM python:3.13-slim"}),
    Row("a Python that is too new for a package", "import", "ModuleNotFoundError: No module named 'telnetlib'",
        {"Dockerfile": "FROM python:3.12-slim"}),
    Row("a package", "import", "ModuleNotFoundError: No module named 'distutils'",
        {"requirements.in": "setuptools<81\n"}),
    Row("no wheel, and no compiler, header or program", "build", "#12 3.4 Error: pg_config executable not found.",
        {"Dockerfile": "\nRUN apt-get update && apt-get install --yes --no-install-recommends libpq5 && rm -rf"}),
    Row("no wheel, and no compiler, header or program", "build",
        "#12 3.4 /bin/sh: 1: pkg-config: not found\nException: Can not find valid pkg-config name.",
        {"Dockerfile": "recommends build-essential pkg-config default-libmysqlclient-dev\n"}),
    Row("no wheel, and no compiler, header or program", "build",
        "#12 3.4 couldn't run 'pg_config' --includedir: [Errno 2] No such file or directory: 'pg_config'",
        {"Dockerfile": "\nRUN apt-get update && apt-get install --yes --no-install-recommends build-essential libpq"}),
    Row("no wheel, and no compiler, header or program", "build",
        "error: command 'gcc' failed: No such file or directory",
        {"Dockerfile": "--no-install-recommends build-essential\n"}),
    Row("a package that is built", "build",
        "error: Failed to build `uwsgi==2.0.31`\nAttributeError: 'NoneType' object has no attribute 'split'",
        {"Dockerfile": "\nRUN apt-get update && apt-get install --yes --no-install-recommends build-essential\n"}),
    Row("no server", "build", "#12 3.4 gunicorn: not found",
        {"requirements.in": "flask\ngunicorn\n"}, FLASK | {"requirements.txt": "flask\n"}),
    Row("an old gunicorn", "start", "Error: No application module specified.",
        {"requirements.in": "flask\ngunicorn>=23\n"}, FLASK | {"requirements.txt": "gunicorn==19.9.0\nflask\n"}),
    Row("another worker", "import", "adopt: the app is asgi",
        {"gunicorn.conf.py": 'or "uvicorn_worker.UvicornWorker"'}),
    Row("another worker", "import", "adopt: the app is aiohttp",
        {"gunicorn.conf.py": 'or "aiohttp.GunicornWebWorker"'}),
    Row("another worker", "import", "adopt: the app is none\nadopt: apps besides: server",
        {"gunicorn.conf.py": 'wsgi_app = "shop:server"'}),
    Row("a library", "import", "ImportError: libodbc.so.2: cannot open shared object file: No such file or directory",
        {"Dockerfile": "\nRUN apt-get update && apt-get install --yes --no-install-recommends libodbc2 && rm -rf"}),
    Row("a library", "start",
        "OSError: cannot load library 'libgobject-2.0-0': libgobject-2.0-0: cannot open shared object file",
        {"Dockerfile": " libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core && rm"}),
    Row("a library", "build",
        "ImportError: no pq wrapper available.\n" + BUILD.format("python manage.py collectstatic --no-input"),
        {"Dockerfile": "\nRUN apt-get update && apt-get install --yes --no-install-recommends libpq5 && rm -rf"}),
    Row("a program", "page", "FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'",
        {"Dockerfile": "--no-install-recommends ffmpeg && rm"}),
    Row("the package tests", "import", "ModuleNotFoundError: No module named 'tests.questions'",
        {"Dockerfile": " . ; chmod -R a+rX .\n"}),
    Row("its own metadata", "import", "importlib.metadata.PackageNotFoundError: No package metadata was found for shop",
        {"Dockerfile": "\nRUN --mount=type=bind,target=.,rw uv pip install", ".dockerignore": "\n!README.md\n"},
        {"shop/__init__.py": "import flask\napp = flask.Flask(__name__)",
         "pyproject.toml": '[project]\nname = "shop"\nreadme = "README.md"\n', "README.md": "A shop"}),
    Row("a package that asks for the project itself", "build",
        "error: Hash-checking is required, but no trusted hash was provided for: `Shop`",
        {"Dockerfile": "uv pip install --no-deps --require-hashes -r requirements-dev.txt"},
        {"shop/__init__.py": "import flask\napp = flask.Flask(__name__)",
         "pyproject.toml": '[project]\nname = "shop"\n'}),
    Row("a package from Git", "build",
        "In `--require-hashes` mode, all requirements must have a hash, but none were provided for: a @ git+https://b@c",
        {"Dockerfile": "\nRUN apt-get update && apt-get install --yes --no-install-recommends build-essential git\n"}),
    Row("a package from Git", "build", "none were provided for: a @ git+https://b@c",
        {"Dockerfile": "uv pip install --verify-hashes -r requirements-dev.txt\n"}),
    Row("a project that is no package", "build",
        "error: Failed to build `shop @ file:///app`\n" + BUILD.format("uv pip install --no-deps ."),
        {"Dockerfile": "\n# RUN --mount=type=bind,target=.,rw uv pip install --no-deps ."},
        before=lambda draft: draft.uncomment("Dockerfile", "# RUN --mount=type=bind,target=.,rw")),
    Row("a module elsewhere in the project", "import", "ModuleNotFoundError: No module named 'prices'",
        {"Dockerfile": "PYTHONPATH=/app:/app/src:/app/libs\n"}, FLASK | {"libs/prices.py": ""}),
    Row("a module elsewhere in the project", "import", "ModuleNotFoundError: No module named 'shop_conf'",
        {"Dockerfile": "\nRUN cp conf/shop.py.template shop_conf.py\n"},
        FLASK | {"conf/shop.py.template": "", "Dockerfile.old": "COPY conf/shop.py.template shop_conf.py\n"}),
    Row("a package", "import", "ModuleNotFoundError: No module named 'debug_toolbar'",
        {"requirements.in": "django-debug-toolbar==4\n"},
        FLASK | {"requirements-dev.txt": "django-debug-toolbar==4\n"}),
    Row("a package", "start", 'RuntimeError: Form data requires "python-multipart" to be installed.',
        {"requirements.in": "gunicorn\npython-multipart\n"}),
    Row("a variable of the old compose file", "build",
        "error while interpolating: required variable SHOP_KEY is missing a value",
        {"compose.yaml": "\n    SHOP_KEY: ${SHOP_KEY:?}\n"}),
    Row("settings of pydantic's", "import",
        "pydantic_core.ValidationError: 1 validation error for Settings\nmail_server\n  Field required [type=missing]",
        {"compose.yaml": "\n    SHOP_MAIL_SERVER: ${SHOP_MAIL_SERVER:?}\n"},
        FLASK | {"shop/settings.py": 'model_config = {"env_prefix": "SHOP_"}\nenv_prefix = "SHOP_"'}),
    Row("settings of pydantic's", "import",
        "pydantic_core.ValidationError: 1 validation error for Settings\n  Value error, Sentry is not set [type=value]",
        {"compose.yaml": "\n    SENTRY_DSN: ${SENTRY_DSN:?}\n"},
        FLASK | {"shop/settings.py": "class Settings(BaseSettings):\n    NOT: int\n    SENTRY_DSN: str = ''"}),
    Row("a variable", "import", "KeyError: 'DATABASE_URL'",
        {"compose.yaml": "\n  environment:\n    DATABASE_URL: ${DATABASE_URL:?}\n"}),
    Row("a variable", "start", "django.core.exceptions.ImproperlyConfigured: Set the API_TOKEN environment variable",
        {"compose.yaml": "\n    API_TOKEN: ${API_TOKEN:?}\n"}),
    Row("the key of Django or Flask", "import",
        "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.",
        {"compose.yaml": "\n    DJANGO_SECRET_KEY: ${DJANGO_SECRET_KEY:?}\n"}, DJANGO),
    Row("the key of Django or Flask", "start",
        "ERROR: server.secret_key is not changed. Please use something else instead of a sample",
        {"compose.yaml": "\n    SHOP_SECRET: ${SHOP_SECRET:?}\n"},
        FLASK | {"shop/settings.py": "Value(str, environ_name='SHOP_SECRET')"}),
    Row("another type of a variable", "import",
        "Traceback (most recent call last)\n  int(os.environ['SEATS'])\nValueError: invalid literal for int()",
        before=lambda draft: draft.demand("SEATS", "x")),
    Row("a sample of a secret", "start",
        'ValidationError: 1\n  Value error, The value of SECRET_KEY is "changethis", for security, please change it',
        {".env": "KEY=for-this-trial-only-xxxx"}, FLASK | {".env": 'SHOP_KEY="changethis"\nDEBUG=changethis-not\n'}),
    Row("a host that Django does not know", "page", "Invalid HTTP_HOST header: '127.0.0.1:8000'.",
        {"compose.yaml": "\n    ALLOWED_HOSTS: ${ALLOWED_HOSTS:?}\n"}, DJANGO),
    Row("static files under hashed names", "page", "ValueError: Missing staticfiles manifest entry for 'a.css'",
        {"Dockerfile": "only DJANGO_SETTINGS_MODULE=site.settings.live python manage.py collectstatic --no-input\n"},
        DJANGO),
    Row("static files compressed in advance", "page",
        'compressor.exceptions.OfflineGenerationError: You have offline compression enabled but key "a" is missing',
        {"Dockerfile": "only DJANGO_SETTINGS_MODULE=site.settings.live python manage.py compress --force\n"}, DJANGO),
    Row("a place that is read-only", "start", "OSError: [Errno 30] Read-only file system: '/app/instance'",
        {"Dockerfile": "install -d -o 10001 /app/instance\n", "compose.yaml": '\n  volumes: ["data:/app/instance"]'}),
    Row("a place that is read-only", "import",
        "OSError: [Errno 30] Read-only file system: '/app/css/a.css' -> '/app/built/a.1f.css'",
        {"Dockerfile": "install -d -o 10001 /app/built\n"}),
    Row("a place that is read-only", "start", "OSError: [Errno 30] Read-only file system: 'shop.log'",
        {'Dockerfile': '\nRUN ln -sf /data/shop.log shop.log\n', 'compose.yaml': '\nvolumes: { data: }\n'}),
    Row("a place that is read-only", "start", "PermissionError: [Errno 13] Permission denied: '/app/shop.log'",
        {"Dockerfile": "collectstatic --no-input\nRUN ln -sf /data/shop.log shop.log\nENV HOME="}),
    Row("a database of SQLite's", "page",
        "adopt: sqlite3 opens /app/db.sqlite3\ndjango.db.utils.OperationalError: unable to open database file",
        {"Dockerfile": "\nRUN ln -sf /data/db.sqlite3 db.sqlite3\n", "compose.yaml": '\n  volumes: ["data:/data"]'}),
    Row("a database of SQLite's", "migrate",
        "adopt: sqlite3 opens /data/db.sqlite3\ndjango.db.utils.OperationalError: unable to open database file",
        {"compose.yaml": '\n  volumes: ["data:/data"]'}),
    Row("no table", "page", "django.db.utils.OperationalError: no such table: shop_order",
        {"compose.yaml": "\n  migrate:\n    <<: *app\n    profiles: [migrate]\n    command: python manage.py"}, DJANGO),
    Row("no table", "start", "asyncpg.exceptions.UndefinedTableError: relation \"users\" does not exist",
        {"compose.yaml": "\n    command: litestar --app shop:app database upgrade --no-prompt\n"},
        {"shop.py": "app = Litestar()", "requirements.txt": "litestar\n", "db/migrations/env.py": ""}),
    Row("a file that the image has not", "import",
        "FileNotFoundError: [Errno 2] No such file or directory: '/app/README.md'", {".dockerignore": "\n!README.md\n"},
        FLASK | {"README.md": "A shop"}),
    Row("a file that the image has not", "import",
        "FileNotFoundError: [Errno 2] No such file or directory: '/config/shop.cfg'",
        {"Dockerfile": "\nCOPY conf/shop-dev.cfg /config/shop.cfg\nENV HOME="},
        FLASK | {"conf/shop-dev.cfg": "", "docker-compose.yml": "services: {web: {build: ., ports: [80], volumes: "
                 "[data:/data, {type: bind, source: ./conf/shop-dev.cfg, target: /config/shop.cfg}]}}"},
        before=lambda draft: (draft.folder / "compose.yaml").rename(draft.folder / "new.yaml")),
    Row("an empty directory", "import", "RuntimeError: Frontend directory '/app/static' does not exist",
        {"Dockerfile": "\nRUN mkdir -p static\n"}),
    Row("an empty directory", "start", "FileNotFoundError: Config file '/app/src/core/../.env' not found.",
        {"Dockerfile": "\nRUN touch src/.env\n"}, FLASK | {"src/.env": "A=1\n"}),
    Row("a database that each worker prepares", "start",
        "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) table shop_orders already exists",
        {"compose.yaml": "\n    WORKERS: 1\n"}),
    Row("memory", "start", "Worker (pid:7) was sent SIGKILL! Perhaps out of memory?", {"compose.yaml": "{MEMORY:-1g}"}),
    Row("a variable that a failing line names", "import",
        "Traceback (most recent call last):\n    url = os.getenv('SHOP_URL').strip()\nAttributeError: 'NoneType'",
        {"compose.yaml": "\n    SHOP_URL: ${SHOP_URL:?}\n"},
        FLASK | {"shop/urls.py": "url = os.getenv('SHOP_URL').strip()"}),
    Row("a package that is newer than the code", "start",
        "Traceback (most recent call last):\nImportError: cannot import name 'Markup' from 'flask' (/venv/x.py)",
        {"Dockerfile": "\nFROM python:3.12-slim-trixie AS base\n"}, before=lambda draft: in_2023(draft.folder)),
    Row("a package that is newer than the code", "start",
        'File "/venv/lib/python3.14/site-packages/sqlalchemy/x.py", line 4\n    import psycopg\n'
        "ModuleNotFoundError: No module named 'psycopg'",
        {"Dockerfile": "\nFROM python:3.12-slim-trixie AS base\n"}, before=lambda draft: in_2023(draft.folder)),
    Row("static files that cannot be collected", "build",
        BUILD.format("SECRET_KEY=for-this-line-only python manage.py collectstatic --no-input"),
        {"Dockerfile": "\n# RUN SECRET_KEY="}, before=lambda draft: draft.uncomment("Dockerfile", "# RUN SECRET_KEY=")),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_changes_the_lines_that_it_is_about(row: Row, tmp_path: Path) -> None:
    draft = draft_of(tmp_path, row.files)
    row.before(draft)
    before = draft.state()
    lines = [(tmp_path / name, line) for name, line in row.lines.items()]
    assert not lines or not all(file.exists() and line in file.read_text() for file, line in lines)
    failure = Failure(row.stage, row.log)
    done = mend(draft, failure)
    (remedy,) = (remedy for remedy in REMEDIES if remedy.name == row.name)
    assert done.endswith(f"({remedy.taught})"), done
    assert draft.state() != before
    for file, line in lines:
        assert line in file.read_text(), file.read_text()
    assert mend(draft, failure) != done, "it is done once"


def test_each_row_has_its_test() -> None:
    """But for the one that asks who keeps the packages."""
    assert {row.name for row in ROWS} == {remedy.name for remedy in REMEDIES} - {"a lock that does not fit"}


def test_each_row_is_taught_where_it_says() -> None:
    for remedy in REMEDIES:
        page, _, title = remedy.taught.partition(", ")
        text = (ROOT / page).read_text()
        assert f"\n## {title}\n" in text or f"\n## The {title}\n" in text, remedy.taught


def test_a_database_that_git_has_is_brought_back_and_no_other(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, FLASK | {"airports.sqlite3": "", "mine.sqlite3": ""})
    for command in (["init", "--quiet"], ["add", "airports.sqlite3"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    log = "adopt: sqlite3 opens /app/{}.sqlite3\nsqlite3.OperationalError: unable to open database file"
    assert "!airports.sqlite3" in mend(draft, Failure("page", log.format("airports")))
    assert draft.read(".dockerignore").endswith("\n!airports.sqlite3\n")
    assert "a link to /data" in mend(draft, Failure("page", log.format("mine")))
    assert "mine.sqlite3 /data/" not in draft.read("Dockerfile"), "the image has none"
    # It is written to, besides: the volume begins with what Git has.
    assert "a link to /data" in mend(draft, Failure("page", log.format("airports")))
    assert "\nCOPY --chown=10001 airports.sqlite3 /data/\n" in draft.read("Dockerfile")


WORKSPACE = {
    "pyproject.toml": '[tool.uv.workspace]\nmembers = ["*"]\n',
    "emails/pyproject.toml": '[project]\nname = "emails"\n',
    "backend/pyproject.toml": '[project]\nname = "shop-api"\n',
    "backend/shop/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
}
# fmt: off
ADDED = {  # by whom: a project's files, and the command for uvicorn-worker and a gunicorn
    "the package of a workspace that is the app": (WORKSPACE,
        "uv add --no-sync --package shop-api 'uvicorn-worker' 'gunicorn>=23'"),
    "the root of a workspace that is a package": (
        WORKSPACE | {"pyproject.toml": f'[project]\nname = "root"\n{WORKSPACE["pyproject.toml"]}'},
        "uv add --no-sync 'uvicorn-worker' 'gunicorn>=23'"),
    "Poetry, which may take any version": (FLASK | {"poetry.lock": ""},
        "poetry add --lock 'uvicorn-worker>=0' 'gunicorn>=23'"),
}
# fmt: on


@pytest.mark.parametrize(("files", "command"), ADDED.values(), ids=ADDED)
def test_a_server_is_added_by_who_keeps_the_packages(
    files: dict[str, str], command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[str] = []
    monkeypatch.setattr("adopt.draft.run_beside", lambda _folder, _base, commands, _debian: run.extend(commands))
    draft_of(tmp_path, files).add_packages(["uvicorn-worker", "gunicorn>=23"])
    assert run == [command]


def test_what_nobody_knows_changes_nothing(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, FLASK)
    in_2023(draft.folder)
    before = draft.state()
    assert mend(draft, Failure("start", "Traceback (most recent call last)\nValueError: the moon is full")) == ""
    assert mend(draft, Failure("start", "File \"/app/shop.py\"\nModuleNotFoundError: No module named 'moon'")) == ""
    denied = "PermissionError: [Errno 13] Permission denied: '/run/secrets/key'"
    assert mend(draft, Failure("start", denied)) == "", "it may be a secret that is root's"
    assert draft.state() == before


def test_an_address_of_a_scheme_that_the_app_wants_is_the_example(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, FLASK | {".env.example": "DB=postgresql+asyncpg://me@localhost/shop\n"})
    draft.demand("DB", "sqlite:////tmp/adopt.db")
    wants = "DB\n  URL scheme should be 'postgresql', 'postgresql+asyncpg' or 'postgresql+psycopg' [type=url_scheme]"
    assert mend(draft, Failure("import", wants))
    assert draft.made_up == {"DB": "postgresql+asyncpg://me@localhost/shop"}
    draft.made_up["DB_OF_ORDERS"] = "http://localhost"
    assert mend(draft, Failure("import", wants.replace("DB", "DB_OF_ORDERS")))
    assert draft.made_up["DB_OF_ORDERS"] == "postgresql://app:app@localhost:5432/app"


def test_several_directories_get_a_volume_each(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, FLASK)
    for path in ("/app/instance", "/app/uploads/2026"):
        assert mend(draft, Failure("start", f"OSError: [Errno 30] Read-only file system: '{path}'"))
    text = draft.read("compose.yaml")
    assert '\n  volumes: ["uploads-2026:/app/uploads/2026", "data:/app/instance"]' in text
    assert "\nvolumes: { uploads-2026: , data: }\n" in text
    assert "install -d -o 10001 /app/uploads/2026 /app/instance\n" in draft.read("Dockerfile")
    assert mend(draft, Failure("start", "OSError: [Errno 30] Read-only file system: '/app/shop.sqlite'"))
    assert yaml.safe_load(draft.read("compose.yaml"))["volumes"].keys() == {"data", "files", "uploads-2026"}
    assert '"files:/data"' in draft.read("compose.yaml")


CHAIN = """Traceback (most recent call last):
  File "shop.py"
KeyError: 'A'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "shop.py"
ValueError: B"""
BUILDKIT = """#9 [build 4/4] RUN uv pip install
#9 1.2 error: no such package
#9 ERROR: process "/bin/sh" did not complete successfully: exit code: 1
target web: failed to solve: process "/bin/sh" did not complete successfully: exit code: 1"""


# fmt: off
CAUSES = [
    (CHAIN, "KeyError: 'A'"),
    ("error: No solution\n  cause: Because x", "Because x"),
    (BUILDKIT, "error: no such package"),
    ("(Background on this error: e3q8)\nsqlite3.OperationalError: it exists", "sqlite3.OperationalError: it exists"),
    ("#9 error: Failed to build `psycopg2==2.7.3`\n#9 psycopg/utils.c:8:5: error: lvalue required",
     "psycopg2==2.7.3 cannot be built: psycopg/utils.c:8:5: error: lvalue required"),
    ("error: Failed to build `markupsafe==1.0`\nTraceback (most recent call last):\n  a\nImportError: x",
     "markupsafe==1.0 cannot be built: ImportError: x"),
    ("pydantic.ValidationError: 1 validation error for S\nkey\n  it is short\n  see",
     "pydantic.ValidationError: 1 validation error for S key it is short"),
    ("Traceback (most recent call last):\n  a\nResolver404: {}\n\n" + CHAIN, "KeyError: 'A'"),
    ("it stopped", "it stopped"),
]
# fmt: on


@pytest.mark.parametrize(("log", "cause"), CAUSES)
def test_the_cause_is_the_first_line_of_the_real_one(log: str, cause: str) -> None:
    assert Failure("build", log).cause == cause


PACKAGE = '[project]\nname = "shop"\n[build-system]\nrequires = []\n'
SERVED = {"site/settings/live.py": "STATIC_ROOT = 'static'\nMIDDLEWARE = ['whitenoise.middleware.X']\n"}
READS = "\nfrom importlib import resources\nTEXT = resources.files('shop') / 'a.csv'\n"
PREPARES = FLASK | {"migrations/env.py": ""}
MIGRATE = ("compose.yaml", "\n    command: flask --app shop:app db upgrade\n")
# fmt: off
FORESEEN = {  # what a project is or has: its files, and a line of one of final's
    "a command of its own": (
        {"shop.py": FLASK["shop/__init__.py"], "pyproject.toml": f'{PACKAGE}[project.scripts]\nreport = "shop:a"\n'},
        "Dockerfile", "\nRUN --mount=type=bind,target=.,rw uv pip install --no-deps . && rm "),
    "a file beside its code": (
        {"shop/__init__.py": FLASK["shop/__init__.py"] + READS, "pyproject.toml": PACKAGE},
        "Dockerfile", "\n# RUN --mount=type=bind,target=.,rw uv pip install --no-deps . && rm "),
    "Prometheus": (
        FLASK | {"shop/__init__.py": FLASK["shop/__init__.py"] + "\nMultiProcessCollector(registry)\n"},
        "gunicorn.conf.py", '\nos.environ["PROMETHEUS_MULTIPROC_DIR"] = '),
    "a start script that migrates": (PREPARES | {"boot.sh": "# flask db upgrade\nflask db upgrade\n"}, *MIGRATE),
    "one that did": (PREPARES | {"boot.sh": "# flask db upgrade\n"}, "compose.yaml", "\n  # migrate:\n"),
    "one above a folder of a repository": (
        PREPARES | {"../.git/HEAD": "", "../docker/backend/entrypoint.sh": "flask db upgrade\n"}, *MIGRATE),
    "static files that WhiteNoise serves": (
        DJANGO | SERVED, "Dockerfile",
        "\nRUN SECRET_KEY=for-this-line-only DJANGO_SETTINGS_MODULE=site.settings.live "),
    "static files that Git has": (
        DJANGO | SERVED | {"static/staticfiles.json": "{}"}, "Dockerfile", "\n# RUN SECRET_KEY=for-this-line-only "),
    "settings for production": (DJANGO, "compose.yaml", "\n    DJANGO_SETTINGS_MODULE: site.settings.live\n"),
}
# fmt: on


@pytest.mark.parametrize(("files", "name", "line"), FORESEEN.values(), ids=FORESEEN)
def test_what_would_be_missing_silently_is_foreseen(
    files: dict[str, str], name: str, line: str, tmp_path: Path
) -> None:
    draft = draft_of(tmp_path / "shop", files)
    foresee(draft)
    assert line in draft.read(name)
    assert draft.commands == ["flask --app shop:app db upgrade"] * (line == MIGRATE[1])
    assert draft.hoped == "".join(draft.commands)
    compile(draft.read("gunicorn.conf.py"), "gunicorn.conf.py", "exec")


def test_the_settings_are_those_of_the_dockerfile_that_final_s_replaces(tmp_path: Path) -> None:
    draft = draft_of(tmp_path / "copy", DJANGO)
    old = {"Dockerfile": "ENV DJANGO_SETTINGS_MODULE=site.settings.production\n"}
    draft.project = write_files(tmp_path / "project", DJANGO | old)
    foresee(draft)
    assert "\n    DJANGO_SETTINGS_MODULE: site.settings.production\n" in draft.read("compose.yaml")


def test_what_node_builds_is_not_in_this_image(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, FLASK | {"docker/default.Dockerfile": "FROM docker.io/node:24 AS js\n"})
    foresee(draft)
    assert draft.node == "docker.io/node:24"


def test_a_database_of_the_old_compose_file_stays_beside_the_app(tmp_path: Path) -> None:
    old = """services:
  proxy: {image: nginx, ports: ["80:80"]}
  web:
    build: .
    environment: [DATABASE_URL=postgres://shop@db/shop, FLASK_DEBUG=1]
    depends_on: [db]
  db:
    image: postgres:17
    ports: ["5432:5432"]
    volumes: ["db-data:/var/lib/postgresql/data", "./seed:/docker-entrypoint-initdb.d"]
    environment: {POSTGRES_USER: shop}
volumes: {db-data: }
"""
    draft = draft_of(tmp_path / "copy", FLASK)
    draft.project = tmp_path
    (tmp_path / "docker-compose.yml").write_text(old)
    draft.bring_services(["CACHE_URL", "CACHE_TTL"])
    draft.keep("/data")
    compose = yaml.safe_load(draft.read("compose.yaml"))
    assert set(compose["services"]) == {"web", "test", "db"}
    database, web = compose["services"]["db"], compose["services"]["web"]
    assert database.keys() == {"image", "environment", "volumes", "healthcheck", "restart", "logging"}
    assert [database[name] for name in ("restart", "logging")] == [web[name] for name in ("restart", "logging")]
    seed = "./seed:/docker-entrypoint-initdb.d"
    assert database["volumes"] == ["db-data:/var/lib/postgresql/data", seed]
    assert compose["services"]["web"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert compose["services"]["web"]["environment"] == {"DATABASE_URL": "postgres://shop@db/shop"}
    assert set(compose["volumes"]) == {"db-data", "data"}


def test_an_old_compose_file_may_lie_in_a_folder_and_its_variables_in_a_sample(tmp_path: Path) -> None:
    old = """services:
  worker: {build: .., command: "bash -c 'sleep 3 && celery -A shop  worker -B'"}
  shop: {build: {context: ..}, env_file: [../shop.env], environment: {CACHE: "redis://cache"}, ports: ["8000:80"]}
  cache: {image: "redis:8", env_file: ../missing.env}
  db: {image: "postgres:17", env_file: [../missing.env], environment: ["PGUSER=$A", "PGDATABASE=${B}", "C=${C:-1}"]}
"""
    draft = draft_of(tmp_path / "copy", FLASK)
    draft.project = tmp_path / "project"
    write_files(draft.project, {"deploy/docker-compose.yml": old, "shop.env.example": "A=1\n"})
    draft.bring_services(["CACHE_URL", "CACHE_TTL"])
    compose = yaml.safe_load(draft.read("compose.yaml"))
    worker = "celery -A shop worker -B --concurrency=2 --schedule=/tmp/celerybeat-schedule"
    assert compose["services"]["worker"]["command"] == worker
    assert compose["services"]["worker"]["depends_on"].keys() == {"cache", "db"}
    assert compose["services"]["db"]["environment"] == ["PGUSER=${A:?}", "PGDATABASE=${B:?}", "C=${C:-1}"]
    assert draft.made_up == {"A": "1", "B": "app"}
    assert compose["services"]["cache"] == {"image": "redis:8", "env_file": ["missing.env"], **AS_THE_APP}
    assert compose["services"]["web"]["env_file"] == ["shop.env"]
    assert compose["services"]["web"]["environment"] == {"CACHE": "redis://cache"}
    assert draft.read("shop.env") == "A=1\n"
    assert draft.samples == {"missing.env": "made-up values", "shop.env": "shop.env.example"}
    account = "POSTGRES_USER=app\nPOSTGRES_PASSWORD=app\nPOSTGRES_DB=app\n"
    assert draft.given == {"A", "CACHE"}
    assert mend(draft, Failure("import", "KeyError: 'CACHE'")) == ""
    assert draft.read("missing.env") == f"CACHE_URL=redis://cache:6379/0\n{account}"


def test_an_old_compose_file_may_lie_above_a_folder_of_a_repository(tmp_path: Path) -> None:
    old = """services:
  backend: {build: ., env_file: [.env.docker, {path: .env.local, required: false}], ports: ["8000:80"]}
  db: {image: "postgres:17", env_file: [.env.docker], volumes: ["./db/init.sql:/docker-entrypoint-initdb.d/1.sql"]}
"""
    draft = draft_of(tmp_path / "copies/backend", FLASK)
    draft.project = tmp_path / "shop/backend"
    files = {"docker-compose.yml": old, ".env.docker": "DBHOST=db\n", "db/init.sql": "", "backend/requirements.txt": ""}
    write_files(tmp_path / "shop", files)
    draft.bring_services([])
    assert "  db:" not in draft.read("compose.yaml"), "it is no repository"
    (tmp_path / "shop/.git").mkdir()
    draft.bring_services([])
    services = yaml.safe_load(draft.read("compose.yaml"))["services"]
    assert services["web"]["env_file"] == services["db"]["env_file"] == ["../.env.docker"]
    assert services["db"]["volumes"] == ["../db/init.sql:/docker-entrypoint-initdb.d/1.sql"]
    assert draft.given == {"DBHOST"}
    assert not draft.samples
    for name in (".env.docker", "db/init.sql"):
        assert (tmp_path / "copies" / name).is_file(), "the trial has it, too"


def test_of_several_old_compose_files_one_is_taken_that_builds_the_app(tmp_path: Path) -> None:
    infra = "services: {db: {image: 'postgres:17'}}"
    whole = "services: {app: {build: .}, store: {image: 'redis:8'}}"
    write_files(tmp_path / "tools/deploy", {"docker-compose.infra.yml": infra, "docker-compose.yml": whole})
    assert beside(tmp_path)[0].keys() == {"store"}


def test_the_names_that_code_reads_are_those_of_variables(tmp_path: Path) -> None:
    code = "a = config('SHOP_URL')\nb = app.config['SHOP_FILE']\nc = environ['SHOP_KEY']\nd = env.bool('SHOP_OPEN')\n"
    (tmp_path / "shop.py").write_text(code)
    assert names_read(tmp_path).keys() == {"SHOP_URL", "SHOP_KEY", "SHOP_OPEN"}


def test_a_value_is_the_example_or_one_of_its_kind() -> None:
    assert value_for("DATABASE_URL", "postgres://db/shop") == "sqlite:////tmp/adopt.db", "nothing answers there"
    dsn = "postgresql+asyncpg://a:b@{}:5432/c"
    assert value_for("POSTGRES_DSN", dsn.format("db")) == dsn.format("localhost")
    assert value_for("LANGUAGE", "en") == "en"
    assert value_for("SMTP_PORT") == "30"


def test_a_directory_outside_the_code_is_not_looked_for_on_this_machine(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, FLASK)
    here = write_files(tmp_path / "uploads", {"a.txt": ""})
    assert draft.keep(str(here))
    assert f"install -d -o 10001 {here}\n" in draft.read("Dockerfile")
    assert "RUN chown" not in draft.read("Dockerfile")
