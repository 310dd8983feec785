"""What a trial of `make adopt` runs in containers; what it prints for the trial begins with `adopt: `."""

from typing import Any

from library.program import in_container


@in_container()
def kind(app: Any) -> str:
    """What an app is, by how it can be called."""
    import inspect

    if any(cls.__module__.startswith("aiohttp.") for cls in type(app).__mro__):
        return "aiohttp"
    if isinstance(app, type) or not callable(app):
        return "none"
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None)):  # noqa: B004
        return "asgi"
    try:
        arguments = [a for a in inspect.signature(app).parameters.values() if a.default is a.empty]
    except (TypeError, ValueError):
        return "unknown"
    if any(a.kind in (a.VAR_POSITIONAL, a.KEYWORD_ONLY) for a in arguments):
        return "unknown"
    return {2: "wsgi", 3: "asgi"}.get(len(arguments), "unknown")


@in_container(kind)
def import_app(name: str, root: str) -> None:
    """Import what gunicorn is told to start, and print what it is; if it is no app, those that are beside it."""
    import importlib
    import inspect
    import os
    import sys

    os.chdir(root)
    sys.path.insert(0, root)
    module_name, _, expression = name.partition(":")
    module = importlib.import_module(module_name)
    app = eval(expression, vars(module))  # noqa: S307  it is the app's own
    print("adopt: the app is", kind(app), flush=True)
    if kind(app) == "none":
        values = [(name, value) for name, value in vars(module).items() if not inspect.isroutine(value)]
        print("adopt: apps besides:", *(name for name, value in values if kind(value) in ("asgi", "wsgi")), flush=True)


@in_container()
def report_databases() -> None:
    """Print which databases of SQLite's this process opens, which their messages do not say."""
    import os
    import sys

    def report(event: str, arguments: Any) -> None:
        if event == "sqlite3.connect" and isinstance(arguments[0], (str, bytes)):
            path = os.fsdecode(arguments[0]).removeprefix("file:").partition("?")[0]
            print("adopt: sqlite3 opens", os.path.abspath(path), file=sys.stderr, flush=True)  # noqa: PTH100

    sys.addaudithook(report)


@in_container()
def print_missing_wheels(versions: list[str]) -> None:
    """Print for each version of Python which packages of requirements.txt have no wheel, until all have one."""
    import pathlib
    import platform
    import re
    import subprocess

    def name_of(line: str) -> str:
        return re.split(r"[\[=]", line)[0].lower()

    text = pathlib.Path("requirements.txt").read_text().replace("\\\n", " ")
    lines = [
        line.partition(" --hash")[0].strip() for line in text.splitlines() if re.match(r"[\w.-]+(\[.*\])?==|--", line)
    ]
    common = ["uv", "pip", "compile", "--quiet", "--no-deps", "--no-header", "--only-binary=:all:"]
    common += [f"--python-platform={platform.machine()}-manylinux_2_40", "-"]
    refusal = r"Wheels are required for `([\w.-]+)`|Because ([\w.-]+)==\S+ has no|([\w.-]+)==\S+ depends on Python"
    for version in versions:
        left = lines
        missing: list[str] = []
        while len(missing) < 12:
            command = [*common, f"--python-version={version}"]
            done = subprocess.run(command, input="\n".join(left), capture_output=True, text=True, check=False)
            match = re.search(refusal, done.stderr)
            if not done.returncode or not match:
                break
            missing.append(next(filter(None, match.groups())))
            left = [line for line in left if name_of(line) != missing[-1].lower()]
        print("adopt: no wheel for", version, *missing)
        # Whether an older Python has more wheels, the same packages show.
        lines = [line for line in lines if name_of(line) in map(str.lower, missing)]
        if not missing:
            break


@in_container()
def ask_django(module: str, path: str, host: str) -> None:
    """Ask for a page once more, with the traceback that Django in production shows to nobody."""
    import importlib

    importlib.import_module(module)
    from django.test import Client  # type: ignore[import-not-found]

    Client(HTTP_HOST=host or "127.0.0.1:8000").get(path)


@in_container()
def host_of_django(module: str) -> str:
    """A name that Django answers to."""
    import importlib

    importlib.import_module(module)
    from django.conf import settings  # type: ignore[import-not-found]

    return next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name.strip(".*")), "")
