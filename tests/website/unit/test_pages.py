"""The pages can be read in an editor. That their generated parts are up to date, a hook says."""

import re
from pathlib import Path

import pytest

from library import tutorial
from library.tutorial import ROOT
from tools.blocks import commands

PAGES = [
    "README.md",
    "assets/README.md",
    "tests/README.md",
    "tests/lab/README.md",
    "tests/lab/hadolint.md",
    "tests/lab/mutants.md",
    *(str(page.relative_to(ROOT)) for folder in tutorial.load() for page in folder.pages),
]


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


def test_no_command_needs_a_base_image_that_the_engine_lists() -> None:
    """A build leaves no tag of its base image behind, so a reader's engine does not know it by name; ours does."""
    dockerfiles = "\n".join(file.read_text() for folder in tutorial.load() for file in folder.path.glob("*Dockerfile"))
    bases = "|".join(sorted(map(re.escape, set(re.findall(r"^FROM (\S+:\S+)", dockerfiles, re.MULTILINE)))))
    needing = re.compile(rf"docker (image|inspect|history|save|tag)\b(?! pull).*(?<=[ /])({bases})(?![\w.-])")
    pages = [page for folder in tutorial.load() for page in folder.pages]
    steps = [(page.parent.name, step) for page in pages for step in commands(page.read_text())]
    assert [f"{name}:{step.line}: {step.command}" for name, step in steps if needing.search(step.command)] == []
