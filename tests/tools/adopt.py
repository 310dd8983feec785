"""Put final's files into a project: ``make adopt PROJECT=../shop``.

Everything is found and made in a copy. The project is changed at the end, when nothing can go wrong any more.
"""

import argparse
import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from library import engine, hooks
from library.engine import SCRATCH, last_line
from library.exporter import exporter
from library.locks import normalized
from library.project import COMPOSE_FILES, Unusable, copy_project
from library.subject import NOT_CODE, Subject
from library.tutorial import FINAL_FILES, ROOT

FINAL = ROOT / "final"
FACTORIES = ("create_app", "make_app", "get_app", "build_app", "app_factory")
# Where an app usually is, if several modules have one.
MODULES = ("wsgi", "asgi", "main", "app", "__init__")
OLDEST = 11  # the oldest version of Python 3 that is tried in the place of final's


@dataclass(frozen=True)
class Manager:
    """Who keeps a project's packages: what it is called, and the commands that export them, as final's article says."""

    name: str
    add: str
    export: tuple[str, ...]
    export_dev: tuple[str, ...]


POETRY = Manager(
    "Poetry",
    "poetry add {}",
    ("poetry export --output requirements.txt",),
    ("poetry export --all-groups --output requirements-dev.txt",),
)
# What the hook runs, but that this makes the lock, too, where there is none yet.
UV_EXPORT, UV_EXPORT_DEV = (command.replace("--locked ", "") for command in hooks.commands(hooks.of_uv()))
UV = Manager("uv", "uv add {}", (UV_EXPORT,), (UV_EXPORT_DEV,))
COMPILE = (
    "uv pip compile --quiet --python-version {version} --universal --generate-hashes {source} --output-file {target}"
)
UVICORN = "uvicorn_worker.UvicornWorker"  # in final's settings; the worker of apps that are no ASGI apps has threads


def find_manager(project: Path) -> Manager | None:
    """Who keeps the packages of a project, or None for a plain list.

    Raises:
        Unusable: nothing names the project's packages.
    """
    table = read_pyproject(project)
    backend = str(table.get("build-system", {}).get("build-backend", ""))
    if (project / "poetry.lock").exists():
        return POETRY
    if (project / "uv.lock").exists():
        return UV
    if any((project / name).exists() for name in ("requirements.in", "requirements.txt")):
        return None
    if "poetry" in table.get("tool", {}) or backend.startswith("poetry"):
        return POETRY
    if "project" in table or workspace(project):
        return UV
    raise Unusable("nothing names the project's packages: it needs a pyproject.toml or a requirements.txt")


def read_pyproject(project: Path) -> dict[str, Any]:
    """The project's pyproject.toml; nothing where there is none.

    Raises:
        Unusable: it is not TOML.
    """
    try:
        return tomllib.loads((project / "pyproject.toml").read_text())
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise Unusable(f"pyproject.toml: {error}") from error


def workspace(project: Path) -> list[Path]:
    """The packages of a uv workspace; none where the project is none."""
    table = read_pyproject(project).get("tool", {}).get("uv", {}).get("workspace", {})
    left_out = {path for pattern in table.get("exclude", ()) for path in project.glob(pattern)}
    found = {path for pattern in table.get("members", ()) for path in project.glob(pattern)} - left_out
    return sorted(path for path in found if (path / "pyproject.toml").exists())


def roots(project: Path) -> list[Path]:
    """The directories that modules are imported from: the project and its src, or those of a workspace's packages."""
    members = workspace(project)
    if not members:
        return [path for path in (project, project / "src") if path.is_dir()]
    return [member / "src" if (member / "src").is_dir() else member for member in members]


def dependencies(project: Path) -> set[str]:
    """The normalized names of the packages that the project itself asks for."""
    lines: list[str] = []
    for table in map(read_pyproject, (project, *workspace(project))):
        lines += [str(line) for line in table.get("project", {}).get("dependencies", ())]
        lines += table.get("tool", {}).get("poetry", {}).get("dependencies", {})
    for name in ("requirements.in", "requirements.txt"):
        if (project / name).exists():
            lines += (project / name).read_text().splitlines()
    found = set()
    for line in lines:
        try:
            found.add(normalized(Requirement(re.sub(r"\s#.*| \\$|\s+--hash.*", "", line.strip())).name))
        except InvalidRequirement:
            continue  # a comment, an option, a hash
    return found


@dataclass(frozen=True)
class App:
    """What gunicorn is told to start, and the framework that it is made with."""

    name: str
    framework: str


def find_app(project: Path) -> App:
    """The app of a project: Django's, or the one object (else the one function without arguments) that makes one.

    Raises:
        Unusable: there is none, or there are several.
    """
    if (project / "manage.py").exists():
        return App(_django(project), "django")
    found = [app for root in roots(project) for app in _apps(root, project)]
    objects = [app for app in found if not app.name.endswith("()")]
    candidates = objects or [app for app in found if app.name.partition(":")[2][:-2] in FACTORIES] or found
    for module in MODULES:
        # Those whose module is called so: `shop.main`, but for `__init__` the package itself.
        usual = [app for app in candidates if _last(app) == module]
        if len(usual) == 1 and len(candidates) > 1:
            return usual[0]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        names = " or ".join(f"APP={shlex.quote(app.name)}" for app in candidates)
        raise Unusable(f"there are several apps: {names}")
    raise Unusable("no app of Flask's, Django's or FastAPI's is found: name it, APP=shop:app")


def _last(app: App) -> str:
    return app.name.partition(":")[0].rpartition(".")[2]


def _django(project: Path) -> str:
    """The WSGI application of the settings that manage.py names."""
    named = re.search(r"DJANGO_SETTINGS_MODULE[\"']\s*[,\]=:]+\s*[\"']([\w.]+)", (project / "manage.py").read_text())
    packages = [named[1].split(".")[:n] for n in range(named[1].count("."), 0, -1)] if named else []
    for package in packages:
        if project.joinpath(*package, "wsgi.py").exists():
            return f"{'.'.join(package)}.wsgi:application"
    raise Unusable("manage.py names no settings with a wsgi.py beside them: APP=mysite.wsgi:application")


def _apps(root: Path, project: Path) -> Iterator[App]:
    """What the modules below a folder make of Flask and FastAPI."""
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if root == project and parts[0] == "src":
            continue  # modules there are called without it
        if any(NOT_CODE.search(part) for part in parts[:-1]) or re.match("test_|conftest", path.name):
            continue
        try:
            tree = ast.parse(path.read_text())
        except (SyntaxError, UnicodeDecodeError):
            continue
        module = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and (framework := _makes(node.value)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                yield from (
                    App(f"{module}:{target.id}", framework) for target in targets if isinstance(target, ast.Name)
                )
            elif isinstance(node, ast.FunctionDef) and _needs_nothing(node):
                made = [_makes(inner) for inner in ast.walk(node)]
                if framework := next(filter(None, made), ""):
                    yield App(f"{module}:{node.name}()", framework)


def _makes(node: ast.AST | None) -> str:
    """The framework whose class an expression calls: `Flask(...)` or `flask.Flask(...)`."""
    if not isinstance(node, ast.Call):
        return ""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return {"Flask": "flask", "FastAPI": "fastapi"}.get(called, "")


def _needs_nothing(function: ast.FunctionDef) -> bool:
    """Whether a function can be called without arguments."""
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    return positional == len(arguments.defaults) and None not in arguments.kw_defaults


def python_version(project: Path, newest: str) -> str:
    """The version of Python to start from: final's, or the newest one before it that the project allows.

    Raises:
        Unusable: there is none.
    """
    table = read_pyproject(project)
    poetry = table.get("tool", {}).get("poetry", {}).get("dependencies", {}).get("python", "")
    allowed = str(table.get("project", {}).get("requires-python") or poetry)
    if allowed.startswith("^"):
        allowed = f">={allowed[1:]},<4"
    try:
        specifiers = SpecifierSet(allowed)
    except InvalidSpecifier:
        return newest
    for minor in range(int(newest.partition(".")[2]), OLDEST - 1, -1):
        # Any release of it will do: the image has a recent one.
        if f"3.{minor}.0" in specifiers or f"3.{minor}.99" in specifiers:
            return f"3.{minor}"
    raise Unusable(f"requires-python is {allowed}: final is made for Python {newest} and older ones from 3.{OLDEST} on")


def names_index(project: Path) -> bool:
    """Whether a project's files name an index of packages, which the lists then have to name, too."""
    tables = [table.get("tool", {}) for table in map(read_pyproject, (project, *workspace(project)))]
    if any(table.get("uv", {}).keys() & {"index", "index-url", "extra-index-url"} for table in tables):
        return True
    lists = [path.read_text() for name in ("requirements.in", "requirements.txt") if (path := project / name).exists()]
    option = re.compile(r"^\s*(-i|--index-url|--extra-index-url)\b", re.MULTILINE)
    return any(table.get("poetry", {}).get("source") for table in tables) or any(map(option.search, lists))


def with_index(commands: str) -> str:
    """Let commands of uv's write down where packages come from, as those of Poetry's always do.

    Not always: it is what holds on this machine, `UV_DEFAULT_INDEX` with a password in it, say.
    """
    return re.sub(r"--(no-header|generate-hashes)\b", r"\g<0> --emit-index-url", commands)


def exporting(project: Path, manager: Manager | None, version: str) -> list[str]:
    """The commands that make requirements.txt and requirements-dev.txt; a list without hashes becomes a .in file."""
    emit = with_index if names_index(project) else str
    if manager:
        return [emit(command) for command in (*manager.export, *manager.export_dev)]
    commands = []
    for name in ("requirements", "requirements-dev"):
        source, target = project / f"{name}.in", project / f"{name}.txt"
        if target.exists() and not source.exists() and "--hash=" not in target.read_text():
            text = re.sub(r"^(-r\s*)requirements\.txt", r"\1requirements.in", target.read_text(), flags=re.MULTILINE)
            source.write_text(text)
            target.unlink()
        if source.exists():
            commands.append(emit(COMPILE.format(version=version, source=source.name, target=target.name)))
    return commands


def export(folder: Path, image: str, commands: Sequence[str]) -> None:
    """Run commands in a folder with the versions of Poetry and uv that final's files name.

    Raises:
        Unusable: one fails.
    """
    try:
        laptop = exporter(image)
    except subprocess.CalledProcessError as error:
        raise Unusable(f"Poetry and uv cannot be installed on {image}: {last_line(error.stderr)}") from error
    # What root writes in the container belongs to whoever calls this.
    owner = f"{os.getuid()}:{os.getgid()}"
    script = f"{' && '.join(commands) or 'true'}; code=$?; chown -R {owner} /app; exit $code"
    name = f"{engine.SESSION}-export"
    run = ["docker", "run", "--rm", f"--name={name}", f"--volume={folder}:/app", "--workdir=/app", laptop, "sh", "-c"]
    done = subprocess.run([*run, script], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unusable("the packages cannot be exported: the log above ends with the reason", done.stdout + done.stderr)


def put_final(folder: Path, app: App, manager: Manager | None, version: str) -> None:
    """Copy final's files into a folder, and set what is another project's: app, worker, version of Python, hooks.

    Then where a workspace's code is, and that packages come from several indexes: only few projects need that.
    """
    for name in FINAL_FILES:
        shutil.copy2(FINAL / name, folder / name)
    _set(folder / "gunicorn.conf.py", r'(?<=^wsgi_app = )".*"', json.dumps(app.name))
    if not _is_asgi(folder, app):
        _set(folder / "gunicorn.conf.py", f'(?<=or "){re.escape(UVICORN)}', "gthread")
    _set(folder / "Dockerfile", r"(?<=^FROM python:)\d+\.\d+", version)
    if manager is not POETRY:
        own = [hooks.of_uv()] if manager is UV else []
        (folder / ".pre-commit-config.yaml").write_text(hooks.instead_of_poetrys(*own))
    if workspace(folder):
        code = ":".join(f"/app/{root.relative_to(folder)}" for root in roots(folder))
        _set(folder / "Dockerfile", r"(?<=PYTHONPATH=)/app:/app/src", code)
    if names_index(folder):
        file = folder / ".pre-commit-config.yaml"
        file.write_text(with_index(file.read_text()))
        # uv looks no further than the first index that knows a name. The list has the hash of every file.
        _set(folder / "Dockerfile", r"(?<=^ENV VIRTUAL_ENV=/venv)", " UV_INDEX_STRATEGY=unsafe-best-match")


def _is_asgi(project: Path, app: App) -> bool:
    """Whether it is served by uvicorn's worker, which a project has that needs it."""
    is_wsgi = app.framework in ("flask", "django") and "asgi" not in app.name
    return "uvicorn-worker" in dependencies(project) and not is_wsgi


def _set(file: Path, old: str, new: str) -> None:
    text, count = re.subn(old, lambda _: new, file.read_text(), count=1, flags=re.MULTILINE)
    if not count:
        raise RuntimeError(f"{file.name} has nothing like {old}")
    file.write_text(text)


def missing(project: Path, app: App, manager: Manager | None) -> None:
    """Raise what has to be among the project's packages and is not."""
    wanted = ["gunicorn", *(["uvicorn-worker", "httptools"] if app.framework == "fastapi" else [])]
    asked = dependencies(project)
    lacks = [name for name in wanted[:2] if name not in asked]
    if lacks:
        names = [name for name in wanted if name not in asked]
        how = manager.add.format(" ".join(names)) if manager else f"write {' and '.join(names)} into your list"
        raise Unusable(f"{' and '.join(lacks)} is not among the project's packages: {how}, and call this again")


def left_to_do(project: Path, app: App, changed: Sequence[str]) -> list[str]:
    """Three lines that say what nobody else can do."""
    what_it_writes = "what the app writes needs a volume, and what it reads from variables has to be in compose.yaml"
    if app.framework == "django":
        what_it_writes = (
            "compose.yaml, environment: SECRET_KEY and the database; Dockerfile: the line with collectstatic, "
            "where static files have hashed names"
        )
    if older := [name for name in COMPOSE_FILES[1:] if (project / name).exists()]:
        what_it_writes = f"compose.yaml goes before {older[0]}: move over what you need; {what_it_writes}"
    dev = "requirements-dev.txt" in changed or (project / "requirements-dev.txt").exists()
    tests = "`docker compose run --rm test` runs your tests with pytest"
    if not dev or not (project / "tests").is_dir():
        tests = "the service test wants requirements-dev.txt, with pytest, and a folder tests: make them, or delete it"
    return [
        f"{what_it_writes} (reference-final/README.md, What goes wrong)",
        f"{tests}; `pre-commit install` lets Git run the hooks",
        f"look at the changes, and commit them: git add {' '.join(sorted(changed))}",
    ]


def may_replace(project: Path, names: Sequence[str], *, force: bool) -> None:
    """Ask before files are replaced.

    Raises:
        Unusable: they are to stay, or nobody is there to say.
    """
    there = [name for name in names if (project / name).exists() and not _same(project / name, FINAL / name)]
    if not there or force:
        return
    question = f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already"
    if sys.stdin.isatty() and input(f"adopt: {question}: replace? [y/N] ").strip().lower() in ("y", "yes"):
        return
    raise Unusable(f"{question}: nothing was changed; FORCE=1 replaces them")


def _same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def adopt(project: Path, app_name: str, *, force: bool) -> tuple[App, str, list[str]]:
    """Put final's files into a project, with what it needs besides.

    Returns:
        The app, who keeps the packages, and the names of the files that are new or changed.

    Raises:
        Unusable: something is not found, or missing; the project is as it was.
    """
    if not project.is_dir():
        raise Unusable(f"there is no folder {project}: PROJECT is the path of a project")
    manager = find_manager(project)
    if app_name and not re.fullmatch(r"[\w.]+:\w+(\(.*\))?", app_name):
        raise Unusable(f"APP is module:attribute, or module:function(), not {app_name}")
    if app_name:
        asked = dependencies(project)
        framework = next((name for name in ("django", "fastapi", "flask") if name in asked), "")
        app = App(app_name, framework)
    else:
        app = find_app(project)
    missing(project, app, manager)
    base = Subject("final", FINAL).parsed.base_image
    named = re.search(r"python:(\d+\.\d+)", base)
    assert named  # noqa: S101
    version = python_version(project, named[1])
    may_replace(project, FINAL_FILES, force=force)

    copy = SCRATCH / "adopted"
    copy_project(project.resolve(), copy)
    put_final(copy, app, manager, version)
    export(copy, base.replace(named[1], version), exporting(copy, manager, version))
    made = (*FINAL_FILES, "requirements.in", "requirements.txt", "requirements-dev.in", "requirements-dev.txt")
    changed = []
    for name in (*made, "poetry.lock", "uv.lock"):
        if (copy / name).exists() and not ((project / name).exists() and _same(copy / name, project / name)):
            shutil.copy2(copy / name, project / name)
            changed.append(name)
    return app, manager.name if manager else "a plain list", changed


def main() -> None:
    parser = argparse.ArgumentParser(description="Put final's files into a project.")
    parser.add_argument("--project", type=lambda text: Path(text).expanduser(), required=True)
    parser.add_argument("--app", default="")
    parser.add_argument("--force", default="")
    arguments = parser.parse_args()
    try:
        with engine.session():
            app, manager, changed = adopt(arguments.project, arguments.app, force=arguments.force not in ("", "0"))
    except Unusable as reason:
        if reason.log:
            print(reason.log, file=sys.stderr)
        print(f"adopt: {reason}", file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, EOFError):
        print("\nadopt: stopped; the project is as it was", file=sys.stderr)
        sys.exit(130)
    print(f"adopt: {app.name}, packages kept by {manager}; new or changed: {', '.join(changed) or 'nothing'}")
    for number, line in enumerate(left_to_do(arguments.project, app, changed), 1):
        print(f"  {number}. {line}")


if __name__ == "__main__":
    main()
