"""Ask the practices about any project: ``make score PROJECT=../shop``.

The project is copied, built and started; every practice that can be asked is asked of it, a few at a time, by processes
of their own. Progress goes to standard error, the result to standard output.
"""

import argparse
import functools
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from library import engine
from library.engine import BuildFailed, last_line
from library.practices import MARKS, PRACTICES, Answer, ask, known
from library.subject import Subject
from score import pool, project
from score.composing import Unusable
from score.report import COMPARED, FORMATS, Result, Scored, got_worse, taught_by

WORKERS = 3  # processes; most of a practice is waiting
LIMIT = 300  # seconds for one practice


@contextmanager
def _asking(subject: Subject, image: str) -> Iterator[Callable[[str], Answer]]:
    """What asks one practice after the other in a session of its own."""

    def do(name: str) -> Answer:
        with pool.at_most(LIMIT):
            return ask(PRACTICES[name], subject)

    with engine.session():
        subject.take_image(image)
        yield do


def ask_all(
    subject: Subject, names: Sequence[str], progress: Callable[[str, Answer], None], at_a_time: int = WORKERS
) -> dict[str, Answer]:
    """Ask several practices at a time.

    Args:
        subject: what is asked; it has been built.
        names: the ids of the practices.
        progress: is called with each answer.
        at_a_time: how many processes ask.
    """
    answers: dict[str, Answer] = {}

    def done(name: str, answer: Answer | None) -> None:
        answers[name] = answer or Answer("not asked", "could not be asked: the process that asked has ended")
        progress(name, answers[name])

    # What takes longest first, so that nobody waits for it alone at the end.
    longest = sorted(names, key=lambda name: (PRACTICES[name].slow, PRACTICES[name].slow_to_fail, name), reverse=True)
    worker = functools.partial(_asking, subject, subject.image_name)
    pool.work_through(iter(longest), worker, done, min(at_a_time, len(longest)))
    return answers


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def score(arguments: argparse.Namespace, names: Sequence[str], folder: Path, label: str = "") -> Scored:
    """Build and start a project, and ask the practices.

    Args:
        arguments: those of the command line.
        names: the ids of the practices.
        folder: where the project is.
        label: what tells it from another one that is asked, too.

    Raises:
        Unusable: it does not build, start or answer.
    """
    say(f"score: copying {folder}")
    options = {field.name: getattr(arguments, field.name) for field in fields(project.Options)}
    prepared = project.prepare(folder, project.Options(**options), label)
    already_shown = len(prepared.notes)
    for note in prepared.notes:
        say(f"score: {note}")
    subject = prepared.subject
    say(f"score: building {subject.name}")
    try:
        subject.built_image()
    except BuildFailed as failed:
        raise Unusable("it does not build: the log above ends with the reason", failed.output) from failed
    prepared = project.choose_port(prepared)
    say("score: starting it")
    prepared = project.first_start(prepared)
    subject = prepared.subject
    for note in prepared.notes[already_shown:]:
        say(f"score: {note}")
    # What only the tutorial's folders can have is not mentioned to anybody else who does not name it.
    named = {*arguments.only, *arguments.require}
    names = [name for name in names if subject.ours or name in named or PRACTICES[name].concerns_everybody(subject.has)]
    say(f"score: asking {len(names)} practices, {arguments.workers} at a time")
    done = iter(range(1, len(names) + 1))

    def progress(name: str, answer: Answer) -> None:
        say(f"  {next(done):2}/{len(names)} {MARKS[answer.outcome]} {name}")

    answers = ask_all(subject, names, progress, arguments.workers)
    results = [
        Result(practice, answer, taught_by(name), subject.by_hand(*answer.by_hand))
        for name, practice in PRACTICES.items()
        if (answer := answers.get(name))
    ]
    return prepared, results


def compare(arguments: argparse.Namespace, names: Sequence[str]) -> tuple[Scored, Scored]:
    """Ask two folders, or two commits of a project.

    Raises:
        Unusable: there is no such folder or commit, or one of them cannot be asked.
    """
    if not arguments.before or not (arguments.after or arguments.project):
        raise Unusable("BEFORE= and AFTER= name two folders, or two commits of PROJECT; without AFTER, PROJECT is")
    folders = [_folder_of(option, getattr(arguments, option), arguments.project) for option in ("before", "after")]
    return score(arguments, names, folders[0], "before"), score(arguments, names, folders[1], "after")


def _folder_of(option: str, name: str, repository: Path | None) -> Path:
    """The folder of this name, or a clone of the project at this commit; the project itself where there is no name.

    Raises:
        Unusable: there is neither.
    """
    if repository and not name:
        return repository
    if (folder := Path(name).expanduser()).is_dir():
        return folder
    if not repository:
        raise Unusable(f"{option.upper()}={name} is no folder; to name a commit, say of what: PROJECT=../shop")

    def git(*command: str, where: Path = repository) -> str:
        # Git reads no repository of another user's, unless the command says that it may.
        run = ["git", "-c", "safe.directory=*", "-C", str(where), *command]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        if done.returncode:
            line = f"{option.upper()}={name} is no folder, and no commit of {repository}: {last_line(done.stderr)}"
            raise Unusable(line)
        return done.stdout.strip()

    commit = git("rev-parse", "--verify", f"{name}^{{commit}}")
    top = Path(git("rev-parse", "--show-toplevel"))
    clone = engine.SCRATCH / option / top.name
    git("clone", "--quiet", "--no-checkout", str(top), str(clone))
    git("checkout", "--quiet", commit, where=clone)
    return clone / repository.resolve().relative_to(top.resolve())


def chosen(arguments: argparse.Namespace) -> list[str]:
    """The ids of the practices to ask.

    Raises:
        Unusable: one that is named does not exist.
    """
    for option in ("require", "only", "skip"):
        for name in getattr(arguments, option):
            try:
                known(name, option.upper())
            except ValueError as reason:
                raise Unusable(str(reason)) from None
    if both := set(arguments.require) & set(arguments.skip):
        raise Unusable(f"REQUIRE and SKIP both name {', '.join(sorted(both))}")
    wanted = {*(arguments.only or PRACTICES), *arguments.require} - set(arguments.skip)
    return [name for name in PRACTICES if name in wanted]


def main() -> None:
    def words(text: str) -> list[str]:
        return text.replace(",", " ").split()

    def files(text: str) -> list[str]:
        return re.split(r"[\s,:]+", text.strip())

    def path(text: str) -> Path:
        return Path(text).expanduser()

    parser = argparse.ArgumentParser(description="Ask the practices about a project.")
    parser.add_argument("--project", type=path)
    for option in ("before", "after", "service", "page", "slow", "host"):
        parser.add_argument(f"--{option}", default="")
    parser.add_argument("--compose", type=files, default=[])
    parser.add_argument("--env-file", type=path)
    parser.add_argument("--format", default="text")
    parser.add_argument("--workers", type=int, default=WORKERS)
    for option in ("require", "only", "skip"):
        parser.add_argument(f"--{option}", type=words, default=[])
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if arguments.format not in FORMATS:
            raise Unusable(f"FORMAT is one of {', '.join(FORMATS)}, not {arguments.format}")
        comparing = bool(arguments.before or arguments.after)
        if comparing and arguments.format not in COMPARED:
            raise Unusable(f"what is compared is told as FORMAT={' or '.join(COMPARED)}")
        names = chosen(arguments)
        start = time.monotonic()
        worse: list[Result] = []
        with engine.session():
            if comparing:
                before, scored = compare(arguments, names)
                worse = got_worse(before[1], scored[1])
                print(COMPARED[arguments.format](before, scored))
            elif arguments.project:
                scored = score(arguments, names, arguments.project)
                print(FORMATS[arguments.format](*scored))
            else:
                raise Unusable("which project? For example: PROJECT=../shop")
        say(f"score: {time.monotonic() - start:.0f} s")
    except Unusable as reason:
        if reason.log:
            say(textwrap.indent(reason.log, "  "))
        say(f"score: {reason}")
        sys.exit(2)
    except KeyboardInterrupt:
        say("score: stopped; nothing is left of what it started")
        sys.exit(130)
    outcomes = {result.practice.id: result.answer.outcome for result in scored[1]}
    missed = [f"{name} ({outcomes[name]})" for name in arguments.require if outcomes[name] != "holds"]
    if missed:
        say(f"score: REQUIRE: {', '.join(missed)}")
    if missed or worse:
        sys.exit(1)


if __name__ == "__main__":
    main()
