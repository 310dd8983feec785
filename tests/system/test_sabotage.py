"""The checks can fail: one change in a folder turns the practices red that it breaks, and no others.

A change that is an exercise is repaired with the folder's own files, too, and its practices hold again.

Of the others, the full run asks those that look at the image or at one running container: those that build again or
start containers of their own would take ten minutes for each change. `make test` makes the changes whose practices it
sees fail nowhere else.
"""

from typing import Any

import pytest

from library.engine import BuildFailed
from library.matrix import daily_sabotages
from library.practices import PRACTICES, Violation
from library.repository import copy_files
from library.sabotages import FOLDERS, SABOTAGES, Sabotage
from library.subject import subject_of

DAILY = daily_sabotages()


def parameter(sabotage: Sabotage) -> Any:
    daily = pytest.mark.daily if sabotage in DAILY else pytest.mark.thorough(or_its_step=True)
    id_ = f"{sabotage.folder}:{sabotage.what.replace(' ', '-')}"
    return pytest.param(sabotage, id=id_, marks=[pytest.mark.about(sabotage.folder), daily])


@pytest.mark.parametrize("sabotage", [parameter(sabotage) for sabotage in SABOTAGES])
def test_sabotage_is_seen_by_its_practices_alone(sabotage: Sabotage, request: pytest.FixtureRequest) -> None:
    folder = FOLDERS[sabotage.folder]
    seen = {}
    whole = subject_of(folder)
    with whole.copied(f"with {sabotage.what}", reachable_with=sabotage.reachable_with) as copy:
        sabotage.break_copy(copy.path)
        thorough = request.config.getoption("--thorough")
        others = {name for name in folder.holds if thorough and not PRACTICES[name].slow}
        for practice in sorted(sabotage.breaks | others):
            try:
                PRACTICES[practice].check(copy)
            except (Violation, BuildFailed) as red:
                seen[practice] = str(red)
    assert seen.keys() == sabotage.breaks, seen
    if sabotage.symptom and thorough:
        with whole.copied(f"with {sabotage.what} and repaired", reachable_with=sabotage.reachable_with) as copy:
            sabotage.break_copy(copy.path)
            copy_files(folder.path, copy.path)
            for practice in sabotage.breaks:
                PRACTICES[practice].check(copy)
