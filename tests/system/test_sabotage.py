"""The checks can fail: one change in a folder turns the practices red that it breaks, and no others.

A change that is an exercise is repaired with the folder's own files, too, and its practices hold again.

Of the others, the full run asks those that look at the image or at one running container: those that build again or
start containers of their own would take ten minutes for each change. `make test` makes the changes whose practices it
sees fail nowhere else, those of a folder in one copy: it is built once.
"""

from typing import Any

import pytest

from library.engine import BuildFailed
from library.matrix import daily_sabotages
from library.practices import PRACTICES, Violation
from library.repository import copy_files
from library.sabotages import FOLDERS, SABOTAGES, Sabotage, break_copy
from library.subject import Subject, subject_of


def seen_red(copy: Subject, practices: set[str]) -> dict[str, str]:
    """What is seen in the place of those of these practices that do not hold."""
    seen = {}
    for practice in sorted(practices):
        try:
            PRACTICES[practice].check(copy)
        except (Violation, BuildFailed) as red:
            seen[practice] = str(red)
    return seen


def of_folder(sabotages: list[Sabotage]) -> list[Any]:
    """The sabotages of each folder together, as parameters."""
    folders = dict.fromkeys(sabotage.folder for sabotage in sabotages)
    return [
        pytest.param([one for one in sabotages if one.folder == name], id=name, marks=pytest.mark.about(name))
        for name in folders
    ]


@pytest.mark.daily
@pytest.mark.parametrize("sabotages", of_folder(daily_sabotages()))
def test_practices_are_seen_to_fail(sabotages: list[Sabotage]) -> None:
    whole = subject_of(FOLDERS[sabotages[0].folder])
    reachable_with = {name: value for sabotage in sabotages for name, value in sabotage.reachable_with.items()}
    with whole.copied("with what fails", reachable_with=reachable_with) as copy:
        break_copy(copy.path, *sabotages)
        copy.built_image()  # a practice that needs a changed build of it may not build it
        broken = {practice for sabotage in sabotages for practice in sabotage.breaks}
        assert seen_red(copy, broken).keys() == broken


def parameter(sabotage: Sabotage) -> Any:
    id_ = f"{sabotage.folder}:{'+'.join(sorted(sabotage.breaks))}:{sabotage.what.replace(' ', '-')}"
    marks = [pytest.mark.about(sabotage.folder), pytest.mark.thorough(or_its_step=True)]
    return pytest.param(sabotage, id=id_, marks=marks)


@pytest.mark.parametrize("sabotage", [parameter(sabotage) for sabotage in SABOTAGES])
def test_sabotage_is_seen_by_its_practices_alone(sabotage: Sabotage, request: pytest.FixtureRequest) -> None:
    folder = FOLDERS[sabotage.folder]
    whole = subject_of(folder)
    thorough = request.config.getoption("--thorough")
    with whole.copied(f"with {sabotage.what}", reachable_with=sabotage.reachable_with) as copy:
        break_copy(copy.path, sabotage)
        others = {name for name in folder.holds if thorough and not PRACTICES[name].slow}
        seen = seen_red(copy, sabotage.breaks | others)
    assert seen.keys() == sabotage.breaks, seen
    if sabotage.symptom and thorough:
        with whole.copied(f"with {sabotage.what} and repaired", reachable_with=sabotage.reachable_with) as copy:
            break_copy(copy.path, sabotage)
            copy_files(folder.path, copy.path)
            for practice in sabotage.breaks:
                PRACTICES[practice].check(copy)
