"""Every claim of the articles, on every folder: it holds from the folder that adds it, and is seen to fail before."""

from typing import Any

import pytest

import tutorial
from engine import BuildFailed, NotReady, Subject, subjects, wrong_subject
from practices import PRACTICES, Practice, Violation

FOLDERS = tutorial.load(PRACTICES)


# What takes a minute or so to be seen not to hold. Right before the lesson that adds it, everything is looked at; in
# other folders these are, with ``--thorough``.
SLOW_TO_FAIL = {
    "any-uid", "bad-config-refused", "cached-dependencies", "cached-downloads", "configured-by-env", "crash-traceback",
    "lean-context", "verified-hashes", "workers-fit-cpus",
}  # fmt: skip


def cells(thorough: bool) -> list[Any]:
    """(subject, practice, whether it must hold) for every cell of the scoreboard that applies."""
    found = []
    for folder in FOLDERS:
        if wrong := wrong_subject(folder):
            found += [(wrong, id_, False) for id_ in folder.adds]
        taught_next = {id_ for other in FOLDERS if folder.name in other.builds_on for id_ in other.adds}
        spared = set() if thorough else SLOW_TO_FAIL - folder.holds - taught_next
        applicable = [id_ for id_ in PRACTICES if id_ not in {*folder.not_applicable, *spared}]
        found += [(subject, id_, id_ in folder.holds) for subject in subjects(folder) for id_ in applicable]
    return [pytest.param(s, PRACTICES[p], holds, id=f"{s.name}:{p}") for s, p, holds in found]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "practice" in metafunc.fixturenames:
        metafunc.parametrize(("subject", "practice", "holds"), cells(metafunc.config.getoption("--thorough")))


def test_practice(subject: Subject, practice: Practice, holds: bool) -> None:
    try:
        practice.check(subject)
    except Violation as violation:
        if holds:
            pytest.fail(explain(subject, practice, violation), pytrace=False)
    except (BuildFailed, NotReady) as error:
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
