"""What a project's files say: who keeps its packages, the version of Python, the app, and where its modules are.

It only reads. `adopt.trial` shows what is not true, and `adopt.remedies` what is done about it.
"""

import ast
import codecs
import os
import re
import shlex
import subprocess
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from library.dockerfile import OF_PYTHON, Dockerfile
from library.subject import NOT_CODE
from score.composing import Unusable

from . import hooks

OLDEST = 11  # the oldest version of Python 3 that is tried in the place of final's
FIRST_DAY = "2010"  # an archive may have no times
FACTORIES = ("create_app", "make_app", "get_app", "build_app", "app_factory", "create_application", "get_application")
# Where an app usually is, if several modules have one, and how it is called.
MODULES = ("wsgi", "asgi", "main", "app", "server", "run", "api")
OBJECTS = ("app", "application", "api", "server")
# They make apps; what else makes one, the image shows (`trial.APP_KIND`).
CLASSES = {"Flask": "flask", "FastAPI": "fastapi", "get_wsgi_application": "django", "get_asgi_application": "django"}
# Packages whose apps are served by uvicorn's worker.
ASGI = {"blacksheep", "channels", "connexion", "fastapi", "litestar", "quart", "sanic", "starlette"}
NO_APPS = {"APIRouter", "Blueprint", "Celery", "Client", "Namespace", "SQLAlchemy", "Typer"}
# Where somebody has written down how the app is started, in the order in which they are believed.
STARTED_BY = (
    "gunicorn.conf.py", "Procfile", "render.yaml", "fly.toml", "railway.*", "app.yaml", "nixpacks.toml",
    "*Dockerfile*", "*/*Dockerfile*", "*/*/*Dockerfile*", "*/*/*/*Dockerfile*",
    "compose*.y*ml", "docker-compose*.y*ml", ".flaskenv",
    "*.sh", "*/*.sh", "*/*/*.sh", "supervisord.conf", "*/supervisord.conf", "*uwsgi.ini", "*/*uwsgi.ini",
)  # fmt: skip
USUAL_INDEX = r"(?:-i|--index-url)[ =]+https://pypi\.(?:python\.)?org/simple/? *$"
LISTS = ("requirements.in", "requirements.txt")
# A list of another name, or in a folder: what runs in production comes first.
OTHER_LISTS = [f"requirements/{name}.{end}" for name in ("production", "prod", "base", "main") for end in ("in", "txt")]
DEV_LISTS = [  # of what the tests need: first what final's files call it
    "requirements-dev.txt", "requirements/local.txt", "requirements/dev.txt", "requirements/development.txt",
    "requirements/test.txt", "requirements_dev.txt", "dev-requirements.txt", "requirements-test.txt",
    "test-requirements.txt",
]  # fmt: skip


@dataclass(frozen=True)
class Manager:
    """Who keeps a project's packages, and the commands for that, as final's article says."""

    name: str
    add: str  # a package
    export: tuple[str, ...]  # writes requirements.txt and requirements-dev.txt
    locks: tuple[str, ...]  # the files that are its own
    lock: str = ""  # makes a lock anew that these do not accept, with the versions of the old one


POETRY = Manager(
    "Poetry",
    "poetry add --lock {}",
    ("poetry export --output requirements.txt", "poetry export --all-groups --output requirements-dev.txt"),
    ("poetry.lock", "pyproject.toml"),
    "poetry lock",
)
# What the hook runs, but that this makes the lock, too, where there is none yet.
UV_EXPORT = tuple(command.replace("--locked ", "") for command in hooks.commands(hooks.OF_UV))
UV = Manager("uv", "uv add --no-sync {}", UV_EXPORT, ("uv.lock", "pyproject.toml"))
# uv runs those that final's files do not name. Without a lock, Pipenv's list is empty. It stops where the Pipfile names
# another Python than the one that is there, unless it is told which to take.
RUN_PIPENV = "uvx pipenv@2026.10.3"
PIPENV = Manager(
    "Pipenv",
    f"{RUN_PIPENV} upgrade --python python3 {{}}",
    (
        f"{{ test -f Pipfile.lock || {RUN_PIPENV} lock --python python3; }}",
        f"{RUN_PIPENV} requirements --hash >requirements.txt",
        f"{RUN_PIPENV} requirements --hash --dev >requirements-dev.txt",
    ),
    ("Pipfile.lock", "Pipfile"),
)
# It asks for hishel>=1.4, and does not work with hishel 2. A lock without markers is none that it exports.
RUN_PDM = "uvx --with 'hishel<2' pdm@2.29.4"
PDM = Manager(
    "PDM",
    f"{RUN_PDM} add --no-sync {{}}",
    (
        f"{RUN_PDM} export --prod --format requirements --output requirements.txt",
        f"{RUN_PDM} export --format requirements --output requirements-dev.txt",
    ),
    ("pdm.lock", "pyproject.toml"),
    f"{RUN_PDM} lock --update-reuse --strategy inherit_metadata",
)
MANAGERS = {"poetry": POETRY, "uv": UV, "pipenv": PIPENV, "pdm": PDM, "list": None}


def text_of(file: Path) -> str:
    """What a text file says, in the encoding that its byte order mark names, or UTF-8, or that of Windows."""
    content = file.read_bytes()
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n")


def pyproject(project: Path) -> dict[str, Any]:
    return read_toml(project / "pyproject.toml")


def read_toml(file: Path) -> dict[str, Any]:
    """A file's tables, none where it is missing; Unusable where it is not TOML."""
    try:
        return tomllib.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Unusable(f"{file.name}: {error}") from error


def find_manager(project: Path, wanted: str = "") -> Manager | None:
    """Who keeps the packages of a project, or who is wanted for that; None for a plain list.

    Raises:
        Unusable: nothing names the project's packages, or several locks do.
    """
    if wanted:
        if wanted.lower() not in MANAGERS:
            raise Unusable(f"MANAGER is one of {', '.join(MANAGERS)}, not {wanted}")
        return MANAGERS[wanted.lower()]
    table = pyproject(project)
    backend = str(table.get("build-system", {}).get("build-backend", ""))
    keepers = {name: keeper for name, keeper in MANAGERS.items() if keeper and (project / keeper.locks[0]).exists()}
    if len(keepers) > 1:
        locks = " and ".join(keeper.locks[0] for keeper in keepers.values())
        raise Unusable(f"{locks} are there: who keeps the packages, MANAGER={' or MANAGER='.join(keepers)}?")
    if keepers:
        return next(iter(keepers.values()))
    if list_of(project):
        return None
    if (project / "Pipfile").exists():
        return PIPENV
    if "poetry" in table.get("tool", {}) or backend.startswith("poetry"):
        return POETRY
    if "project" in table or workspace(project):
        return UV
    if (project / "setup.py").exists():
        return None
    names = ("pyproject.toml", "Pipfile", "requirements.txt")
    below = sorted(file.parent for name in names for file in project.glob(f"*/{name}"))
    hint = f", as {below[0].name} has: PROJECT={below[0]}" if below else ""
    raise Unusable(f"nothing names the project's packages: it needs a pyproject.toml or a requirements.txt{hint}")


def repository(project: Path) -> Path:
    """The top of the repository that a project is a folder of, at most three levels down; else the project itself."""
    return next((top for top in (project, *project.parents[:3]) if (top / ".git").exists()), project)


def list_of(project: Path) -> Path | None:
    """The plain list of what runs in production: the source of a compiled one, if there is a source."""
    lists = [path for name in (*LISTS, *OTHER_LISTS) if (path := project / name).is_file()]
    if not lists and not any((project / name).exists() for name in ("pyproject.toml", "Pipfile", "setup.py")):
        # The whole project may lie in a folder, beside one for nginx, say.
        below = [*project.glob("*/requirements.txt"), *project.glob("*/*/requirements.txt")]
        lists = below if len(below) == 1 else []
    return lists[0] if lists else None


def workspace(project: Path) -> list[Path]:
    """The packages of a uv workspace besides its root; none where the project is none."""
    table = pyproject(project).get("tool", {}).get("uv", {}).get("workspace", {})
    left_out = {path for pattern in table.get("exclude", ()) for path in project.glob(pattern)}
    members = {path for pattern in table.get("members", ()) for path in project.glob(pattern)} - left_out
    return sorted(path for path in members - {project} if (path / "pyproject.toml").exists())


def local_packages(project: Path) -> list[Path]:
    """The folders of a project that its lists or its pyproject.toml name as packages of their own, in any spelling."""
    table = pyproject(project)
    tool = table.get("tool", {})
    uv, poetry = tool.get("uv", {}).get("sources", {}), tool.get("poetry", {}).get("dependencies", {})
    named = [entry.get("path", "") for entry in (*uv.values(), *poetry.values()) if isinstance(entry, dict)]
    for requirement in table.get("project", {}).get("dependencies", ()):
        named += re.findall(r"@\s*(?:file:)?(\.\.?/\S+)", str(requirement))
    for line in list_lines(project):
        named += re.findall(r"^(?:-e|--editable)?[ =]*(?:[\w.-]+ *@ *)?(?:file:)?(\.(?:/\S*)?)(?:\[.*)?$", line)
    folders = {(project / name).resolve() for name in named if name}
    inside = (path for path in folders if path.is_dir() and path.is_relative_to(project.resolve()))
    return sorted(project / path.relative_to(project.resolve()) for path in inside)


def roots(project: Path) -> list[Path]:
    """The directories that modules are imported from: the project and its src, and those of packages within it."""
    members = [path for path in (*workspace(project), *local_packages(project)) if path != project]
    folders = [member / "src" if (member / "src").is_dir() else member for member in members]
    return list(dict.fromkeys(path for path in (project, project / "src", *folders) if path.is_dir()))


def list_lines(project: Path, file: Path | None = None) -> Iterator[str]:
    """The lines of the plain list, and of those that it includes."""
    file = file or list_of(project)
    if not file or not file.is_file():
        return
    for line in text_of(file).splitlines():
        included = re.match(r"\s*(?:-r|--requirement)[ =]*(\S+)", line)
        if included and (file.parent / included[1]).resolve() != file.resolve():
            yield from list_lines(project, file.parent / included[1])
        else:
            yield re.sub(r"(^|\s)#.*| \\$|\s+--hash.*", "", line).strip()


def dependencies(project: Path) -> set[str]:
    """The normalized names of the packages that the project itself asks for."""
    lines: list[str] = []
    for table in map(pyproject, (project, *workspace(project))):
        lines += [str(line) for line in table.get("project", {}).get("dependencies", ())]
        lines += table.get("tool", {}).get("poetry", {}).get("dependencies", {})
    lines += read_toml(project / "Pipfile").get("packages", {})
    lines += [*list_lines(project), *list_lines(project, project / "requirements.txt")]
    names: set[str] = set()
    for line in lines:
        try:
            names.add(canonicalize_name(Requirement(line).name))
        except InvalidRequirement:
            continue  # an option, a path
    return names


def names_index(project: Path) -> bool:
    """Whether a project's files name an index of packages, which the lists then have to name, too."""
    tables = [table.get("tool", {}) for table in map(pyproject, (project, *workspace(project)))]
    if any(table.get("uv", {}).keys() & {"index-url", "extra-index-url"} for table in tables):
        return True
    if sum(len(table.get("uv", {}).get("index", ())) for table in tables) > len(folders_of_wheels(project)):
        return True
    option = re.compile(rf"(?!{USUAL_INDEX})(-i|--index-url|--extra-index-url)\b")
    return any(table.get("poetry", {}).get("source") for table in tables) or any(map(option.match, list_lines(project)))


def folders_of_wheels(project: Path) -> list[str]:
    """The indexes of a project kept by uv that are folders of it, with wheels."""
    indexes = pyproject(project).get("tool", {}).get("uv", {}).get("index", ())
    names = (os.path.normpath(str(index.get("url", ""))) for index in indexes)
    return [name for name in names if not name.startswith("..") and (project / name).is_dir()]


def python_versions(project: Path, newest: str) -> list[str]:
    """The versions of Python that the project allows, from final's down: first the one that the project is at home on.

    Raises:
        Unusable: there is none.
    """
    table = pyproject(project)
    poetry = table.get("tool", {}).get("poetry", {}).get("dependencies", {}).get("python", "")
    allowed = str(table.get("project", {}).get("requires-python") or poetry)
    # Poetry's own: ^3.11, ~3.11, 3.11.7.
    allowed = re.sub(r"\^(3[\d.]*)", r">=\1,<4", allowed)
    allowed = re.sub(r"(?:^|(?<=[, ]))~?(3\.\d+)[\d.*]*", r"==\1.*", allowed)
    try:
        specifiers = SpecifierSet(allowed)
    except InvalidSpecifier:
        specifiers = SpecifierSet()
    minors = range(int(newest.partition(".")[2]), OLDEST - 1, -1)
    # Any release of it will do: the image has a recent one.
    versions = [f"3.{minor}" for minor in minors if f"3.{minor}.0" in specifiers or f"3.{minor}.99" in specifiers]
    if not versions:
        raise Unusable(
            f"requires-python is {allowed}: final is made for Python {newest} and older ones from 3.{OLDEST} on"
        )
    return sorted(versions, key=lambda version: version != home_version(project))


def last_change(project: Path) -> str:
    """The day of a project's last change, as Git has it, or its files, if that is earlier; nothing if none says it."""
    log = ["git", "-C", str(project), "log", "-1", "--format=%cs"]
    by_git = subprocess.run(log, capture_output=True, text=True, check=False).stdout.strip()
    newest = max((path.stat().st_mtime for path in python_files(project)), default=0)
    by_files = time.strftime("%Y-%m-%d", time.gmtime(newest))
    return min((day for day in (by_git, by_files) if day > FIRST_DAY), default="")


SAYS_VERSION = (
    (".python-version", r"^(3\.\d+)"),
    ("runtime.txt", r"^python-(3\.\d+)"),
    (".tool-versions", r"^python (3\.\d+)"),
    ("Dockerfile*", rf"^{OF_PYTHON.pattern}(3\.\d+)"),
    ("*/Dockerfile*", rf"^{OF_PYTHON.pattern}(3\.\d+)"),
    ("requirements*.txt", r"^# +(?:This file is autogenerated by pip-compile )?with [Pp]ython (3\.\d+)"),
)


def home_version(project: Path) -> str:
    """The version of Python that a project runs on today, as far as one of its files says so."""
    pipfile = read_toml(project / "Pipfile").get("requires", {})
    versions = [str(pipfile.get("python_version") or pipfile.get("python_full_version") or "")]
    for name, line in SAYS_VERSION:
        for file in filter(Path.is_file, sorted(project.glob(name))):
            text = text_of(file)
            if "Dockerfile" in name:
                text = "\n".join(stage.base for stage in Dockerfile(text).stages)
            versions += re.findall(line, text, re.MULTILINE)
    return next((".".join(version.split(".")[:2]) for version in versions if version.startswith("3.")), "")


@dataclass(frozen=True)
class App:
    """What gunicorn is told to start."""

    name: str  # the module and the attribute or the call
    framework: str = ""  # what it is made with, as far as its code says so
    root: str = ""  # the directory that its modules are imported from, if it is not the project or its src
    asgi: bool | None = None  # whether uvicorn's worker serves it, where somebody has looked

    @property
    def module(self) -> str:
        return self.name.partition(":")[0]


def find_app(project: Path, wanted: str = "") -> App:
    """The app of a project: what is wanted, or what its files start, or Django's, or the one that a module makes.

    Raises:
        Unusable: there is none, or there are several.
    """
    if wanted and not re.fullmatch(r"[\w.]+:\w+(\(.*\))?", wanted):
        raise Unusable(f"APP is module:attribute, or module:function(), not {wanted}")
    every_app = list(_apps(project))
    if wanted:
        framework = next(iter(sorted(dependencies(project) & set(CLASSES.values()))), "")
        return _named(project, wanted, every_app) or App(wanted, framework)
    if started := _started(project, every_app):
        return started
    if manage := django_command(project):
        return _django(project, manage)
    if not every_app:
        commands = " and ".join(pyproject(project).get("project", {}).get("scripts", ()))
        starts = f"its own command, {commands}, may start a server without one" if commands else "a library has none"
        raise Unusable(f"no app that gunicorn can serve is found ({starts}); if there is one, name it, APP=shop:app")
    return _usual(every_app)


def _usual(every_app: list[App]) -> App:
    """The app that is meant: an object before a function, a known class before an unknown one, a usual module first."""
    sure = [app for app in every_app if app.framework] or every_app
    objects = [app for app in sure if not app.name.endswith("()")]
    candidates = objects or [app for app in sure if app.name.partition(":")[2][:-2] in FACTORIES] or sure
    for module in MODULES:
        usual = [app for app in candidates if app.module.rpartition(".")[2] == module]
        if len(usual) > 1 and len({app.module for app in usual}) == 1:  # mounted in each other: the usual name
            usual = [app for name in OBJECTS for app in usual if app.name.endswith(f":{name}")][:1]
        if len(usual) == 1 and len(candidates) > 1:
            return usual[0]
    nearest = min(app.module.count(".") for app in candidates)
    if len(at_the_top := [app for app in candidates if app.module.count(".") == nearest]) == 1:
        return at_the_top[0]
    names = " or ".join(f"APP={shlex.quote(app.name)}" for app in candidates)
    raise Unusable(f"there are several apps: {names}")


def _named(project: Path, name: str, every_app: Iterable[App]) -> App | None:
    """The app of a name that somebody has written down, if its module is there."""
    module, _, attribute = name.partition(":")
    if exactly := next((app for app in every_app if app.name == name and app.framework), None):
        return exactly
    parts = module.split(".")
    tails = ((*parts[:-1], f"{parts[-1]}.py"), (*parts, "__init__.py"))
    for path in nearest(path for path in python_files(project) if any(ends_with(path, tail) for tail in tails)):
        root = path.parents[len(parts) - 1 + (path.name == "__init__.py")]
        of_module = (app.framework for app in every_app if app.name.endswith(f"{parts[-1]}:{attribute}"))
        framework = next(of_module, "") or ("django" if "django.core" in text_of(path) else "")
        return App(name, framework, _below(project, root))
    return None


def nearest(paths: Iterable[Path]) -> list[Path]:
    """Those first that are nearest to the top."""
    return sorted(paths, key=lambda path: (len(path.parts), path))


def ends_with(path: Path, tail: Sequence[str]) -> bool:
    return path.parts[-len(tail) :] == tuple(tail)


def _below(project: Path, root: Path) -> str:
    """A root of modules as `App.root` has it."""
    return "" if root in roots(project) else str(root.relative_to(project))


def starting(project: Path) -> list[str]:
    """The texts of the files that may say how the app is started."""
    files = (file for pattern in STARTED_BY for file in sorted(project.glob(pattern)))
    return [text_of(file) for file in files if file.is_file()]


def _started(project: Path, every_app: list[App]) -> App | None:
    """The app that a file of the project starts with a server for production."""
    for name in (name for text in starting(project) for name in started_by(text)):
        if ":" in name:
            if app := _named(project, name, every_app):
                return app
        elif of_module := [app for app in every_app if app.module in (name, f"{name}.app")]:  # `FLASK_APP=shop`
            return _usual(of_module)
    entry = pyproject(project).get("tool", {}).get("fastapi", {}).get("entrypoint", "")
    return _named(project, entry, every_app) if entry else None


SERVERS = r"(?:gunicorn|uvicorn|hypercorn|daphne|granian|waitress-serve|uwsgi)"
END = r"(?=[\s\"'\]]|$)"  # of a word in a command
TELLS = r"\b(?:(?:FLASK|LITESTAR)_APP[ =:]+|(?:flask|litestar) --app[ =])"  # a framework's own command


def started_by(text: str) -> Iterator[str]:
    """The apps that the commands in a text start: `shop:app`, `shop:create_app()`, or only `shop`."""
    if "[uwsgi]" in text:
        ini = dict(re.findall(r"^\s*(module|wsgi-file|callable)\s*=\s*(\S+)", text, re.MULTILINE))
        module = ini.get("module") or ini.get("wsgi-file", "").removesuffix(".py").strip("./").replace("/", ".")
        yield module if ":" in module else f"{module}:{ini.get('callable', 'application')}"
    text = re.sub(r"\\\n", " ", text)
    for line in text.splitlines():
        if re.match(r"\s*(#|//)", line):
            continue
        # An array of words is a command, too.
        words = re.sub(r"[\"'] *, *[\"']", " ", line)
        if setting := re.match(r"wsgi_app\s*=\s*[\"']([\w.]+:\w+(?:\(.*\))?)[\"']", line):
            if setting[1] != "hello.main:app":
                yield setting[1]
        elif command := re.search(rf"\b{SERVERS}\b(.*)", words):
            yield from _target(command[1])
        elif run := re.search(r"\bfastapi run (?:--\S+(?: \d+)? )*([\w./-]+)\.py", words):
            yield run[1].strip("./").replace("/", ".") + ":app"
        elif named := re.search(rf"{TELLS}[\"']?([\w./]+?)(?:\.py)?(:\w+)?{END}", words):
            attribute = named[2] or ""
            called = "()" if attribute[1:] in FACTORIES else ""
            yield named[1].strip("./").replace("/", ".") + attribute + called


def _target(arguments: str) -> Iterator[str]:
    """What a server is told to start, by the words behind its name."""
    factory = re.search(r"--factory|--call\b", arguments)
    if target := re.search(rf"(?:^|[\s\"'=])([A-Za-z_][\w.]*:[A-Za-z_]\w*)(\([^)]*\))?{END}", arguments):
        yield target[1] + (target[2] or ("()" if factory else ""))
    elif target := re.search(rf"(?:^|[\s\"'])([A-Za-z_][\w.]*\.[wa]sgi|wsgi|asgi|app|main){END}", arguments):
        yield f"{target[1]}:application" if target[1].endswith("sgi") and "." in target[1] else f"{target[1]}:app"
        yield f"{target[1]}:application"


def django_command(project: Path) -> Path | None:
    """Django's manage.py, wherever it is; the one that is nearest to the top."""
    of_django = re.compile(r"^\s*(?:from|import) django\b|DJANGO_SETTINGS_MODULE", re.MULTILINE)
    files = (path for path in python_files(project) if path.name == "manage.py" and of_django.search(text_of(path)))
    return next(iter(nearest(files)), None)


def settings_modules(text: str) -> list[str]:
    """The modules with settings that a text names."""
    return re.findall(r"DJANGO_SETTINGS_MODULE[\"']?\s*[,\]=:]*\s*[\"']?([\w.]+)", text)


def _django(project: Path, manage: Path) -> App:
    """The application that Django's settings name, or the WSGI application beside them."""
    root = manage.parent
    settings = "\n".join(text_of(path) for path in python_files(root) if "settings" in str(path.relative_to(root)))
    line = r"^{}_APPLICATION\s*=\s*[\"']([\w.]+)\.(\w+)[\"']"
    both = {kind: re.findall(line.format(kind), settings, re.MULTILINE) for kind in ("ASGI", "WSGI")}
    named = both["ASGI"] if "channels" in dependencies(project) else []
    for module, attribute in (*named, *both["WSGI"]):
        if root.joinpath(*module.split(".")).with_suffix(".py").exists():
            return App(f"{module}:{attribute}", "django", _below(project, root), asgi=(module, attribute) in named)
    modules = settings_modules(text_of(manage))[:1]
    packages = [module.split(".")[:n] for module in modules for n in range(module.count("."), 0, -1)]
    for package in packages:  # the nearest: manage.py may add a directory
        for path in nearest(path for path in python_files(root) if ends_with(path, (*package, "wsgi.py"))):
            return App(f"{'.'.join(package)}.wsgi:application", "django", _below(project, path.parents[len(package)]))
    raise Unusable("manage.py names no settings with a wsgi.py beside them: APP=mysite.wsgi:application")


def production_settings(project: Path, app: App) -> str:
    """The settings that production uses, where manage.py uses others; otherwise nothing."""
    manage = django_command(project)
    if not manage or app.framework != "django":
        return ""
    by_command = settings_modules(text_of(manage))[:1]
    entry = manage.parent.joinpath(*app.module.split(".")).with_suffix(".py")
    by_server = settings_modules(text_of(entry))[:1] if entry.exists() else []
    modules = (module for text in starting(project) for module in settings_modules(text))
    deployed = [module for module in modules if re.search("prod|deploy", module)]
    chosen = (deployed or by_server or by_command or _usual_settings(manage.parent))[:1]
    return chosen[0] if chosen and chosen != by_command else ""


def _usual_settings(root: Path) -> list[str]:
    """The settings that are meant where no file names any: a variable does, in a file that nobody has committed."""
    order = ("production", "prod", "live", "base", "settings")
    files = [path for path in python_files(root) if path.stem in order and "settings" in (path.stem, path.parent.name)]
    whole = [path for path in files if re.search(r"^ROOT_URLCONF|^from \.\w* import \*", text_of(path), re.MULTILINE)]
    whole.sort(key=lambda path: (order.index(path.stem), len(path.parts)))
    return [".".join(path.relative_to(root).with_suffix("").parts) for path in whole]


def python_files(project: Path) -> list[Path]:
    """The modules of a project, but for tests, documentation and what else is no code of the app."""
    return [
        path
        for path in sorted(project.rglob("*.py"))
        if not any(NOT_CODE.search(part) or part.startswith("example") for part in path.relative_to(project).parts[:-1])
        and not re.match("test_|conftest", path.name)
    ]


def code_of(project: Path) -> str:
    return "\n".join(map(text_of, python_files(project)))


def _apps(project: Path) -> Iterator[App]:
    """What the modules of a project make: apps of the known classes, and what is called as apps usually are."""
    trees: dict[Path, ast.Module] = {}
    for path in python_files(project):
        try:
            trees[path] = ast.parse(text_of(path))
        except (SyntaxError, ValueError):
            continue
    # Functions that make an app, by their name.
    functions = [node for tree in trees.values() for node in tree.body if isinstance(node, ast.FunctionDef)]
    makers = {node.name: framework for node in functions if (framework := _made_in(node))}
    for path, tree in trees.items():
        root = import_root(path, tree, project)
        module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        below = _below(project, root)
        for node in _at_import(tree.body):
            for name, framework in _assigned(node, makers, path):
                yield App(f"{module}:{name}", framework, below)
            if isinstance(node, ast.FunctionDef) and _needs_nothing(node) and node.name in {*makers, *FACTORIES}:
                yield App(f"{module}:{node.name}()", makers.get(node.name, ""), below)


def _made_in(function: ast.FunctionDef) -> str:
    """The framework whose class a function calls: `Flask(...)` or `flask.Flask(...)`."""
    called = (_called(node) for node in ast.walk(function) if isinstance(node, ast.Call))
    return next((CLASSES[name] for name in called if name in CLASSES), "")


def _at_import(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported, those within try, with and if included."""
    for node in body:
        yield node
        is_main = isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)
        if isinstance(node, ast.If | ast.Try | ast.With) and not is_main:
            for inner in ("body", "orelse", "finalbody"):
                yield from _at_import(getattr(node, inner, ()))


def _assigned(node: ast.stmt, makers: dict[str, str], path: Path) -> Iterator[tuple[str, str]]:
    """The names that a statement gives to an app, and the framework of each, as far as it can be seen."""
    if isinstance(node, ast.ImportFrom) and path.stem in ("wsgi", "asgi"):
        # `from shop import app as application`, in the module that servers are told to start.
        yield from ((alias.asname or alias.name, "") for alias in node.names if (alias.asname or alias.name) in OBJECTS)
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
        return
    called = _called(node.value)
    framework = CLASSES.get(called) or makers.get(called, "")
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if isinstance(target, ast.Name) and (framework or (target.id in OBJECTS and called not in NO_APPS)):
            yield target.id, framework


def _called(node: ast.Call) -> str:
    """The last name of what is called: `Flask` in `flask.Flask(...)`."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else str(getattr(node.func, "id", ""))


def _needs_nothing(function: ast.FunctionDef) -> bool:
    """Whether a function can be called without arguments."""
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    return positional == len(arguments.defaults) and None not in arguments.kw_defaults


def import_root(path: Path, tree: ast.Module, project: Path) -> Path:
    """The directory that a module is imported from: where most of its own imports are, and its package is whole."""
    parents = [parent for parent in path.parents if parent.is_relative_to(project)]
    imports = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    imports += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    levels = max((node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)), default=0)
    # A package is not its own root, and `from ..shop import x` stands that deep in one.
    levels = max(levels, path.name == "__init__.py")
    package = next(parent for parent in parents if not (parent / "__init__.py").exists() or parent == project)
    known = sorted((root for root in roots(project) if root in parents), key=lambda root: -len(root.parts))
    usual = [package, *known] if (path.parent / "__init__.py").exists() else known

    def fits(root: Path) -> tuple[int, int, int]:
        tops = {name.split(".")[0] for name in imports} - {path.stem}
        local = sum((root / f"{top}.py").exists() or any((root / top).glob("*.py")) for top in tops if top)
        return local, -usual.index(root) if root in usual else -len(parents), -len(root.parts)

    return max(parents[min(levels, len(parents) - 1) :], key=fits)
