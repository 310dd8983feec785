"""What a project's lock file pins."""

import re
import tomllib
from pathlib import Path
from typing import Any

# The files that may pin what is installed.
NAMES = ("requirements.txt", "poetry.lock", "uv.lock", "Pipfile.lock", "pdm.lock")


def files(folder: Path) -> list[Path]:
    """The lock files and lists that a folder has."""
    return [folder / name for name in NAMES if (folder / name).exists()]


def own_name(folder: Path) -> str:
    """The normalized name of the project itself, or nothing."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text())
    except (FileNotFoundError, tomllib.TOMLDecodeError):
        return ""
    name = project.get("project", {}).get("name") or project.get("tool", {}).get("poetry", {}).get("name", "")
    return normalized(str(name))


def normalized(name: str) -> str:
    """A name of a package as indexes compare it (PEP 503)."""
    return re.sub("[-_.]+", "-", name).lower()


def dev_only(folder: Path) -> set[str]:
    """The packages that only developers need, as far as a lock says so; where it does not, tools that are known."""
    if (folder / "poetry.lock").exists():
        return {p["name"] for p in packages(folder) if DEV_GROUPS.issuperset(p.get("groups", ["main"]))}
    runs = {normalized(name) for name in versions(folder)}
    if (folder / "uv.lock").exists():
        locked = tomllib.loads((folder / "uv.lock").read_text()).get("package", [])
        own: dict[str, Any] = next((p for p in locked if normalized(p["name"]) == own_name(folder)), {})
        groups = own.get("dev-dependencies", {}).values()
        return {p["name"] for group in groups for p in group} - {p["name"] for p in own.get("dependencies", ())}
    return DEV_TOOLS - runs


# Other groups may well be for production: the server, in step 5.
DEV_GROUPS = {"dev", "develop", "development", "docs", "lint", "test", "tests", "types", "typing"}
DEV_TOOLS = {"black", "coverage", "flake8", "ipdb", "isort", "mypy", "pre-commit", "pylint", "pytest", "ruff", "tox"}


def packages(folder: Path) -> list[dict[str, Any]]:
    """The entries of a folder's poetry.lock, or else its uv.lock; none where there is no such file."""
    for lock in (folder / "poetry.lock", folder / "uv.lock"):
        if lock.exists():
            found: list[dict[str, Any]] = tomllib.loads(lock.read_text()).get("package", [])
            return found
    return []


def versions(folder: Path) -> dict[str, str]:
    """What the folder's lock, or else its requirements.txt, pins, as {normalized name: version}."""
    if found := packages(folder):
        return {normalized(package["name"]): package["version"] for package in found if "version" in package}
    listed = folder / "requirements.txt"
    return dict(listed_pins(listed.read_text())) if listed.exists() else {}


def listed_pins(requirements: str) -> list[tuple[str, str]]:
    """The ``==`` pins of a requirements file, whatever their markers say, as (normalized name, version)."""
    pins = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", requirements, re.MULTILINE)
    return [(normalized(name), version) for name, version in pins]
