"""Put final's files into a project, and make them work there: ``make adopt PROJECT=../shop``.

What the project's files say is a guess (`guess`). A copy of the project gets final's files (`draft`) and is tried
(`trial`); what goes wrong is mended, one thing after the other (`remedies`). The project is changed at the end, when
the copy works.
"""

import argparse
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from filecmp import cmp
from functools import partial
from pathlib import Path
from textwrap import indent

from library import clock, engine
from library.engine import SCRATCH
from library.repository import copy_folder
from library.subject import Subject
from library.tutorial import FINAL_FILES
from score.composing import COMPOSE_FILES, Unusable
from score.pool import TooLong, at_most

from . import remedies
from .draft import FINAL, LISTS, Draft, lacking, put_final
from .guess import Manager, find_app, find_manager, python_versions, repository, workspace
from .remedies import minor
from .trial import Failure, attempt, bring, is_here, without_wheels

LIMIT = 600  # seconds (see `clock`) for all trials of a project together; by the wall clock at most three times that
ROUNDS = 20
same = partial(cmp, shallow=False)  # byte by byte


@dataclass
class Options:
    """What the reader has said."""

    project: Path = Path()
    app: str = ""
    manager: str = ""
    force: bool = False
    tries: bool = True
    adds: bool | None = None


def say(line: str) -> None:
    print(f"adopt: {line}", file=sys.stderr, flush=True)


def agrees(question: str, *, default: bool) -> bool | None:
    """What somebody at a terminal answers; None where nobody is there."""
    if not sys.stdin.isatty():
        return None
    answer = input(f"adopt: {question} [{'Y/n' if default else 'y/N'}] ").strip().lower()
    return answer in ("y", "yes") or (default and not answer)


def adopt(project: Path, options: Options) -> tuple[Draft, list[str]]:
    """Put final's files into a project, with what it needs besides.

    Returns:
        What was decided, and the names of the files that are new or changed.

    Raises:
        Unusable: something is not known, or does not work; the project is as it was.
    """
    if not project.is_dir():
        raise Unusable(f"there is no folder {project}: PROJECT is the path of a project")
    manager = find_manager(project, options.manager)
    app = find_app(project, options.app)
    newest = Subject("final", FINAL).parsed.base_image.partition("python:")[2].partition("-")[0]
    versions = python_versions(project, newest)
    names = lacking(project, app)
    may_add(names, manager, options)
    may_replace(project, FINAL_FILES, force=options.force)

    # Its own name: what `COPY` sends, BuildKit keeps by it. And as deep: files above it may belong to it.
    whole = project.resolve()
    copy = SCRATCH / "adopted" / whole.relative_to(repository(whole).parent)
    copy_folder(whole, copy, without=".git")
    draft = put_final(copy, app, manager, *versions, project=whole)
    remedies.foresee(draft)
    say(f"{app.name}, packages kept by {keeper(manager)}, Python {draft.version}")
    draft.wanted = names
    if options.tries:
        try:
            with at_most(3 * LIMIT):
                try_and_mend(draft)
        except TooLong as error:
            raise Unusable(f"it does not work after {LIMIT // 60} minutes: {'; '.join(draft.done) or error}") from error
        except Unusable as reason:
            if sys.stdin.isatty():
                print(indent("\n".join(reason.log.splitlines()[-15:]), "  "), file=sys.stderr)
                say(str(reason))
            if not agrees("write it all the same?", default=False):
                raise
    else:
        export(draft)
    draft.leave_out_tests()
    return draft, write(draft)


def keeper(manager: Manager | None) -> str:
    return manager.name if manager else "a plain list"


def try_and_mend(draft: Draft) -> None:
    """Try a draft and mend it, until it works; Unusable where nothing is known that helps."""
    start = clock.seconds()
    for number in range(1, ROUNDS + 1):
        if clock.seconds() - start > LIMIT:
            raise TooLong(f"{number - 1} trials")
        draft.in_vain = {}
        for failure in trial(draft, number):
            if line := remedies.mend(draft, failure):
                say(f"  {line}")
                break
            draft.in_vain[failure.stage] = failure.cause
            if failure.stops:
                cause = failure.cause
                if draft.until:
                    cause = f"{draft.too_new} (with the packages of {draft.until}: {cause})"
                elif draft.without_image and "cannot be had" not in cause:
                    gone = " or ".join(draft.without_image)
                    cause = f"{draft.too_new or cause} (no image of Python {gone} can be had)"
                if draft.absent:
                    cause = f"{cause} ({without(draft)})"
                nothing = "nothing was changed (TRY=0 writes what there is)"
                raise Unusable(f"it does not work yet: {cause}; {nothing}", failure.text)
        else:
            say("it works")
            return
    raise Unusable(f"it does not work after {ROUNDS} trials: {'; '.join(draft.done)}")


def without(draft: Draft) -> str:
    """What the trial had in the place of images that cannot be had."""
    pairs = (f"{other or 'nothing'} in the place of {image}" for image, other in draft.absent.items())
    return f"the trial had {' and '.join(pairs)}, which cannot be had here"


def trial(draft: Draft, number: int) -> Iterator[Failure]:
    """Make the lists where they are not those of this draft, look for wheels the first time, and try it."""
    try:
        export(draft)
        if not draft.looked_for_wheels:
            say("looking for wheels")
            draft.looked_for_wheels = True
            choose_python(draft)
            export(draft)
    except Unusable as error:
        yield Failure("lists", getattr(error, "whole", "") or error.log or str(error))
        return
    say(f"trial {number}: build, import, start, ask, stop")
    yield from attempt(draft, number)


def export(draft: Draft) -> None:
    """Make the lists where they are not those of this draft, in the image of its Python.

    Raises:
        Unusable: there is no such image, or the packages cannot be resolved.
    """
    if not is_here(draft.base):
        say(f"{draft.base} is not here: it is fetched, or a stand-in of it is made")
        if refusal := bring(draft.base):
            raise Unusable(refusal)
    draft.export()


def choose_python(draft: Draft) -> None:
    """Take the newest Python for which the fewest packages have no wheel, if that is another one."""
    missing = without_wheels(draft)
    if not missing.get(draft.version):
        return
    best = min(missing, key=lambda version: (len(missing[version]), -minor(version)))
    if len(missing[best]) < len(missing[draft.version]):
        names = ", ".join(sorted(set(missing[draft.version]) - set(missing[best])))
        say(f"  no wheel of {names} for Python {draft.version}: Python {best} ({remedies.USE})")
        draft.done.append(f"Python {best}, for which there are wheels of {names}")
        draft.set_version(best)


def may_add(names: Sequence[str], manager: Manager | None, options: Options) -> None:
    """Ask before packages are added to the project's own; Unusable where they are not to be."""
    if not names or options.adds:
        return
    how = manager.add.format(" ".join(names)) if manager else f"write {' and '.join(names)} into your list"
    are, them = ("is", "it") if len(names) == 1 else ("are", "them")
    line = f"{' and '.join(names)} {are} not among the project's packages"
    if options.adds is not None or agrees(f"{line}: add {them}?", default=True) is False:
        raise Unusable(f"{line}: {how}, and call this again")
    say(f"{line}: added ({remedies.USE})")


def may_replace(project: Path, names: Sequence[str], *, force: bool) -> None:
    """Ask before files are replaced; Unusable where they are to stay, or nobody is there to say."""
    there = [name for name in names if (project / name).exists() and not same(project / name, FINAL / name)]
    question = f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already"
    if there and not force and not agrees(f"{question}: replace?", default=False):
        raise Unusable(f"{question}: nothing was changed; FORCE=1 replaces them")


def write(draft: Draft) -> list[str]:
    """Copy what is new or changed into the project; nothing interrupts that half-way."""
    changed = []
    names = [*FINAL_FILES, *LISTS, *(draft.manager.locks if draft.manager else ())]
    names += [str(member.relative_to(draft.folder) / "pyproject.toml") for member in workspace(draft.folder)]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        for name in dict.fromkeys(names):
            source, target = draft.folder / name, draft.project / name
            if source.exists() and not (target.exists() and same(source, target)):
                shutil.copy2(source, target)
                changed.append(name)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return changed


def left_to_do(draft: Draft, changed: Sequence[str], *, tried: bool) -> list[str]:
    """At most three lines that say what nobody else can do."""
    project, lines = draft.project, []
    to_write = [f"{name}, whose place {sample} had in the trial" for name, sample in draft.samples.items()]
    if draft.made_up:
        names = " and ".join(sorted(draft.made_up))
        of_env = "into a file .env beside compose.yaml, which demands them; the trial had made-up values"
        to_write.insert(0, f"{names} {of_env}")
    begin = [f"write {'; '.join(to_write)}"] if to_write else []
    if draft.commands:
        why = f", which did not work in the trial: {draft.in_vain['migrate']}" if "migrate" in draft.in_vain else ""
        begin.append(f"prepare the database before you start it: docker compose run --rm migrate{why}")
    if "page" in draft.in_vain:
        why = draft.in_vain["page"].removeprefix("adopt: ")
        begin.append(f"see to it that /health answers, or Docker calls it unhealthy: {why}")
    if draft.lost:
        begin.append(f"have the app keep {draft.lost} elsewhere, in /data on a volume: a restart empties /tmp")
    if begin:
        lines.append("; ".join(begin))
    elif not tried:
        lines.append(f"start it: docker compose up --build; if it does not work: {remedies.WRONG}")
    older = [name for name in COMPOSE_FILES[1:] if (project / name).exists()]
    about_compose = [f"compose.yaml goes before {name}: move over what you need" for name in older[:1]]
    about_compose += [without(draft)] if draft.absent else []
    about_compose += [f"what the old Dockerfile builds in {draft.node} is not in this image"] if draft.node else []
    lines += ["; ".join(about_compose)] if about_compose else []
    add = f"look at the changes, and commit them: git add {' '.join(sorted(changed))}"
    tests = "" if "  test:" in draft.read("compose.yaml") else "; no tests were found for a service test"
    host = f" HOST={draft.host}" if draft.host else ""
    lines.append(f"{add}; `make score PROJECT={project}{host}` asks the practices{tests}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Put final's files into a project.")
    parser.add_argument("--project", type=lambda text: Path(text).expanduser(), required=True)
    parser.add_argument("--app")
    parser.add_argument("--manager")
    for name, field in (("force", "force"), ("try", "tries"), ("add", "adds")):
        parser.add_argument(f"--{name}", dest=field, type=lambda text: text.lower() not in ("0", "no", "false"))
    options = parser.parse_args(namespace=Options())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with engine.session():
            draft, changed = adopt(options.project, options)
            lines = left_to_do(draft, changed, tried=options.tries)
    except Unusable as reason:
        if reason.log:
            print(reason.log, file=sys.stderr)
        print(f"adopt: {reason}", file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, EOFError):
        print("\nadopt: stopped; the project is as it was", file=sys.stderr)
        sys.exit(130)
    new = ", ".join(changed) or "nothing"
    print(f"adopt: {draft.app.name}, packages kept by {keeper(draft.manager)}; new or changed: {new}")
    for number, line in enumerate(lines, 1):
        print(f"  {number}. {line}")


if __name__ == "__main__":
    main()
