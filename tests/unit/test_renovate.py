"""Renovate sees every version that a Dockerfile or a hook pins."""

import json
import re

import pytest

from library.repository import files
from library.tutorial import ROOT

MANAGERS = json.loads((ROOT / "renovate.json").read_text())["customManagers"]
PINNING = [
    str(file)
    for file in files()
    if file.name.endswith(("Dockerfile", ".pre-commit-config.yaml")) and "==" in (ROOT / file).read_text()
]


def _seen(file: str, text: str) -> set[tuple[str, str]]:
    """The names and versions that the managers for this file find; JavaScript writes named groups without a P."""
    found = set()
    for manager in MANAGERS:
        if any(re.search(pattern.strip("/"), file) for pattern in manager["managerFilePatterns"]):
            for pattern in manager["matchStrings"]:
                for match in re.finditer(pattern.replace("(?<", "(?P<"), text):
                    found.add((match["depName"], match["currentValue"]))
    return found


@pytest.mark.parametrize("file", PINNING)
def test_every_pin_is_seen(file: str) -> None:
    text = (ROOT / file).read_text()
    pins = set(re.findall(r"([\w-]+)(?:\[[\w,]+\])?==([\w.]+)", text))
    assert _seen(file, text) == pins


def test_there_are_pins_to_see() -> None:
    assert {"step-3-basic/Dockerfile", "final/Dockerfile", "final/.pre-commit-config.yaml"} <= set(PINNING)
