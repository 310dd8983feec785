"""The sabotages still fit their folders, and the exercises made of them tell nothing but the symptom."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from library import tutorial
from library.matrix import daily_sabotages
from library.practices import PRACTICES
from library.repository import copy_files, files, write_files
from library.sabotages import COMMENTED, COMMENTS, EXERCISES, FOLDERS, SABOTAGES, Exercise, Sabotage, break_copy
from library.tutorial import ROOT
from tools.exercises import main, teacher

INSTRUCTIONS = re.compile(r"\b(ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|RUN|SHELL|USER|WORKDIR)\b")

every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: f"{sabotage.folder}:{sabotage.what}")
def test_a_sabotage_fits_its_folder_and_breaks_what_holds_there(sabotage: Sabotage, tmp_path: Path) -> None:
    folder = FOLDERS[sabotage.folder]
    copy_files(folder.path, tmp_path)
    break_copy(tmp_path, sabotage)
    assert sabotage.breaks
    assert sabotage.breaks <= folder.holds


def test_those_of_make_test_fit_into_one_copy_of_their_folder(tmp_path: Path) -> None:
    daily = daily_sabotages()
    for name in {sabotage.folder for sabotage in daily}:
        copy_files(FOLDERS[name].path, tmp_path / name)
        break_copy(tmp_path / name, *(sabotage for sabotage in daily if sabotage.folder == name))


def test_there_are_at_least_twelve_exercises_and_one_or_two_for_each_folder() -> None:
    count = Counter(exercise.folder.name for exercise in EXERCISES)
    folders = [folder.name for folder in tutorial.load()]
    assert list(count) == folders, "each needs a Sabotage with a symptom: CONTRIBUTING.md, An exercise"
    assert set(count.values()) <= {1, 2}
    assert len(EXERCISES) >= 12


@every_exercise
def test_a_symptom_names_no_instruction_and_no_practice(exercise: Exercise) -> None:
    symptom = exercise.sabotage.symptom
    assert not INSTRUCTIONS.search(symptom)
    assert not [id_ for id_ in PRACTICES if id_ in symptom]
    assert symptom.endswith(".")


@every_exercise
def test_one_file_is_broken_and_nothing_else_but_comments_and_the_article_is_missing(
    exercise: Exercise, tmp_path: Path
) -> None:
    exercise.lay_out(tmp_path)
    folder = exercise.folder.path
    laid_out = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert laid_out == {*files(folder)} - {Path("README.md")}
    different = set()
    for file in laid_out:
        before, after = (folder / file).read_text(), (tmp_path / file).read_text()
        if file.suffix in COMMENTED:
            before = COMMENTS.sub("", before)
        if before != after:
            different.add(str(file))
    assert different == {exercise.sabotage.file}
    assert not COMMENTS.search((tmp_path / exercise.sabotage.file).read_text())


@every_exercise
def test_an_article_teaches_what_it_is_about(exercise: Exercise) -> None:
    for practice in exercise.sabotage.breaks:
        assert practice in teacher(exercise.folder, practice).adds


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Give the tool a command line; what it prints, or the one line with which it stops."""

    def answer(*arguments: str) -> str:
        try:
            main([*arguments, "--into", str(tmp_path)])
        except SystemExit as stopped:
            return str(stopped.code)
        return capsys.readouterr().out

    return answer


def test_the_list_has_every_symptom_and_says_what_is_laid_out(ask: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / EXERCISES[2].slug).mkdir()
    shown = " ".join(ask("exercise", "").split())
    assert all(exercise.sabotage.symptom in shown for exercise in EXERCISES)
    assert shown.count("laid out in") == 1


def test_a_list_that_nobody_reads_to_its_end_is_no_error() -> None:
    listing = f"{sys.executable} -m tools.exercises exercise '' | true"
    done = subprocess.run(["bash", "-c", listing], cwd=ROOT / "tests", capture_output=True, text=True, check=False)
    assert not done.stderr


@pytest.mark.parametrize(
    ("command", "number", "says"),
    [
        ("exercise", "99", "there is no exercise N=99: choose 1 to"),
        ("exercise", "0", "there is no exercise N=0"),
        ("check", "abc", "there is no exercise N=abc"),
        ("check", "", "which exercise? make check N=3"),
        ("hint", "", "which exercise? make hint N=3"),
        ("hint", "-1", "there is no exercise N=-1"),
        ("check", "1", "exercise 1 is not laid out yet: make exercise N=1"),
    ],
)
def test_a_wrong_number_is_one_line(
    command: str, number: str, says: str, ask: Callable[..., str], tmp_path: Path
) -> None:
    said = ask(command, number)
    assert says in said
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_work_that_is_there_stays_there(ask: Callable[..., str], tmp_path: Path) -> None:
    work = write_files(tmp_path / EXERCISES[0].slug, {"Dockerfile": "FROM my-own"})
    said = ask("exercise", "1")
    assert "FORCE=1" in said
    assert len(said.splitlines()) == 1
    assert (work / "Dockerfile").read_text() == "FROM my-own"


def test_the_first_hint_names_the_practice_and_the_second_one_the_article(ask: Callable[..., str]) -> None:
    first, second = ask("hint", "6"), ask("hint", "6", "--more")
    assert "hang-noticed" in first
    assert "MORE=1" in first
    assert "README.md" not in first
    assert "step-4-nontrivial/README.md" in second
