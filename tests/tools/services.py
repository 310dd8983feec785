"""What an app needs beside it, as its old compose file says: a database, a broker, and where it finds them."""

import re
from pathlib import Path
from typing import Any

import yaml

from library.composing import COMPOSE_FILES, NAMES, STORES

from .guess import text_of

# Images that are started beside an app; a proxy and other apps are not.
BESIDE = re.compile(rf"\b({STORES})\b")
KEPT = ("image", "command", "environment", "env_file", "volumes", "healthcheck")
# What only developing needs, or what final's files set.
NOT_KEPT = re.compile(r"DEBUG|^FLASK_ENV$|^FLASK_APP$|^PYTHON|^PORT$|^WORKERS$|RELOAD|^DOCKER")
READY = {
    "test": ["CMD-SHELL", "pg_isready --host=localhost --username=$${POSTGRES_USER:-postgres}"],
    "interval": "1s",
    "retries": 60,
}


def beside(project: Path) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """The services that an app needs, by name; the variables of the app; and its files with variables.

    Nothing where there is no old compose file, or where nobody can read it.
    """
    file = next((path for name in COMPOSE_FILES if (path := project / name).is_file()), None)
    try:
        services = (yaml.safe_load(text_of(file)) or {}).get("services") or {} if file else {}
    except yaml.YAMLError:
        return {}, {}, []
    built = [name for name, service in services.items() if service.get("build")]
    name = next((name for name in NAMES if name in built), built[0] if built else "")
    app = services.get(name, {})
    kept = {}
    for other, service in services.items():
        if BESIDE.search(str(service.get("image", ""))) and other != "web":
            kept[other] = {key: service[key] for key in KEPT if key in service}
            volumes = [volume for volume in kept[other].pop("volumes", ()) if re.match(r"[\w-]+:/", str(volume))]
            kept[other] |= {"volumes": volumes} if volumes else {}
            if re.search("postg", service["image"]):
                kept[other].setdefault("healthcheck", READY)
    files = [str(line) for line in as_list(app.get("env_file")) if (project / str(line)).is_file()]
    return kept, {key: value for key, value in variables(app).items() if not NOT_KEPT.search(key)}, files


def as_list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def variables(service: dict[str, Any]) -> dict[str, str]:
    """The variables of a service that have a value, in either spelling."""
    written = service.get("environment") or {}
    pairs = written.items() if isinstance(written, dict) else (str(line).partition("=")[::2] for line in written)
    return {str(name): str(value) for name, value in pairs if value not in (None, "")}


def as_yaml(kept: dict[str, Any]) -> str:
    """Services as they are written into final's compose file."""
    text = yaml.safe_dump(kept, sort_keys=False, default_flow_style=None, width=1000)
    return re.sub(r"^(?=.)", "  ", text, flags=re.MULTILINE)


def volumes_of(kept: dict[str, Any]) -> list[str]:
    """The names of the volumes that services have."""
    return [str(volume).partition(":")[0] for service in kept.values() for volume in service.get("volumes", ())]
