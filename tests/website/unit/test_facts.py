"""What an article states has something behind it; and false sentences, planted on purpose, are found."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from library.tutorial import ROOT, Folder, load
from tools.blocks import commands
from website.facts import SOURCES, cited, unfounded

ARTICLES = [pytest.param(folder, page, id=page.parent.name) for folder in load() for page in folder.pages]


@pytest.mark.parametrize(("folder", "page"), ARTICLES)
def test_what_a_page_states_stands_somewhere(folder: Folder, page: Path) -> None:
    found = [f"{page.relative_to(ROOT)}, {fact}" for fact in unfounded(page.read_text(), folder)]
    assert not found, "without a link, and in no file, block or generated part:\n" + "\n".join(found)


def test_a_source_is_cited_for_what_somebody_saw_in_it() -> None:
    known, now = json.loads(SOURCES.read_text()), cited()
    changed = [f"{address}\n  {text}" for address in now for text in now[address] if text not in known.get(address, [])]
    assert not changed, "open each source, see that it says so, then `make sources`:\n" + "\n".join(changed)
    assert known == now, "no page cites some of these any more: `make sources`"


@dataclass(frozen=True)
class Plant:
    """A false sentence: in the place of what is true on a page, and what finds it."""

    kind: str
    folder: str
    true: str
    false: str
    found_by: str


# Two kinds more are elsewhere: a default in test_final.py, a link in test_pages.py. What none of these sees
# is a wrong word between right names in a sentence without a source: that `PYTHONUNBUFFERED=1` holds lines back, say.
PLANTS = [
    Plant("a figure", "step-4-nontrivial", "not reacted for 30 seconds", "not reacted for 45 seconds", "facts"),
    Plant("a flag", "extra-1-compiling", "`--no-install-recommends` leaves", "`--no-suggested` leaves", "facts"),
    Plant("a practice's claim", "extra-1-compiling", "has at most a quarter of", "has at most a tenth of", "generated"),
    Plant("an output", "step-5-larger", "exit code 1\n```", "exit code 2\n```", "run"),
    Plant("an exit code", "step-1-kiss", "exit code 137 means", "exit code 143 means", "facts"),
    Plant("a file", "step-5-larger", "`compose.yaml` sets `ENV", "`deploy.yaml` sets `ENV", "facts"),
    Plant("a version", "final", "Write 3.13 there", "Write 3.12 there", "facts"),
    Plant(
        "who does what", "step-5-larger", "**A volume** is", "Kubernetes reads HEALTHCHECK. **A volume** is", "facts"
    ),
]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.kind)
def test_a_false_sentence_is_found(plant: Plant, tmp_path: Path) -> None:
    folder = next(folder for folder in load() if folder.name == plant.folder)
    page = folder.pages[0]
    text = page.read_text()
    assert text.count(plant.true) >= 1, "the page has changed: plant it elsewhere"
    planted = text.replace(plant.true, plant.false, 1)
    match plant.found_by:
        case "facts":
            assert list(unfounded(planted, folder))
        case "generated":
            (tmp_path / "README.md").write_text(planted)
            cog = [str(Path(sys.executable).with_name("cog")), "--check", "-I", "tests", str(tmp_path / "README.md")]
            assert subprocess.run(cog, cwd=ROOT, capture_output=True, check=False).returncode == 5
        case "run":  # tests/system/test_articles.py compares it with what is printed
            assert [step.shown for step in commands(text)] != [step.shown for step in commands(planted)]
