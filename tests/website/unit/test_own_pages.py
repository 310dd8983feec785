"""A folder's page is about that folder: a copied one still has the other's title, navigation, diff or exercises."""

import re

import pytest

from library.sabotages import EXERCISES
from library.tutorial import ROOT, Folder, load, short_name

FOLDERS = load()
# The generated parts that each article has, and those that are about its own folder where it has them.
PARTS = ("navigation", "adds")
OWN = ("navigation", "adds", "exercises", "diff")


def lacking(folder: Folder, text: str) -> list[str]:
    """What an article of this folder needs and has not; a part about another folder stands for its own."""
    title = f"# {short_name(folder.name).capitalize().replace('-', ' ')}: {folder.title}"
    lacks = [] if title.lower() in text.lower().splitlines() else [f"the title: {title}"]
    exercises = ("exercises",) * any(exercise.folder.name == folder.name for exercise in EXERCISES)
    parts = {part: f'pages.{part}("{folder.name}")' for part in (*PARTS, *exercises)}
    lacks += [f"a generated part: {call}" for call in parts.values() if call not in text]
    calls = re.findall(rf'pages\.({"|".join(OWN)})\("([\w-]+)"', text)
    return lacks + [f'its own {part} in the place of "{name}"' for part, name in calls if name != folder.name]


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
