"""The checks can fail: one change in a folder turns the practices red that it breaks, and no others.

A change that is an exercise is repaired with the folder's own files, too, and its practices hold again.

The others are those that look at the image or at one running container. Those that build again or start containers of
their own take a minute for each change: they are asked where they must notice it, and everywhere with ``--thorough``.
So are most changes made: the matrix shows every day that their practices fail one step earlier.
"""

from typing import Any

import pytest

from library.engine import BuildFailed
from library.practices import PRACTICES, Violation, needs
from library.repository import copy_files
from library.sabotages import FOLDERS, SABOTAGES, Sabotage
from library.subject import Subject


def parameter(sabotage: Sabotage) -> Any:
    """A sabotage as a test. A run of all folders has those whose practices the matrix never sees fail."""
    marks = [pytest.mark.about(sabotage.folder)]
    if not any(needs()[practice] for practice in sabotage.breaks):
        marks.append(pytest.mark.thorough(or_its_step=True))
    return pytest.param(sabotage, id=f"{sabotage.folder}:{sabotage.what.replace(' ', '-')}", marks=marks)


@pytest.mark.parametrize("sabotage", [parameter(sabotage) for sabotage in SABOTAGES])
def test_sabotage_is_seen_by_its_practices_alone(sabotage: Sabotage, request: pytest.FixtureRequest) -> None:
    folder = FOLDERS[sabotage.folder]
    seen = {}
    whole = Subject(folder.name, folder.path)
    with whole.copied(f"with {sabotage.what}", reachable_with=sabotage.reachable_with) as copy:
        sabotage.break_copy(copy.path)
        thorough = request.config.getoption("--thorough")
        for practice in sorted(folder.holds if thorough else sabotage.breaks):
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
