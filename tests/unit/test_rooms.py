"""The rooms of ``tests/``: arrows go one way, reading the tutorial costs nothing, and who fails says so once."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from library.tutorial import ROOT

TESTS = ROOT / "tests"
OTHERS = {"claims", "score", "adopt", "website", "lab"}  # than the core
# Each room, and what nothing in it may import.
CLOSED = {
    "library/**/*.py": {"tools", "pytest", "unit", "system", *OTHERS},
    "tools/**/*.py": {"pytest", "unit", "system", *OTHERS},
    "unit/*.py": {"system", *OTHERS},
    "system/*.py": {"unit", *OTHERS},
    "conftest.py": {"unit", "system", *OTHERS},
    "claims/**/*.py": {"unit", "system", *OTHERS},
    "score/**/*.py": {"unit", "system", "tools", "claims", "adopt", "website", "lab"},
    "adopt/**/*.py": {"unit", "system", "tools", "claims", "website", "lab"},
    "website/**/*.py": {"unit", "system", "claims", "adopt", "lab"},
    "lab/**/*.py": {"unit", "system", "claims"},
}


def imported(module: Path) -> set[str]:
    """The top-level names that a module imports from elsewhere."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("room", CLOSED)
def test_a_room_imports_only_what_lies_before_it(room: str) -> None:
    wrong = {
        str(module.relative_to(TESTS)): names
        for module in TESTS.glob(room)
        if (names := imported(module) & CLOSED[room])
    }
    assert not wrong


def test_loading_the_tutorial_imports_no_engine_and_changes_no_environment() -> None:
    look = (
        "import os, sys; before = dict(os.environ); from library import tutorial; tutorial.load();"
        "print(os.environ == before, sorted({'python_on_whales', 'httpx', 'library.engine'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=TESTS, env={"PATH": os.defpath}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True []\n"


def test_no_failure_is_told_during_the_handling_of_another_one() -> None:
    """``pytest.fail`` in an ``except`` block shows both: ``raise pytest.fail.Exception(...) from None`` shows one."""
    twice = [
        f"{module.relative_to(ROOT)}:{call.lineno}"
        for module in TESTS.glob("**/test_*.py")
        for handler in ast.walk(ast.parse(module.read_text()))
        if isinstance(handler, ast.ExceptHandler)
        for call in ast.walk(handler)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.fail"
    ]
    assert not twice
