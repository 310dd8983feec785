"""The generated parts of the pages are up to date, and the others can be read in an editor."""

import re
from pathlib import Path

import pytest
from cogapp import Cog

from library import tutorial
from library.tutorial import ROOT

PAGES = [
    "README.md",
    "assets/README.md",
    "tests/README.md",
    "tests/mutants.md",
    *(str(page.relative_to(ROOT)) for folder in tutorial.load() for page in folder.pages),
]


def test_generated_parts_are_up_to_date(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    # One object for all pages: it makes the module `cog`, which tools.pages imports once.
    stale = Cog().main(["cog", "--check", "--diff", "-I", "tests", *PAGES])
    said = capsys.readouterr()
    assert not stale, f"`make docs` writes what is stale anew:\n{said.out}{said.err}"


def test_no_code_block_is_empty() -> None:
    empty = [name for name in PAGES if re.search(r"^```\w+\n\s*```$", (ROOT / name).read_text(), re.MULTILINE)]
    assert not empty, f"a block without code: {', '.join(empty)}"


@pytest.mark.parametrize(
    "page", [page for folder in tutorial.load() for page in folder.pages], ids=lambda page: page.parent.name
)
def test_lines_are_wrapped(page: Path) -> None:
    text = page.read_text()
    text = re.sub(r"<!-- \[\[\[cog.*?\[\[\[end\]\]\] -->|^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    # A table's row, a picture and a comment are one line each.
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "!", "<"))] == []
