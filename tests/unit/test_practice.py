"""``make practice`` says of every practice what tutorial.toml says, and of a new one where it belongs."""

import pytest

from library.practices import PRACTICES
from library.tutorial import load
from tools.practice import where_it_belongs

FOLDERS = load()
FIRST = "step-1-kiss/wrong.Dockerfile"


@pytest.mark.parametrize("practice", PRACTICES)
def test_a_practice_belongs_where_the_tutorial_names_it(practice: str) -> None:
    holds = {folder.name: practice in folder.holds for folder in FOLDERS}
    holds |= {FIRST: practice in FOLDERS[0].starts_with, "extra-1-compiling/slim.Dockerfile": False}
    keys = ("starts_with", "adds", "gives_up")
    named = {(folder.name, key) for folder in FOLDERS for key in keys if practice in getattr(folder, key)}
    assert set(where_it_belongs(holds)) == named


def test_what_nobody_can_ask_a_folder_is_as_in_the_folder_before() -> None:
    assert list(where_it_belongs({FIRST: False, "step-3-basic": True})) == [("step-3-basic", "adds")]
