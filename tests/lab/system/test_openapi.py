"""Schemathesis makes requests from final's own OpenAPI description, more than a thousand, and no answer is a 5xx."""

import re

import pytest

from lab.beside import beside
from library.edits import change
from library.engine import SESSION, build_recipe, docker
from library.subject import Subject
from library.tutorial import ROOT

pytestmark = [pytest.mark.about("final"), pytest.mark.thorough]
FINAL = Subject("final", ROOT / "final")
RECIPE = f"""FROM {FINAL.parsed.base_image}
RUN pip install --root-user-action ignore schemathesis==4.32.5
"""
OPTIONS = ("--checks=not_a_server_error", "--max-examples=800", "--request-timeout=40", "--no-color")


def run_schemathesis(subject: Subject) -> str:
    """What it prints about a folder's app."""
    build_recipe(RECIPE, f"{SESSION}-schemathesis")
    command = ["schemathesis", "run", "http://web:8000/openapi.json", *OPTIONS]
    with subject.running() as running, beside(running, f"{SESSION}-schemathesis", command) as container:
        docker.wait(container)
        return str(docker.logs(container))


def test_a_thousand_generated_requests_get_no_server_error() -> None:
    printed = run_schemathesis(FINAL)
    counted = re.search(r"(\d+) generated, (\d+) passed", printed)
    assert counted, printed[-3000:]
    assert int(counted[1]) >= 1000
    assert counted[1] == counted[2]


def test_a_server_error_is_found() -> None:
    with FINAL.copied("that fails now and then") as copy:
        broken = '    assert item_id % 7, "a multiple of seven"\n    return Item(id=item_id'
        change(copy.path / "hello/main.py", "    return Item(id=item_id", broken)
        assert "Server error" in run_schemathesis(copy)
