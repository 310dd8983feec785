"""Renovate sees every version that a Dockerfile or a hook pins."""

import json
import re

import pytest

from library import locks
from library.repository import files
from library.tutorial import ROOT, load

CONFIG = json.loads((ROOT / "renovate.json").read_text())
MANAGERS, RULES = CONFIG["customManagers"], CONFIG["packageRules"]
FILES = [str(file) for file in files() if file.name.endswith(("Dockerfile", ".pre-commit-config.yaml"))]
FILES += ["reference-final/README.md", "reference-uwsgi/README.md"]  # uv's hooks, a trial of gunicorn
PINNING = [file for file in FILES if "==" in (ROOT / file).read_text()]
PIN = re.compile(r"([\w-]+)(?:\[[\w,]+\])?==([\w.]+)")
PINNED = {name for file in PINNING for name, _ in PIN.findall((ROOT / file).read_text())}
LOCKED = {package["name"]: package["version"] for package in locks.packages(ROOT)}


def _seen(file: str, text: str) -> set[tuple[str, str]]:
    """The names and versions that the managers for this file find; JavaScript writes named groups without a P."""
    pins = set()
    for manager in MANAGERS:
        if any(re.search(pattern.strip("/"), file) for pattern in manager["managerFilePatterns"]):
            for pattern in manager["matchStrings"]:
                for match in re.finditer(pattern.replace("(?<", "(?P<"), text):
                    pins.add((match["depName"], match["currentValue"]))
    return pins


@pytest.mark.parametrize("file", PINNING)
def test_every_pin_is_seen(file: str) -> None:
    text = (ROOT / file).read_text()
    assert _seen(file, text) == set(PIN.findall(text))


@pytest.mark.parametrize("tool", sorted({"caddy", "uv", *PINNED}))
def test_dockerfiles_hooks_and_articles_name_one_version(tool: str) -> None:
    """A folder pins its own tools, since it must work alone; if this repository's lock has one, its version counts."""
    pages = [str(file) for file in files() if file.name == "README.md"]
    texts = [(ROOT / file).read_text() for file in FILES + pages]
    named = {
        version for text in texts for version in re.findall(rf"(?<![\w-]){tool}(?:\[[\w,]+\])?(?:==|:)(\d[\w.]+)", text)
    }
    assert named == {LOCKED.get(tool, min(named))}


def test_a_page_tries_the_gunicorn_that_the_folders_have() -> None:
    tried = re.findall(r"gunicorn==([\w.]+)", (ROOT / "reference-uwsgi/README.md").read_text())
    had = {locks.versions(folder.path).get("gunicorn", "") for folder in load()} - {""}
    assert had == set(tried)


def test_no_update_is_proposed_for_a_list_that_is_exported() -> None:
    """Each folder's requirements.txt that lies beside a poetry.lock, the root's among them."""
    [rule] = [rule for rule in RULES if rule.get("matchManagers") == ["pip_requirements"]]
    exported = [list_.parent for list_ in ROOT.glob("*/requirements.txt") if list_.with_name("poetry.lock").exists()]
    named = set(rule["matchFileNames"]) ^ {"requirements.txt", *(f"{folder.name}/**" for folder in exported)}
    assert not named, "renovate.json: matchFileNames of pip_requirements has one too many, or lacks it"


def test_there_are_pins_to_see() -> None:
    assert {"step-3-basic/Dockerfile", "extra-2-caching/Dockerfile", "final/.pre-commit-config.yaml"} <= set(PINNING)
