"""The generated parts of the pages are up to date."""

import pytest
from cogapp import Cog

from library import tutorial
from library.tutorial import ROOT

PAGES = [
    "README.md",
    "tests/README.md",
    *(str(page.relative_to(ROOT)) for folder in tutorial.load() for page in folder.pages),
]


def test_generated_parts_are_up_to_date(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    # One object for all pages: it makes the module `cog`, which tools.pages imports once.
    stale = Cog().main(["cog", "--check", "--diff", "-I", "tests", *PAGES])
    said = capsys.readouterr()
    assert not stale, f"`make docs` writes what is stale anew:\n{said.out}{said.err}"
