"""A mistake in ``tutorial.toml`` is one clear error."""

import re
from pathlib import Path

import pytest

from library.tutorial import ROOT, Folder, TutorialError, check_practices, load

GOOD = """
[[folder]]
name = "one"
title = "One"
promise = "First."
builds_on = []
app = "clock"
adds = ["answers"]
wrong = { dockerfile = "wrong.Dockerfile" }

[[folder]]
name = "two"
title = "Two"
promise = "Second."
builds_on = ["one"]
has = ["clock"]
adds = ["stops"]
"""


def _load(text: str, tmp_path: Path) -> tuple[Folder, ...]:
    for name in ("one", "two"):
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / "tutorial.toml").write_text(text)
    load.cache_clear()
    folders = load(tmp_path / "tutorial.toml", tmp_path)
    check_practices(folders, {"answers": None, "stops": "clock"})
    return folders


def test_a_folder_holds_what_it_adds_and_what_it_builds_on(tmp_path: Path) -> None:
    one, two = _load(GOOD, tmp_path)
    assert one.holds == {"answers"}
    assert two.holds == {"answers", "stops"}


def test_a_folder_has_what_it_builds_on_has(tmp_path: Path) -> None:
    text = GOOD.replace('has = ["clock"]\n', "").replace('app = "clock"\n', 'app = "clock"\nhas = ["clock"]\n')
    _, two = _load(text, tmp_path)
    assert two.has == {"clock"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('adds = ["stops"]', 'adds = ["flies"]', "two: unknown practice flies"),
        ('adds = ["stops"]', 'adds = ["answers"]', "two: adds answers twice, one holds it already"),
        ('adds = ["stops"]', 'adds = ["stops", "stops"]', "two: stops is named twice"),
        ('adds = ["stops"]', "adds = []", "no folder adds stops"),
        ('builds_on = ["one"]', 'builds_on = ["two"]', "two: builds on two, which comes later or builds on two itself"),
        ('builds_on = ["one"]', 'builds_on = ["nine"]', "two: builds on nine, which is not listed"),
        ("builds_on = []", 'builds_on = ["two"]', "one: builds on two, which comes later"),
        ('builds_on = ["one"]', "builds_on = []", "two: needs builds_on or a wrong Dockerfile"),
        ('name = "two"', 'name = "one"', "one: listed twice"),
        ('app = "clock"\n', "", "one: app is missing, and it builds on no folder"),
        ('name = "two"', 'name = "three"', "three: no such folder"),
        ('title = "Two"', 'title = "Two"\nreference = "more"', "two: there is no more"),
        ('title = "Two"', 'titel = "Two"', "two: unknown key titel"),
        ('title = "Two"\n', "", "two: title is missing"),
        ('adds = ["stops"]', 'adds = ["stops"]\ngives_up = { stops = "why" }', "two: stops is named twice"),
        (
            'adds = ["answers"]',
            'adds = ["answers"]\ngives_up = { stops = "why" }',
            "one: gives up stops, which it never had",
        ),
        ('has = ["clock"]', "has = []", "two: stops needs a clock, which `has` does not name"),
        ('has = ["clock"]', 'has = ["clock", "bell"]', "two: no practice needs bell, which `has` names"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(TutorialError, match=re.escape(message)):
        _load(GOOD.replace(old, new), tmp_path)


def test_every_folder_of_the_repository_is_in_the_tutorial() -> None:
    there = {path.parent.name for path in ROOT.glob("*/compose.yaml")}
    missing = sorted(there - {folder.name for folder in load()})
    assert not missing, f"add to tests/tutorial.toml a [[folder]] for {', '.join(missing)}: CONTRIBUTING.md, A folder"
