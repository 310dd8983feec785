"""A page is about its folder, its links lead somewhere, and it can be read in an editor.

That generated parts are up to date, a hook says; `make links` lists the links that lead elsewhere.
"""

import re
from pathlib import Path

import pytest

from library.sabotages import EXERCISES
from library.tutorial import ROOT, Folder, load, short_name
from tools.blocks import commands
from website.links import PAGES, dead

FOLDERS = load()


def lacking(folder: Folder, text: str) -> list[str]:
    """What an article of this folder needs and has not; a part about another folder stands for its own."""
    title = f"# {short_name(folder.name).capitalize().replace('-', ' ')}: {folder.title}"
    lacks = [] if title.lower() in text.lower().splitlines() else [f"the title: {title}"]
    parts = ["navigation", "adds", *["exercises"] * any(exercise.folder == folder for exercise in EXERCISES)]
    calls = [f'pages.{part}("{folder.name}")' for part in parts]
    lacks += [f"a generated part: {call}" for call in calls if call not in text]
    about = re.findall(r'pages\.(navigation|adds|exercises|diff)\("([\w-]+)"', text)
    return lacks + [f'its own {part} in the place of "{name}"' for part, name in about if name != folder.name]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_article_is_about_its_own_folder(folder: Folder) -> None:
    missing = lacking(folder, (folder.path / "README.md").read_text())
    assert not missing, "\n".join([f"{folder.name}/README.md needs", *missing])


def test_a_copied_article_is_noticed_part_by_part() -> None:
    step_2, step_3 = FOLDERS[1:3]
    copied = (step_2.path / "README.md").read_text()
    needed = " ".join(lacking(step_3, copied))
    for part in ("the title", "own navigation", "own adds", "own exercises", "own diff"):
        assert part in needed, part


def test_the_charts_page_names_the_folders_of_each_app() -> None:
    """Its words are written by hand: who carries which app, tutorial.toml says."""
    text = " ".join((ROOT / "assets/README.md").read_text().split())
    sentences = {
        "hello, with Flask": r"([\w ,]+) carry \*hello\*",
        "guestbook, with Django": r"\. ([\w ,]+) carry a \*guestbook\*",
    }
    for app, pattern in sentences.items():
        [words] = re.findall(pattern, text)
        named: set[str] = set()
        for first, last in re.findall(r"[Ss]teps (\d) to (\d)", words):
            named |= {f"step {n}" for n in range(int(first), int(last) + 1)}
        named |= set(re.findall(r"\b(?:step|extra) \d", words.lower()))
        assert named == {short_name(folder.name).replace("-", " ") for folder in FOLDERS if app in folder.app}, app


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    found = list(dead(page))
    assert not found, "\n".join(found)


def test_a_link_to_no_heading_is_found() -> None:
    page = ROOT / "final/README.md"
    text = page.read_text()
    assert "#uv-from-elsewhere)" in text, "the page has changed: plant it elsewhere"
    assert list(dead(page, text.replace("#uv-from-elsewhere)", "#uv-from-a-mirror)", 1)))


def test_no_code_block_is_empty() -> None:
    pages = [*PAGES, *(ROOT / "tests/lab").glob("*.md")]
    assert [page for page in pages if re.search(r"^```\w+\n\s*```$", page.read_text(), re.MULTILINE)] == []


@pytest.mark.parametrize(
    "page", [page for folder in FOLDERS for page in folder.pages], ids=lambda page: page.parent.name
)
def test_lines_are_wrapped(page: Path) -> None:
    text = page.read_text()
    text = re.sub(r"<!-- \[\[\[cog.*?\[\[\[end\]\]\] -->|^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    # A table's row, a picture and a comment are one line each.
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "!", "<"))] == []


def test_no_command_needs_a_base_image_that_the_engine_lists() -> None:
    """A build leaves no tag of its base image behind, so a reader's engine does not know it by name; ours does."""
    dockerfiles = "\n".join(file.read_text() for folder in FOLDERS for file in folder.path.glob("*Dockerfile"))
    bases = "|".join(sorted(map(re.escape, set(re.findall(r"^FROM (\S+:\S+)", dockerfiles, re.MULTILINE)))))
    needing = re.compile(rf"docker (image|inspect|history|save|tag)\b(?! pull).*(?<=[ /])({bases})(?![\w.-])")
    pages = [page for folder in FOLDERS for page in folder.pages]
    steps = [(page.parent.name, step) for page in pages for step in commands(page.read_text())]
    assert [f"{name}:{step.line}: {step.command}" for name, step in steps if needing.search(step.command)] == []
