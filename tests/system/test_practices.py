"""Every claim of the articles, on every folder: it holds from the folder that adds it, and is seen to fail before."""

from typing import Any

import pytest

from library import tutorial
from library.engine import BuildFailed, NotReady
from library.practices import PRACTICES, NotAsked, Practice, Violation
from library.subject import Subject, subjects, wrong_subject

FOLDERS = tutorial.load()


def cells(thorough: bool) -> list[Any]:
    """(subject, practice, whether it must hold) for every cell of the scoreboard that applies.

    What is slow to be seen to fail is looked at right before the lesson that adds it, and elsewhere if ``thorough``.
    """
    found = []
    for folder in FOLDERS:
        if wrong := wrong_subject(folder):
            found += [(wrong, PRACTICES[id_], False) for id_ in folder.adds]
        taught_next = {id_ for other in FOLDERS if folder.name in other.builds_on for id_ in other.adds}
        spared = (
            set() if thorough else {p.id for p in PRACTICES.values() if p.slow_to_fail} - folder.holds - taught_next
        )
        asked = [p for p in PRACTICES.values() if p.applies_to(folder.has) and p.id not in spared]
        found += [(subject, p, p.id in folder.holds) for subject in subjects(folder) for p in asked]
    return [pytest.param(s, p, holds, id=f"{s.name}:{p.id}") for s, p, holds in found]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "practice" in metafunc.fixturenames:
        metafunc.parametrize(("subject", "practice", "holds"), cells(metafunc.config.getoption("--thorough")))


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
