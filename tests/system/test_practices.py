"""Every claim of the articles, on every folder: it holds from the folder that adds it, and is seen to fail before."""

from typing import Any

import pytest

from library.engine import BuildFailed, NotReady, shown
from library.matrix import Cell, cells
from library.practices import NotAsked, Practice, Violation
from library.subject import Subject


def parameter(cell: Cell) -> Any:
    """A cell as a test: `make test STEP=...` leaves out what takes a minute to be seen not to hold."""
    marks = [pytest.mark.daily] if cell.daily else []
    if cell.practice.slow_to_fail and not (cell.holds or cell.daily):
        marks.append(pytest.mark.thorough)
    id_ = f"{cell.subject.name}:{cell.practice.id}"
    return pytest.param(cell.subject, cell.practice, cell.holds, id=id_, marks=marks)


@pytest.mark.parametrize(("subject", "practice", "holds"), [parameter(cell) for cell in cells()])
def test_practice(subject: Subject, practice: Practice, holds: bool) -> None:
    try:
        practice.check(subject)
    except Violation as violation:
        if holds:
            raise pytest.fail.Exception(explain(subject, practice, violation), pytrace=False) from None
    except (BuildFailed, NotReady, NotAsked) as error:
        message = f"{practice.id} could not be seen in {subject.name}: {error}"
        raise pytest.fail.Exception(message, pytrace=False) from None
    else:
        if not holds:
            pytest.fail(
                f"{practice.id} holds in {subject.name} already, so no later folder teaches it.\n"
                f"It says: {practice.sentence}\n"
                f"`make practice ONLY={practice.id}` says where tests/tutorial.toml has to name it.",
                pytrace=False,
            )


def explain(subject: Subject, practice: Practice, violation: Violation) -> str:
    return (
        f"{practice.id} does not hold in {subject.name}.\n"
        f"Expected: {practice.sentence}\nSeen: {violation.seen}\n{shown(subject.by_hand(*violation.by_hand))}"
    )
