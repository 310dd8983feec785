"""The first practice that CONTRIBUTING.md shows: made in a copy, it needs nothing else, and is seen red and green."""

import os
import re
import subprocess
import sys
from pathlib import Path

from library.repository import copy_files
from library.tutorial import ROOT


def run(copy: Path, *command: str) -> str:
    """What a tool prints in the copy, without what says that a run of pytest is going on already."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = (sys.executable, "-m", *command)
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_the_practice_that_contributing_shows(tmp_path: Path) -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    shown = re.search(r"`(tests/library/practices/\S+\.py)`:\n\n```python\n(.*?)```", page, re.DOTALL)
    assert shown
    name = Path(shown[1]).stem.replace("_", "-")
    cells = ("pytest", "tests/system/test_practices.py", "-k", f"final:{name} or extra-3-precommit:{name}")
    copy_files(ROOT, tmp_path)
    (tmp_path / shown[1]).write_text(shown[2])
    assert f"no folder adds {name}" in run(tmp_path, *cells)

    table = tmp_path / "tests/tutorial.toml"
    table.write_text(table.read_text().replace('    "watched",\n', f'    "watched",\n    "{name}",\n'))
    assert "All checks passed!" in run(tmp_path, "ruff", "check", shown[1])
    assert "1 file already formatted" in run(tmp_path, "ruff", "format", "--check", shown[1])
    assert re.search(r" [1-9]\d* passed", unit := run(tmp_path, "pytest", "tests/unit", "-k", name)), unit
    assert " 2 passed" in (green := run(tmp_path, *cells)), green

    compose = tmp_path / "final/compose.yaml"
    compose.write_text(compose.read_text().replace("  init: true\n", ""))
    red = run(tmp_path, *cells)
    assert " 1 failed, 1 passed" in red
    assert f"{name} does not hold in final.\nExpected: " in red
    assert "By hand:\n  cd final\n  docker compose exec web cat /proc/1/comm" in red
