"""What a project's lock file pins."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

# The files that may pin what is installed.
LOCKS = ("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
NAMES = ("requirements.txt", *LOCKS)
# Lists by purpose: requirements-prod.txt, requirements/base.txt.
LIST = re.compile(r"(^|/)(requirements[\w.-]*|requirements/[\w.-]+)\.txt$")


def files(folder: Path) -> list[Path]:
    """The lock files and lists that a folder has; where it has none, what lies below it."""
    if here := [folder / name for name in NAMES if (folder / name).exists()]:
        return here
    below = (path for depth in ("*", "*/*") for path in folder.glob(depth) if path.is_file())
    return sorted(path for path in below if path.name in NAMES or LIST.search(path.relative_to(folder).as_posix()))


def own_name(folder: Path) -> str:
    """The normalized name of the project itself, or nothing."""
    metadata = folder / "pyproject.toml"
    if not metadata.exists():  # it lies beside the lock, perhaps
        metadata = next(iter(files(folder)), metadata).with_name("pyproject.toml")
    try:
        project = tomllib.loads(metadata.read_text())
    except (FileNotFoundError, tomllib.TOMLDecodeError):
        return ""
    name = project.get("project", {}).get("name") or project.get("tool", {}).get("poetry", {}).get("name", "")
    return canonicalize_name(str(name))


def dev_only(folder: Path) -> set[str]:
    """The packages that only developers need, as far as a lock says so; where it does not, tools that are known."""
    locked = packages(folder)
    if any("groups" in package for package in locked):
        return {canonicalize_name(p["name"]) for p in locked if DEV_GROUPS.issuperset(p.get("groups", ["main"]))}
    runs = {canonicalize_name(name) for name in versions(folder)}
    if any("source" in package for package in locked):  # a uv.lock, which has the project among its packages
        own: dict[str, Any] = next((p for p in locked if canonicalize_name(p["name"]) == own_name(folder)), {})
        groups = own.get("dev-dependencies", {}).values()
        return {p["name"] for group in groups for p in group} - _reached(locked, own.get("dependencies", []))
    return DEV_TOOLS - runs


def _reached(locked: list[dict[str, Any]], dependencies: list[dict[str, Any]]) -> set[str]:
    """The names of these dependencies in a uv.lock, and of what they need, with their extras."""
    by_name = {package["name"]: package for package in locked}
    todo = {(one["name"], extra) for one in dependencies for extra in ("", *one.get("extra", ()))}
    done: set[tuple[str, str]] = set()
    while todo:
        name, extra = todo.pop()
        done.add((name, extra))
        package = by_name.get(name, {})
        needs = package.get("optional-dependencies", {}).get(extra, []) if extra else package.get("dependencies", [])
        todo |= {(one["name"], more) for one in needs for more in ("", *one.get("extra", ()))} - done
    return {name for name, _ in done}


# Other groups may well be for production: the server, in step 5.
DEV_GROUPS = {"dev", "develop", "development", "docs", "lint", "test", "tests", "types", "typing"}
DEV_TOOLS = {"black", "coverage", "flake8", "ipdb", "isort", "mypy", "pre-commit", "pylint", "pytest", "ruff", "tox"}


def packages(folder: Path) -> list[dict[str, Any]]:
    """The entries of a folder's lock file, the first one of ``LOCKS``; none where there is no such file."""
    there = files(folder)
    lock = next((file for name in LOCKS for file in there if file.name == name), None)
    if not lock:
        return []
    if lock.name == "Pipfile.lock":
        groups = {"default": "main", "develop": "dev"}
        content = json.loads(lock.read_text())
        return [
            {"name": name, "groups": [group], **package, "version": package["version"].removeprefix("==")}
            for section, group in groups.items()
            for name, package in content.get(section, {}).items()
            if "version" in package
        ]
    content = tomllib.loads(lock.read_text())
    return list(content.get("package") or content.get("packages") or ())


def versions(folder: Path) -> dict[str, str]:
    """What the folder's lock, or else its lists, pin, as {normalized name: version}."""
    if entries := packages(folder):
        return {canonicalize_name(package["name"]): package["version"] for package in entries if "version" in package}
    return dict(pin for listed in files(folder) for pin in listed_pins(listed.read_text()))


# What an installer compares of each file: "sha256:…", in a pylock.toml `sha256 = "…"`.
SHA256 = re.compile(r"(sha256(?::| = \"))[0-9a-f]{8}")
# What serves an app: one of these is in almost every project. Their lines in a list (one logical line, continued), in a
# poetry.lock or pdm.lock (one a file), in a uv.lock or pylock.toml (one a file, with its address), in a Pipfile.lock.
SERVES = (
    "flask|django|fastapi", "starlette|quart|sanic|litestar|aiohttp|tornado|bottle|falcon|pyramid", "gunicorn|uvicorn",
)  # fmt: skip
ENTRY = r'^(?:{0})(?:\[.*?\])?==(?:.*\\\n)*.*|^.*(?:file = "|url = "\S*/)(?:{0})-\d.*|^ +"(?:{0})": \{{[\s\S]*?\n +\}}'


def change_entries(text: str, change: Callable[[str], str]) -> str:
    """A lock or a list with other entries for what serves the app; the same text where it has none."""
    for names in SERVES:
        entry = re.compile(ENTRY.format(names), re.MULTILINE | re.IGNORECASE)
        if (changed := entry.sub(lambda match: change(match[0]), text)) != text:
            return changed
    return text


def with_other_hashes(text: str) -> str:
    """A lock or a list where no file of what serves the app has the right hash."""
    return change_entries(text, lambda entry: SHA256.sub(r"\g<1>00000000", entry))


def listed_pins(requirements: str) -> list[tuple[str, str]]:
    """The ``==`` pins of a requirements file, whatever their markers say, as (normalized name, version)."""
    pins = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", requirements, re.MULTILINE)
    return [(canonicalize_name(name), version) for name, version in pins]


def other_versions(production: str, tests: str) -> list[str]:
    """What a list for tests has in another version than production's, or not at all, as ``==`` pins of production's.

    The image for tests has production's packages, and more: otherwise pytest passes on versions that nobody ships.
    """
    return sorted(f"{name}=={version}" for name, version in {*listed_pins(production)} - {*listed_pins(tests)})
