"""What an article states has something behind it; and false sentences, planted on purpose, are found."""

import json
import subprocess
import sys
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


# Two kinds more are elsewhere: a default in test_final.py, a link in test_pages.py. What none of these sees
# is a wrong word between right names in a sentence without a source: that `PYTHONUNBUFFERED=1` holds lines back, say.
# A page, what is true there, a false sentence for it, and what finds that.
PLANTS = {
    "a figure": ("step-4-nontrivial", "not reacted for 30 seconds", "not reacted for 45 seconds", "facts"),
    "a flag": ("extra-1-compiling", "`--no-install-recommends` leaves", "`--no-suggested` leaves", "facts"),
    "a practice's claim": ("extra-1-compiling", "has at most a quarter of", "has at most a tenth of", "generated"),
    "an output": ("step-5-larger", "exit code 1\n```", "exit code 2\n```", "run"),
    "an exit code": ("step-1-kiss", "exit code 137 means", "exit code 143 means", "facts"),
    "a file": ("step-5-larger", "`compose.yaml` sets `ENV", "`deploy.yaml` sets `ENV", "facts"),
    "a version": ("final", "Write 3.13 there", "Write 3.12 there", "facts"),
    "who does what": ("step-5-larger", "**A volume** is", "Kubernetes reads HEALTHCHECK. **A volume** is", "facts"),
}


@pytest.mark.parametrize(("name", "true", "false", "found_by"), PLANTS.values(), ids=PLANTS)
def test_a_false_sentence_is_found(name: str, true: str, false: str, found_by: str, tmp_path: Path) -> None:
    folder = next(folder for folder in load() if folder.name == name)
    text = folder.pages[0].read_text()
    assert true in text, "the page has changed: plant it elsewhere"
    planted = text.replace(true, false, 1)
    match found_by:
        case "facts":
            assert list(unfounded(planted, folder))
        case "generated":
            (tmp_path / "README.md").write_text(planted)
            cog = [str(Path(sys.executable).with_name("cog")), "--check", "-I", "tests", str(tmp_path / "README.md")]
            assert subprocess.run(cog, cwd=ROOT, capture_output=True, check=False).returncode == 5
        case "run":  # tests/system/test_articles.py compares it with what is printed
            assert [step.shown for step in commands(text)] != [step.shown for step in commands(planted)]
