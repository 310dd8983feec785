"""What an app needs beside it, as its old compose file says: a database, a broker, and where it finds them."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from score.composing import STORES, Unusable, choose_files, choose_service, compose_files_below

from .guess import repository, text_of

# Images that are started beside an app; a proxy and other apps are not.
BESIDE = re.compile(rf"\b({STORES})\b")
KEPT = ("image", "command", "environment", "env_file", "volumes", "healthcheck")
SEEDS = "/docker-entrypoint-initdb.d"  # what PostgreSQL runs when it has no data yet: other accounts, say
# What only developing needs, or what final's files set.
NOT_KEPT = re.compile(r"DEBUG|^FLASK_ENV$|^FLASK_APP$|^PYTHON|^PORT$|^WORKERS$|RELOAD|^DOCKER")
AS_THE_APP = {"restart": "unless-stopped", "logging": {"driver": "local"}}  # it comes back, and fills no disk
READY = {
    "test": ["CMD-SHELL", "pg_isready --host=localhost --username=$${POSTGRES_USER:-postgres}"],
    "interval": "1s",
    "retries": 60,
}


def _app(project: Path) -> tuple[Path, dict[str, Any], str]:
    """The folder of the old compose file, its services, and the name of the one that is the app.

    The file may lie above the project, where that is a folder of a repository. Where none builds the app, there are no
    services.
    """
    for place in (project, *(parent for parent in project.parents if parent.is_relative_to(repository(project)))):
        for file in _compose_files(place):
            folder = file.parent
            try:
                written = yaml.safe_load(text_of(file))["services"]
                services = {name: service for name, service in written.items() if isinstance(service, dict)}
                known = {name: _as_compose_has_it(one, folder) for name, one in services.items()}
                return folder, services, choose_service(place, known, "")
            except (Unusable, LookupError, ValueError, AttributeError, TypeError, yaml.YAMLError):
                continue
    return project, {}, ""


def _compose_files(place: Path) -> list[Path]:
    """The compose file of a folder; all that there are below, where nothing says which one is meant."""
    try:
        names: Iterable[str] = choose_files(place, (), [])[:1]
    except Unusable:
        names = compose_files_below(place)
    return [place / name for name in names]


def mounted(project: Path) -> dict[str, str]:
    """The files of the project that its old compose file mounts into the app, by the place where they are there."""
    folder, services, name = _app(project)
    places = {}
    for volume in as_list(services.get(name, {}).get("volumes")):
        words = [volume.get("source"), volume.get("target")] if isinstance(volume, dict) else str(volume).split(":")
        if len(words) > 1 and (file := folder / str(words[0])).is_file():
            places[str(words[1])] = os.path.relpath(file, project)
    return {target: source for target, source in places.items() if not source.startswith("..")}


def beside(project: Path) -> tuple[dict[str, Any], dict[str, str], list[str], str]:
    """The services that an app needs, by name; the variables of the app; its files with variables; Celery's command.

    Nothing where no old compose file builds the app: nothing tells it then where the others are. The file is read as it
    is written: in compose's model, values stand in the place of variables.
    """
    folder, services, name = _app(project)
    app, kept = services.get(name, {}), {}
    for other, service in services.items():
        if BESIDE.search(str(service.get("image", ""))) and other not in ("web", name):
            one = {key: service[key] for key in KEPT if key in service} | AS_THE_APP
            volumes = list(map(str, as_list(service.get("volumes"))))
            seeds = (volume.split(":", 1) for volume in volumes if re.match(rf"\.\.?/[^:]*:{SEEDS}", volume))
            one["volumes"] = [volume for volume in volumes if re.match(r"[\w-]+:/", volume)]
            one["volumes"] += [f"{_from(project, folder / file)}:{place}" for file, place in seeds]
            one["env_file"] = _env_files(project, folder, service.get("env_file"))
            if re.search("postg", service["image"]):
                one.setdefault("healthcheck", READY)
            kept[other] = {key: value for key, value in one.items() if value}
    chosen = {key: value for key, value in variables(app).items() if not NOT_KEPT.search(key)}
    commands = (" ".join(map(str, as_list(service.get("command")))) for service in services.values())
    return kept, chosen, _env_files(project, folder, app.get("env_file")), next(filter(None, map(worker, commands)), "")


def worker(command: str) -> str:
    """The command of Celery's worker, if it is one: without a process for each CPU, and without a file in /app."""
    celery = re.search(r"\bcelery\b[^;&|\"']*\sworker\b[^;&|\"']*", command)
    if not celery:
        return ""
    more = "" if re.search(r"\s(?:-c|--concurrency|--autoscale)\b", celery[0]) else " --concurrency=2"
    if re.search(r"\s(?:-B|--beat)\b", celery[0]) and not re.search(r"\s(?:-s|--schedule)\b", celery[0]):
        more += " --schedule=/tmp/celerybeat-schedule"
    return " ".join(celery[0].split()) + more


def _as_compose_has_it(service: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What tells whether a service serves the app, in the form of compose's model."""
    build, command = service.get("build") or {}, service.get("command") or []
    build = build if isinstance(build, dict) else {"context": build}
    if build:
        kept = {key: build[key] for key in ("dockerfile", "target") if key in build}
        build = kept | {"context": str(folder / build.get("context", "."))}
    return service | {"build": build, "command": command if isinstance(command, list) else command.split()}


def _env_files(project: Path, folder: Path, written: Any) -> list[str]:
    """The files with variables of a service, as paths below the project; without those that may be missing, and are."""
    files = [one if isinstance(one, dict) else {"path": str(one)} for one in as_list(written)]
    paths = [folder / one["path"] for one in files if one.get("required", True) or (folder / one["path"]).exists()]
    return [os.path.relpath(path, project) for path in paths]


def _from(project: Path, path: Path) -> str:
    """A path as a volume of a compose file in the project has it."""
    relative = os.path.relpath(path, project)
    return relative if relative.startswith("..") else f"./{relative}"


def made_up(kept: dict[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Values for a file with variables that nobody has: the account of the database, and where the app finds it."""
    values: dict[str, str] = {}
    for host, service in kept.items():
        if re.search("postg", service["image"]):
            values |= dict.fromkeys(("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"), "app")
            about, port, url = "POSTGRES|^PG|DB|DATABASE", "5432", f"postgresql://app:app@{host}:5432/app"
        elif re.search("redis|valkey", service["image"]):
            about, port, url = "REDIS|BROKER|CELERY|CACHE", "6379", f"redis://{host}:6379/0"
        else:
            continue
        kinds = {"HOST$|SERVER$": host, "PORT$": port, "UR[IL]$|BROKER$": url}
        of_it = [name for name in names if re.search(about, name)]
        values |= {name: value for kind, value in kinds.items() for name in of_it if re.search(kind, name)}
    return values


def as_list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def variables(service: dict[str, Any]) -> dict[str, str]:
    """The variables of a service that have a value, in either spelling."""
    written = service.get("environment") or {}
    pairs = written.items() if isinstance(written, dict) else (str(line).partition("=")[::2] for line in written)
    return {str(name): str(value) for name, value in pairs if value not in (None, "")}


PLAIN = re.compile(r"(?<!\$)\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")  # no default: `$NAME`, `${NAME}`


def plain_variables(text: str) -> set[str]:
    """The variables that compose puts in, where the file has no default for them."""
    return {name for names in PLAIN.findall(text) for name in names if name}


def demanding(value: Any) -> Any:
    """The same, where compose stops if such a variable is not set."""
    if isinstance(value, dict):
        return {key: demanding(one) for key, one in value.items()}
    if isinstance(value, list):
        return [demanding(one) for one in value]
    return PLAIN.sub(r"${\1\2:?}", value) if isinstance(value, str) else value


def as_yaml(kept: dict[str, Any]) -> str:
    """Services as they are written into final's compose file."""
    text = yaml.safe_dump(kept, sort_keys=False, default_flow_style=None, width=1000)
    return re.sub(r"^(?=.)", "  ", text, flags=re.MULTILINE)
