"""The matrix: every practice, asked of every folder that it applies to, and where `make test` sees it."""

from dataclasses import dataclass

from .practices import PRACTICES, Practice
from .sabotages import FOLDERS, SABOTAGES, Sabotage
from .subject import Subject, subject_of, wrong_subject
from .tutorial import Folder

# What `make test` runs of the rooms' system tests besides cells and sabotages: all tests whose names begin so.
DAILY_TESTS = (
    "test_adopt.py::test_the_files_are_those_of_the_manual_steps[flask]",
    "test_articles.py::test_commands_of_the_article[final]",
    "test_articles.py::test_commands_of_the_article[step-",
    "test_articles.py::test_commands_that_are_not_run_say_why",
    "test_commands.py",
    "test_contract.py",
    "test_guestbook.py::test_sign_in_a_browser[step-5-larger]",
    "test_guestbook.py::test_the_copy_in_extra_1_has_not_drifted",
    "test_projects.py::test_answers_and_stops_gracefully[flask]",
    "test_score.py::test_make_passes_everything_on_and_says_what_is_required",
)


@dataclass(frozen=True)
class Cell:
    """A practice asked of a subject: it ``holds`` or is seen not to, and `make test` asks it if it is ``daily``."""

    subject: Subject
    practice: Practice
    holds: bool
    daily: bool


# After which changed line `make test` sees soonest that a practice does not hold. In step 2, each of the other three
# would install everything again, Poetry too, for half a minute of a CPU: step 3's article shows the harm there.
SEEN_AFTER_A_CHANGE = {
    "cached-dependencies": "settings copied before the packages",
    "fits-kubernetes": "another user than the image's",
    "lean-context": "Git's files sent along",
    "unrelated-changes": "Git's files sent along",
}
# And so it asks the first one a folder later: step 2's article shows that it holds there. The other is seen to hold of
# the files that are copied into other projects.
ASKED_LATER = {"verified-hashes": "step-3-basic", "repeatable-build": "final"}


def is_daily(folder: Folder, practice: Practice) -> bool:
    """Whether `make test` asks a practice of a folder.

    What is slow, where it is first added and right before that. What is quick, of every folder; but of one that builds
    on final, and so starts the same (test_final.py sees to that), only what it adds, and what reads files of its own.
    """
    if practice.slow:
        first = next(one for one in FOLDERS.values() if practice.id in (*one.adds, *one.starts_with))
        before = first.builds_on[-1:] if practice.id not in SEEN_AFTER_A_CHANGE else ()
        return folder.name in (ASKED_LATER.get(practice.id, first.name), *before)
    reads_files = practice.builds or practice.needs == "published"
    return practice.id in folder.adds or reads_files or folder.builds_on != ("final",)


def cells() -> list[Cell]:
    """Every cell that applies, those of the Dockerfiles among them that a folder is compared with, in reading order."""
    matrix = []
    for folder in FOLDERS.values():
        if wrong := wrong_subject(folder):
            added = [PRACTICES[id_] for id_ in folder.adds]
            matrix += [Cell(wrong, practice, False, not (practice.slow and folder.builds_on)) for practice in added]
        matrix += [
            Cell(subject_of(folder), practice, practice.id in folder.holds, is_daily(folder, practice))
            for practice in PRACTICES.values()
            if practice.applies_to(folder.has)
        ]
    return matrix


def daily_sabotages() -> list[Sabotage]:
    """The sabotages that `make test` makes: for each practice that no daily cell sees fail, that one or the first."""
    unseen = PRACTICES.keys() - {cell.practice.id for cell in cells() if cell.daily and not cell.holds}
    daily = [sabotage for sabotage in SABOTAGES if sabotage.what in SEEN_AFTER_A_CHANGE.values()]
    unseen -= SEEN_AFTER_A_CHANGE.keys()
    for sabotage in sorted(SABOTAGES, key=lambda one: -len(one.breaks)):  # those that several see
        if sabotage.breaks & unseen:
            daily.append(sabotage)
            unseen -= sabotage.breaks
    return daily
