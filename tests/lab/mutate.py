"""Ask the practices about every mutant of a folder's files: ``make mutate STEP=final``.

What came of each mutant is written to ``mutations.json`` at once; a run that was interrupted is continued by the
next one. A mutant is *killed* by the first practice that does not hold any more, or else by the first of the folder's
own tests; it is *refused* by the builder, by compose or by the engine, or it *survives*. Those that
``equivalents.toml`` gives a reason for are not run.
"""

import argparse
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_on_whales.exceptions import DockerException

from lab import mutations
from lab.mutations import MORE_FILES, Mutant
from library import clock, engine, reaper, tutorial
from library.engine import BuildFailed, NotReady
from library.practices import PRACTICES, NotAsked, Practice, Violation, last_line_of
from library.practices.logs import COLOURS
from library.repository import copy_files
from library.sabotages import SABOTAGES
from library.subject import Subject, shared
from library.tutorial import ROOT, Folder
from score import pool

FILE = ROOT / "tests/lab/mutations.json"
LIMIT = 300  # seconds for one practice
STARTS_WITHIN = 20  # seconds until the first answer, or ten times what the folder's own files take
SAID = 160  # characters of what a practice saw
CLOSEST = 4  # so many of those who are likely to notice a mutant are asked first

# The tests that say more of a folder than practices do, by the mutants that they could notice. They
# are asked, in a copy of the repository, where every practice holds.
TESTS = [
    (r"^uwsgi\.ini", ("test_guestbook.py", "test_hostile_clients.py")),
    (r"^entrypoint\.sh", ("test_guestbook.py",)),
    (r"^compose\.yaml.*(x-app|services\.(web|db))", ("test_guestbook.py",)),
    (r"^compose\.yaml.*(services\.(dev|test)|: (dev|test):)", ("test_watch.py", "test_developing.py")),
    (r"^compose\.yaml.*(ports|profiles)", ("test_contract.py",)),
    (r"^Dockerfile \((export|build|last stage)\)", ("test_guestbook.py",)),
    (r"^Dockerfile .*(invalidation|compile|network)|^\.dockerignore: [^*!]", ("test_traps.py",)),
    (r"^Dockerfile \(test\)", ("test_watch.py", "test_developing.py")),
    (r"^Dockerfile \(cyclonedx\)", ("test_publishing.py",)),
    (r"^Caddyfile|^compose\.tls", ("test_deploying.py",)),
    (r"^stack\.yaml.*mode:", ("test_articles.py",)),
    (r"settings\.py", ("test_guestbook.py",)),
]
# What a container that does not answer at all is killed by.
ANSWERS = PRACTICES["answers-curl"]
# What these files say is in the image, and nowhere else.
OF_IMAGE = {"Dockerfile", ".dockerignore"}


def path_of(module: str) -> str:
    """Where in the repository a module of tests is that needs the engine: in the core or in another room."""
    others = ROOT.glob(f"tests/*/system/{module}")
    return next((str(path.relative_to(ROOT)) for path in others), f"tests/system/{module}")


@dataclass(frozen=True)
class Task:
    """A mutant to judge, and who is asked: the likely practices, the likely tests, the other practices."""

    folder: Folder
    mutant: Mutant
    likely: tuple[str, ...]
    tests: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.folder.name}/{self.mutant.id}"


@dataclass(frozen=True)
class Verdict:
    """What came of a mutant: the outcome, the practice that saw it, what it saw, and seconds by practice."""

    outcome: str
    by: str
    seen: str
    seconds: dict[str, float]


class RedAnyway(Exception):
    """A test is red with the folder as it is, so it says nothing of a mutant."""


@contextmanager
def judging() -> Iterator[Callable[[Task], Verdict | None]]:
    """What judges one mutant after the other, in a session of its own; None where it had to give up."""
    with engine.session():
        originals: dict[str, _Original] = {}

        def do(task: Task) -> Verdict | None:
            folder = task.folder
            whole = Subject(folder.name, folder.path, has=folder.has)
            if folder.name not in originals:
                originals[folder.name] = _original(whole)
            try:
                return _judge(task, whole, originals[folder.name])
            except pool.TooLong:
                return None  # a busy machine, or another process that builds: this says nothing of the mutant
            except RedAnyway as red:
                print(f"mutate: {red}", file=sys.stderr, flush=True)
                return None
            finally:
                reaper.sweep(f"{engine.SESSION}-{folder.name}-mutant")

        yield do


@dataclass(frozen=True)
class _Original:
    """The folder as it is: what is in its image, and the seconds that a mutant has until its first answer."""

    content: object
    starts_within: float


def _original(whole: Subject) -> _Original:
    with whole.started() as running:
        began = clock.seconds()
        running.wait_until_ready()
        took = clock.seconds() - began
    return _Original(_content(whole.built_image()), max(STARTS_WITHIN, 10 * took))


def _content(image: str) -> object:
    """What tells an image from another one: its layers and its configuration, compose's own labels aside."""
    found = engine.inspect(image)
    config = found["Config"]
    labels = config.pop("Labels", None) or {}
    ours = {name: value for name, value in labels.items() if not name.startswith("com.docker.compose.")}
    return found["RootFS"], config, ours


def _judge(task: Task, whole: Subject, original: _Original) -> Verdict:
    """Build and start a mutant, and ask until a practice does not hold."""
    mutant, took = task.mutant, dict[str, float]()

    def verdict(outcome: str, by: str = "", seen: str = "") -> Verdict:
        return Verdict(outcome, by, presentable(seen), took)

    with whole.copied("mutant") as copy:
        file = copy.path / mutant.file
        file.write_text(mutant.apply(file.read_text()))
        likely, others = ([PRACTICES[name] for name in names] for names in (task.likely, task.others))
        # What only reads the Dockerfile needs no build; what the builder refuses nobody else has to.
        readers = [practice for practice in (*likely, *others) if practice.builds and not practice.slow]
        for practice in readers:
            if seen := _seen(practice, copy, took):
                return verdict("killed", practice.id, seen)
        try:
            same = mutant.file in OF_IMAGE and _content(copy.built_image()) == original.content
            if not same:
                _share(copy, original.starts_within)
        except BuildFailed as refused:
            return verdict("refused", "builder", engine.last_line(refused.output))
        except NotReady as silent:
            return verdict("killed", ANSWERS.id, silent.brief)
        except DockerException as refused:
            return verdict("refused", "engine", last_line_of(refused))

        def noticed_by(practices: list[Practice]) -> Verdict | None:
            for practice in practices:
                asked = practice not in readers and concerns(practice, mutant, same_image=same)
                if asked and (seen := _seen(practice, copy, took)):
                    return verdict("killed", practice.id, seen)
            return None

        if killed := noticed_by(likely):
            return killed
        for name in task.tests:
            module, _, test = name.partition("::")
            if red := red_test(task, [module], test):
                return verdict("killed", *red)
        if killed := noticed_by(others):
            return killed
    modules = dict.fromkeys(name for pattern, names in TESTS if re.search(pattern, mutant.id) for name in names)
    if modules and (red := red_test(task, modules)):
        return verdict("killed", *red)
    return verdict("survives")


def red_test(task: Task, modules: Iterable[str], expression: str = "") -> tuple[str, str] | None:
    """The first of a folder's tests that is red with a mutant in a copy of the repository, and what it saw.

    Args:
        task: the folder and its mutant.
        modules: those that have the tests.
        expression: which of their tests, as ``pytest -k`` has it; by default all that `make test STEP=...` runs.

    Raises:
        RedAnyway: the folder as it is turns the same test red.
        TooLong: they took longer than a busy machine may take.
    """
    tests = [path_of(name) for name in modules]
    options = ("--thorough", "-k", expression) if expression else ()
    red = _first_red(task.folder, task.mutant, tests, options)
    if not red:
        return None
    test, seen = red
    if (task.folder.name, test) not in _green:
        if anyway := _first_red(task.folder, None, [test], ("--thorough",)):
            raise RedAnyway(f"{test} is red with {task.folder.name} as it is: {anyway[1]}")
        _green.add((task.folder.name, test))
    return re.sub(r"^tests/(\w+/)?system/|\[.*", "", test), seen


_green: set[tuple[str, str]] = set()  # folders, and the tests that this process has seen green with them as they are


def _first_red(
    folder: Folder, mutant: Mutant | None, tests: Sequence[str], options: Sequence[str]
) -> tuple[str, str] | None:
    """The first test that is red in a copy of the repository, as pytest names it, and what it saw."""
    with tempfile.TemporaryDirectory(dir=engine.SCRATCH) as scratch:
        root = Path(scratch, "repository")
        copy_files(ROOT, root)
        if mutant:
            file = root / folder.name / mutant.file
            file.write_text(mutant.apply(file.read_text()))
        command = [sys.executable, "-m", "pytest", "-q", "--exitfirst", "--tb=no", "--show-capture=no", "-rfE"]
        try:
            done = subprocess.run(
                [*command, *options, f"--step={folder.name}", *tests],
                cwd=root, env={**os.environ, "COLUMNS": "1000"}, capture_output=True, text=True, timeout=1200,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as expired:
            raise pool.TooLong(str(expired)) from expired
    if done.returncode in (0, 5):  # 5: the folder has no test among these
        return None
    red = re.search(r"^(?:FAILED|ERROR) (tests/\S+?(?:\[.*?\])?)(?: - (.*))?$", done.stdout, re.MULTILINE)
    if not red:
        raise RuntimeError(f"pytest ends with {done.returncode}: {engine.last_line(done.stdout + done.stderr)}")
    return red[1], red[2] or "it is red"


def concerns(practice: Practice, mutant: Mutant, *, same_image: bool) -> bool:
    """Whether a practice could notice a mutant, with the image as it was or another one."""
    if practice.family == "commit":
        return False  # it is about the hooks' own file
    if mutant.file in OF_IMAGE:
        # The service `test` has an image of its own.
        return practice.builds or practice.needs == "test-service" or not same_image
    if mutant.file == "compose.yaml":
        return not practice.builds or "build" in mutant.part or "build" in mutant.old or "<<" in mutant.what
    # What is about these other files needs them, and may build something of its own.
    return not practice.builds or (mutant.file in MORE_FILES and practice.needs is not None)


def _share(copy: Subject, limit: float) -> None:
    """Start the shared container of a mutant, and wait for its first answer so many seconds.

    Raises:
        NotReady: none came.
    """
    with ExitStack() as stack:
        running = stack.enter_context(copy.started(restart="no"))
        running.wait_until_ready(limit=limit)
        shared.take(copy, running, stack.pop_all())


def _seen(practice: Practice, subject: Subject, took: dict[str, float]) -> str:
    """What a practice saw where it does not hold; nothing where it does."""
    began = time.monotonic()
    try:
        with pool.at_most(LIMIT):
            practice.check(subject)
    except (Violation, NotAsked) as red:
        return str(red) or "it does not hold"
    except (BuildFailed, NotReady) as red:
        return red.brief
    except pool.TooLong:
        raise
    except Exception as red:  # as in a test: whatever stops the check turns it red
        return last_line_of(red)
    finally:
        took[practice.id] = time.monotonic() - began
    return ""


# What is another one in each run, or tells about this machine, and what is shown instead.
UNTOLD = (
    (COLOURS.pattern, ""),
    (r": failed to do request.*", ""),  # a registry that is not there
    (r"https?://\S+", "…"),
    (r"(var/lib/apt/lists/)[A-Za-z0-9.-]+(?=_)", r"\1…"),  # begins with the mirror's host
    (r"/\S+/bin/docker\b", "docker"),
    (r"(?:/\S*)?tutorial-[0-9a-f]{8}(?:/(?:home|tmp\w+))?(?:-[\w-]*)?", "…"),
    (r"\b[0-9a-f]{12,}\b", "…"),
    (r"\[\d{4}-\d\d-\d\d [\d: +-]+\] \[\d+\] ", ""),  # gunicorn's log
    (r"127\.0\.0\.1:\d{5}\b", "localhost"),
)


def presentable(text: str) -> str:
    """What was seen, in one line."""
    for pattern, shown in UNTOLD:
        text = re.sub(pattern, shown, text)
    text = " ".join(text.split())
    return text if len(text) <= SAID else f"{text[:SAID].rsplit(' ', 1)[0]} …"


class Results:
    """The file of results: each mutant's, and the median of the seconds that each practice takes."""

    def __init__(self, file: Path = FILE) -> None:
        self.file = file
        found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        self.practices: dict[str, float] = found.get("practices", {})
        self.folders: dict[str, dict[str, dict[str, str]]] = found.get("folders", {})
        self.took: dict[str, list[float]] = defaultdict(list)
        # Who has noticed which mutants, also in earlier runs with another file, and which sabotages.
        self.noticed: dict[str, set[str]] = defaultdict(set)
        earlier = json.loads(FILE.read_text())["folders"] if FILE.exists() else {}
        for entries in (*earlier.values(), *self.folders.values()):
            for name, entry in entries.items():
                if entry["outcome"] == "killed":
                    self.noticed[name].add(entry["by"])
        for made in SABOTAGES:
            self.noticed[f"{Path(made.file).name}: {made.what}, {made.old} → {made.new}"] |= made.breaks

    def add(self, task: Task, verdict: Verdict) -> None:
        """Write down what came of a mutant, and save."""
        name = task.mutant.id
        entry = {"outcome": verdict.outcome, "by": verdict.by, "seen": verdict.seen}
        self.folders.setdefault(task.folder.name, {})[name] = entry
        if verdict.outcome == "killed":
            self.noticed[name].add(verdict.by)
        for practice, took in verdict.seconds.items():
            if practice != verdict.by:  # what fails may wait for a limit
                self.took[practice].append(took)
                self.practices[practice] = round(statistics.median(self.took[practice]), 1)
        self.save()

    def save(self) -> None:
        """Write the file, in the order of the folders and their mutants, and only what still exists."""
        for folder in tutorial.load():
            if known := self.folders.get(folder.name):
                names = [mutant.id for mutant in mutations.mutants(folder.path)]
                self.folders[folder.name] = {name: known[name] for name in names if name in known}
        part = self.file.with_suffix(".part")
        lines = json.dumps({"practices": self.practices, "folders": self.folders}, indent=1, ensure_ascii=False)
        part.write_text(re.sub(r"\{\n +(\"outcome\".*?)\n +\}", _one_line, lines, flags=re.DOTALL) + "\n")
        part.replace(self.file)

    def closest(self, mutant: Mutant) -> list[str]:
        """Who may notice a mutant, the likeliest first.

        That is who has noticed another change of such a file with much the same words, or is a practice that says what
        it is about in these words.
        """
        words = _words(mutant.id)
        likely: dict[str, float] = defaultdict(float)

        def compare(text: str, names: Iterable[str], weight: int = 1) -> None:
            others = _words(text)
            for name in names:
                likely[name] = max(likely[name], weight * len(words & others) / len(words | others))

        for name, by in self.noticed.items():
            if re.match(rf"{re.escape(mutant.file)}[: ]", name):
                compare(name, by)
        for practice in PRACTICES.values():
            compare(f"{practice.id} {practice.sentence}", [practice.id], weight=2)  # there are no other words in it
        return sorted(likely, key=lambda name: (-likely[name], name))

    def task(self, folder: Folder, mutant: Mutant) -> Task:
        """Whom to ask of a mutant: first who has noticed its like, then what is quick."""
        closest = [name for name in self.closest(mutant) if name in folder.holds or "::" in name]
        first = closest[:CLOSEST]

        def key(name: str) -> tuple[object, ...]:
            practice = PRACTICES[name]
            usual = 30 if practice.slow_to_fail else 8 if practice.slow else 0.3
            seconds = self.practices.get(name, usual)
            rank = closest.index(name) if practice.slow and name in closest else len(closest)
            return name not in first, practice.slow, rank, seconds, name

        practices = sorted(folder.holds, key=key)
        likely = tuple(name for name in practices if name in first or not PRACTICES[name].slow)
        return Task(
            folder, mutant, likely, tuple(name for name in first if "::" in name), tuple(practices[len(likely) :])
        )


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}", name.lower()))


def _one_line(found: re.Match[str]) -> str:
    return "{" + re.sub(r"\n +", " ", found[1]) + "}"


def chosen(folders: Sequence[Folder], arguments: argparse.Namespace, results: Results) -> list[tuple[Folder, Mutant]]:
    """The mutants to judge: those without a result, or with ``--again`` all, or a sample.

    What an earlier folder of the same run will answer is still among them.
    """
    found = []
    for folder in folders:
        reasons = mutations.equivalents(folder.name)
        known = {} if arguments.again or arguments.sample else mutations.known(folder, results.folders)
        mutants = [
            mutant
            for mutant in mutations.mutants(folder.path)
            if mutant.id not in reasons and mutant.id not in known and re.search(arguments.only, mutant.id)
        ]
        if arguments.sample:
            chance = random.Random(f"{arguments.seed} {folder.name}")  # noqa: S311  it keeps no secret
            mutants = chance.sample(mutants, min(arguments.sample, len(mutants)))
        found += [(folder, mutant) for mutant in mutants]
    return found


def run(
    todo: list[tuple[Folder, Mutant]], results: Results, at_a_time: int, *, each: bool
) -> tuple[list[tuple[Task, Verdict]], int]:
    """Judge mutants, several at a time, and say what came of each and how long the rest will take.

    Without ``each``, what an earlier folder has answered meanwhile is left out.

    Returns:
        What came of them, and how many were not judged, because that took too long or a process has ended.
    """
    began = time.monotonic()
    found: list[tuple[Task, Verdict]] = []
    left, missing = len(todo), 0

    def tasks() -> Iterator[Task]:
        nonlocal left
        for folder, mutant in todo:
            if not each and mutant.id in mutations.known(folder, results.folders):
                left -= 1
            else:
                yield results.task(folder, mutant)

    def done(task: Task, verdict: Verdict | None) -> None:
        nonlocal left, missing
        left -= 1
        if verdict is None:
            missing += 1
            return
        results.add(task, verdict)
        found.append((task, verdict))
        minutes = (time.monotonic() - began) / len(found) * left / 60
        by = f" by {verdict.by}" if verdict.by else ""
        progress = f"[{len(found)}/{len(found) + left}, {minutes:.0f} min left]"
        print(f"{progress} {verdict.outcome}{by}: {task.name}", flush=True)

    pool.work_through(tasks(), judging, done, min(at_a_time, len(todo)))
    results.save()
    return found, missing


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask the practices about every mutant of a folder's files.")
    parser.add_argument("--steps", default="", help="the folders, separated by spaces; by default all")
    parser.add_argument("--only", default="", help="a regular expression: those mutants whose names match")
    parser.add_argument("--again", action="store_true", help="also those that have a result")
    parser.add_argument("--sample", type=int, default=0, help="so many of each folder, chosen by chance")
    parser.add_argument("--seed", default="", help="what decides that choice")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--results", type=Path, default=FILE, help="the file of results")
    arguments = parser.parse_args()
    folders = [folder for folder in tutorial.load() if not arguments.steps or folder.name in arguments.steps.split()]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results = Results(arguments.results)
    survived = {f"{folder.name}/{name}" for folder in folders for name in mutations.survivors(folder, results.folders)}
    todo = chosen(folders, arguments, results)
    if arguments.sample:
        print(f"mutate: {len(todo)} mutants, chosen by SEED={arguments.seed}", flush=True)
    try:
        each = bool(arguments.again or arguments.sample)
        found, missing = run(todo, results, arguments.workers, each=each) if todo else ([], 0)
    except KeyboardInterrupt:
        for stop in pool.STOPS:
            signal.signal(stop, signal.SIG_IGN)  # it is ending
        print(
            f"mutate: stopped; {arguments.results.name} has what was judged, and the next run goes on from there",
            file=sys.stderr,
        )
        sys.exit(130)
    for folder in folders:
        print(mutations.summary(folder, results.folders))
    if new := [task.name for task, verdict in found if verdict.outcome == "survives" and task.name not in survived]:
        print("\nThese turned nothing red, and no earlier run said so:", *new, sep="\n  ")
        sys.exit(1)
    if missing:
        sys.exit(
            f"mutate: {missing} were not judged (it took too long, a process has ended, or a test is red anyway): "
            "the next run does"
        )


if __name__ == "__main__":
    main()
