"""The generated parts of the pages are up to date."""

import subprocess
import sys

import pytest

from library import tutorial
from library.tutorial import ROOT

PAGES = ["README.md", "tests/README.md", *(f"{folder.name}/README.md" for folder in tutorial.load())]


@pytest.mark.parametrize("page", PAGES)
def test_generated_parts_are_up_to_date(page: str) -> None:
    cog = [sys.executable, "-m", "cogapp", "--check", "--diff", "-I", "tests", page]
    check = subprocess.run(cog, cwd=ROOT, capture_output=True, text=True, check=False)
    assert check.returncode == 0, f"{page} is stale; `make docs` writes it anew:\n{check.stdout}{check.stderr}"
