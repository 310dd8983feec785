"""Every claim of the articles, on every folder: it holds from the folder that adds it, and is seen to fail before."""

from typing import Any

import pytest

from library import tutorial
from library.engine import BuildFailed, NotReady
from library.practices import PRACTICES, NotAsked, Practice, Violation
from library.subject import Subject, subjects, wrong_subject

FOLDERS = tutorial.load()
COPIED = "final"


def cells(*, thorough: bool, one_folder: bool) -> list[Any]:
    """(subject, practice, whether it must hold) for every cell of the scoreboard that applies.

    What is slow to be seen is asked in the folder that adds it, in the one before, where it must fail, and in the one
    that people copy. Elsewhere it is asked if somebody runs ``one_folder`` (but for what is slow to be seen to fail),
    and all of it if ``thorough``.
    """
    found = []
    for folder in FOLDERS:
        if wrong := wrong_subject(folder):
            found += [(wrong, PRACTICES[id_], False) for id_ in folder.adds]
        for subject in subjects(folder):
            decided = {*folder.adds, *folder.gives_up}
            if subject.name == folder.name:  # not a variant of it
                decided |= {id_ for other in FOLDERS if folder.name in other.builds_on[-1:] for id_ in other.adds}
            if one_folder or folder.name == COPIED:
                decided |= folder.holds
            if one_folder:
                decided |= {p.id for p in PRACTICES.values() if not p.slow_to_fail}
            asked = [p for p in PRACTICES.values() if p.applies_to(folder.has)]
            found += [(subject, p, p.id in folder.holds) for p in asked if thorough or not p.slow or p.id in decided]
    return [pytest.param(s, p, holds, id=f"{s.name}:{p.id}") for s, p, holds in found]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "practice" in metafunc.fixturenames:
        option = metafunc.config.getoption
        found = cells(thorough=option("--thorough"), one_folder=bool(option("--step")))
        metafunc.parametrize(("subject", "practice", "holds"), found)


def test_practice(subject: Subject, practice: Practice, holds: bool) -> None:
    try:
        practice.check(subject)
    except Violation as violation:
        if holds:
            pytest.fail(explain(subject, practice, violation), pytrace=False)
    except (BuildFailed, NotReady, NotAsked) as error:
        pytest.fail(f"{practice.id} could not be seen in {subject.name}: {error}", pytrace=False)
    else:
        if not holds:
            pytest.fail(
                f"{practice.id} holds in {subject.name} already, so no later folder teaches it.\n"
                f"It says: {practice.sentence}\n"
                "Move it to where it first holds in tests/tutorial.toml, and correct the articles.",
                pytrace=False,
            )


def explain(subject: Subject, practice: Practice, violation: Violation) -> str:
    return (
        f"{practice.id} does not hold in {subject.name}.\n"
        f"Expected: {practice.sentence}\nSeen: {violation.seen}\nBy hand:\n  {subject.by_hand(*violation.by_hand)}"
    )
