"""What a project's lock file pins."""

import re
import tomllib
from pathlib import Path
from typing import Any


def packages(folder: Path) -> list[dict[str, Any]]:
    """The entries of a folder's poetry.lock; none where there is no such file."""
    lock = folder / "poetry.lock"
    if not lock.exists():
        return []
    found: list[dict[str, Any]] = tomllib.loads(lock.read_text())["package"]
    return found


def versions(folder: Path) -> dict[str, str]:
    """What the folder's lock, or else its requirements.txt, pins: {normalized name: version}."""
    if found := packages(folder):
        return {package["name"]: package["version"] for package in found}
    requirements = (folder / "requirements.txt").read_text()
    return {name.lower(): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", requirements, re.MULTILINE)}
