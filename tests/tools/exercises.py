"""The exercises: ``python -m tools.exercises`` lists them, lays one out, checks it, and gives hints.

``make exercise``, ``make check`` and ``make hint`` call it. What is broken, and its symptom, stands in the file of the
practice that it is about; what is asked of a repaired copy are the practices that this sabotage breaks.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import httpx
from python_on_whales.exceptions import DockerException

from library import engine, tutorial
from library.practices import PRACTICES, Practice, Violation
from library.repository import copy_folder
from library.sabotages import EXERCISES, Exercise
from library.subject import Subject
from library.tutorial import ROOT, Folder

INTO = ROOT / "exercises"  # which Git ignores


def list_exercises(into: Path) -> None:
    """Print the number, the folder and the symptom of every exercise, and which of them are laid out."""
    for exercise in EXERCISES:
        here = f", laid out in {_shown(into / exercise.slug)}" if (into / exercise.slug).exists() else ""
        print(f"{exercise.number:3}  {exercise.folder.name}{here}")
        print(_indented(exercise.sabotage.symptom, 5))
    print("\nmake exercise N=3 lays out the third: a copy of its folder with one thing broken.")


def lay_out(exercise: Exercise, into: Path, *, force: bool) -> None:
    """Write the broken copy, also in place of one that is there (``force``); say what a user sees and what to do."""
    path = into / exercise.slug
    if path.exists() and not force:
        sys.exit(
            f"exercise: {_shown(path)} is there already, with your work in it: make check N={exercise.number}"
            f" looks at it, make exercise N={exercise.number} FORCE=1 drops your work and lays it out anew"
        )
    _bring_up(exercise.folder)
    into.mkdir(exist_ok=True)
    # Complete before it takes the other's place, also when somebody presses Ctrl-C.
    with tempfile.TemporaryDirectory(dir=into, prefix=".") as folder:
        new = Path(folder, exercise.slug)
        exercise.lay_out(new)
        if path.exists():
            print(f"exercise: dropped what was in {_shown(path)}")
            path.rename(Path(folder, "old"))
        new.rename(path)
    print(
        f"Exercise {exercise.number}: a copy of {exercise.folder.name} in which one thing is broken. What users say:\n"
    )
    print(_indented(exercise.sabotage.symptom, 2))
    print("\nSee it yourself, find the reason, and repair it there:\n")
    print(f"  cd {_shown(path)}\n  docker compose up --build\n")
    print("Then, in this directory:\n")
    print(f"  make check N={exercise.number}    says whether it is repaired")
    print(f"  make hint N={exercise.number}     says what to look for")


def check(exercise: Exercise, into: Path) -> None:
    """Ask the practices that the sabotage breaks about the copy: all hold, or end with what is still seen."""
    path = into / exercise.slug
    if not path.is_dir():
        sys.exit(f"check: exercise {exercise.number} is not laid out yet: make exercise N={exercise.number}")
    _bring_up(exercise.folder)
    # The quick ones first: one that does not hold is enough.
    practices = sorted((PRACTICES[id_] for id_ in exercise.sabotage.breaks), key=lambda p: (p.slow, p.id))
    failure = ""
    with engine.session():
        # Under the folder's name, which the app's answer carries; what you change meanwhile makes no difference.
        copy = engine.SCRATCH / "exercise" / exercise.folder.name
        copy_folder(path, copy)
        subject = Subject(
            f"exercise-{exercise.number}", copy, None, exercise.sabotage.reachable_with, has=exercise.folder.has
        )
        for number, practice in enumerate(practices, start=1):
            which = f", {number} of {len(practices)}" if len(practices) > 1 else ""
            print(f"check: building and trying {_shown(path)}{which}", flush=True)
            if failure := _failure(practice, subject):
                break
    if failure:
        failure = failure.replace(f"cd {exercise.folder.name}\n", f"cd {_shown(path)}\n")
        sys.exit(f"✘ Not yet. Seen: {failure}\nmake hint N={exercise.number} says what to look for.")
    for practice in practices:
        print(f"✔ {practice.id}: {practice.sentence}")
    print(f"\nExercise {exercise.number} is solved. The tutorial's own files, with the reasons in their comments:\n")
    print(f"  git diff --no-index {_shown(path)} {exercise.folder.name}")


def hint(exercise: Exercise, *, more: bool) -> None:
    """Print the practices that do not hold; with ``more`` also the articles that teach them."""
    for id_ in sorted(exercise.sabotage.breaks):
        print(f"{id_}: {PRACTICES[id_].sentence}")
        if more:
            print(f"  {teacher(exercise.folder, id_).name}/README.md teaches it")
    if not more:
        print(f"\nmake hint N={exercise.number} MORE=1 says where it is taught.")


def teacher(folder: Folder, practice: str) -> Folder:
    """The folder nearest to this one, itself included, whose article teaches a practice."""
    folders = {other.name: other for other in tutorial.load()}
    queue = [folder]
    for candidate in queue:
        if practice in (*candidate.adds, *candidate.starts_with):
            return candidate
        queue += [folders[name] for name in candidate.builds_on]
    raise ValueError(f"{folder.name}: no folder that it builds on teaches {practice}")


def _failure(practice: Practice, subject: Subject) -> str:
    """What is seen instead of a practice, and the commands that show it; nothing where it holds."""
    try:
        practice.check(subject)
    except Violation as violation:
        return f"{violation.seen}\n{engine.shown(subject.by_hand(*violation.by_hand))}"
    except DockerException as error:
        return f"Docker refuses it:\n{(error.stderr or str(error)).strip()}"
    except (engine.BuildFailed, engine.NotReady, httpx.HTTPError, OSError, RuntimeError) as error:
        return str(error)
    return ""


def _bring_up(folder: Folder) -> None:
    """See that an engine answers and the folder's base images are there, as other targets do for all folders."""
    for command in ([ROOT / "bootstrap/engine.sh"], [ROOT / "bootstrap/bases.sh", folder.path]):
        if failed := subprocess.run(command, check=False).returncode:
            sys.exit(failed)


def _shown(path: Path) -> Path:
    """A path as somebody writes it who is in the repository."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _indented(text: str, columns: int) -> str:
    return textwrap.fill(text, 100, initial_indent=" " * columns, subsequent_indent=" " * columns)


def _chosen(number: str, command: str) -> Exercise:
    if not number:
        sys.exit(f"{command}: which exercise? make {command} N=3; make exercise lists them")
    for exercise in EXERCISES:
        if str(exercise.number) == number:
            return exercise
    sys.exit(f"{command}: there is no exercise N={number}: choose 1 to {len(EXERCISES)}; make exercise lists them")


def main(command_line: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["exercise", "check", "hint"])
    parser.add_argument("number", help="of the exercise, from 1; `exercise` without one lists them")
    parser.add_argument("--force", action="store_true", help="lay out anew what is there already")
    parser.add_argument("--more", action="store_true", help="the second hint")
    parser.add_argument("--into", type=Path, default=INTO, help="the directory that holds what is laid out")
    arguments = parser.parse_args(command_line)
    if arguments.command == "exercise" and not arguments.number:
        try:
            list_exercises(arguments.into)
            sys.stdout.flush()
        except BrokenPipeError:  # `| head` has seen enough; Python would complain once more when it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    exercise = _chosen(arguments.number, arguments.command)
    try:
        match arguments.command:
            case "exercise":
                lay_out(exercise, arguments.into, force=arguments.force)
            case "check":
                check(exercise, arguments.into)
            case "hint":
                hint(exercise, more=arguments.more)
    except KeyboardInterrupt:
        sys.exit(f"{arguments.command}: stopped")


if __name__ == "__main__":
    main()
