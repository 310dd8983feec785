"""What can be seen while the image is built."""

import os
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from .. import edits, image, locks
from ..buildlog import BRINGS, INSTALLS
from ..dockerfile import OF_PYTHON
from ..engine import BuildFailed, NotReady, inspect, run_to_its_end, wait_until
from ..subject import Running, Subject
from . import NotAsked, Violation, practice
from .inside import brought_by_tools, installed


@practice("unnoticed")
def locked_dependencies(subject: Subject) -> None:
    """Every installed package, transitive ones too, has the version that the lock file names."""
    locked = locks.versions(subject.source)
    own = locks.own_name(subject.source)  # the project itself may be installed, too
    found = {name: version for name, version in installed(subject).items() if name != own}
    loose = {name: version for name, version in found.items() if locked.get(name) != version}
    if loose and (loose := {name: loose[name] for name in loose.keys() - brought_by_tools(subject)}):
        raise Violation(
            f"installed, but not locked at that version: {', '.join(f'{n} {v}' for n, v in sorted(loose.items()))}",
            "docker compose run --rm web pip list",
        )


@practice("access", slow=True, slow_to_fail=True, builds=True)
def verified_hashes(subject: Subject) -> None:
    """A package that is not the one that was locked stops the build, and the message says so."""
    with subject.copied("with another hash for one package") as copy:
        # All hashes of one package: with one left, installers take the file that it belongs to.
        found = locks.files(copy.source)
        if not found:
            raise Violation("there is no lock file: whatever the index sends is installed", "ls")
        named = ", ".join(lock.name for lock in found)
        tampered = 0
        for lock in found:
            locked = lock.read_text()
            text = locks.with_other_hashes(locked)
            lock.write_text(text)
            tampered += text != locked
        if not tampered and any(locks.SHA256.search(lock.read_text()) for lock in found):
            raise NotAsked(f"no framework or server that is known here is in {named}: it changes the hashes of one")
        if not tampered:
            raise Violation(f"{named}: no hashes, so whatever the index sends is installed", f"grep sha256 {named}")
        try:
            copy.build()
        except BuildFailed as stopped:
            if not re.search(r"^#\d+ [\d.]+ .*(not match|mismatch)", stopped.output, re.IGNORECASE | re.MULTILINE):
                raise Violation(
                    f"the build stops, but does not say that a hash does not match:\n{stopped}"
                ) from stopped
        else:
            raise Violation(
                "the build does not notice",
                f"change the hashes of the framework in {named}",
                "docker compose build",
            )
    if (subject.source / "requirements.txt").exists():
        _refuse_a_package_without_hashes(subject, "requirements.txt")
    if (subject.source / "requirements-dev.txt").exists() and "test" in subject.parsed.stage_names:
        _refuse_a_package_without_hashes(replace(subject, target="test"), "requirements-dev.txt")


# The hashes of a package, on the lines that continue its own.
HASHES = re.compile(r" \\\n +--hash=\S+")


def _refuse_a_package_without_hashes(subject: Subject, name: str) -> None:
    with subject.copied("with one package that has no hash") as copy:
        listed = copy.source / name
        listed.write_text(locks.change_entries(listed.read_text(), lambda entry: HASHES.sub("", entry)))
        try:
            copy.build()
        except BuildFailed:
            return
    raise Violation(f"one package in {name} has no hash, and is installed all the same", "docker compose build")


# What names a release of Debian (or of the distribution that a project has chosen), or the very image.
RELEASE = re.compile(r"forky|trixie|bookworm|bullseye|(alpine|debian|ubuntu|ubi|fedora):?\d|@sha256:")


@practice("unnoticed", builds=True)
def pinned_tools(subject: Subject) -> None:
    """Every Python image, the base too, names a Debian release; every tool of the build has a version."""
    for base in (subject.parsed.base_image, *subject.parsed.images):
        if (OF_PYTHON.match(base) or base == subject.parsed.base_image) and not RELEASE.search(base):
            raise Violation(
                f"FROM {base} moves to the next Debian release when its maintainers do", "docker compose build --pull"
            )
    for base in subject.parsed.images:
        if not re.search(r":\d|@sha256:", base):
            raise Violation(f"{base} moves to another version when its maintainers do", "docker compose build --pull")
    for line in subject.parsed.instructions:
        for arguments in re.findall(r"pip (?:--python \S+ )?install ([^&;|]*)", line):
            if loose := [
                word
                for word in arguments.split()
                if re.fullmatch(r"[a-z][\w.\[\]-]*", word) and not word.endswith(".txt")
            ]:
                raise Violation(f"no version for {', '.join(loose)} in: {line}", "docker compose build --no-cache")
    text = "\n".join(subject.parsed.instructions)
    for tool in ("poetry", "pdm", "pipenv"):
        if re.search(rf"\b{tool} (install|export|sync)\b", text) and not re.search(rf"\b{tool}(==|:\d)", text):
            raise Violation(
                f"no version for {tool}, which comes with something else", "docker compose build --no-cache"
            )


@practice("cost", slow=True, slow_to_fail=True, builds=True)
def cached_dependencies(subject: Subject) -> None:
    """When only the app's code has changed, a build installs no dependency again."""
    with subject.copied("with changed code") as copy:
        copy.build()  # fills the cache: what an engine has dropped from it is no fault of the Dockerfile
        try:
            code = edits.change_code(copy)
        except LookupError as nothing:
            raise NotAsked(str(nothing)) from nothing
        edits.change_settings(copy)
        build = copy.build(alone=True)
        installs = [name for name in build.ran if INSTALLS.search(name)]
        again = [name for name in installs if not build.installs_one(name)]
        if not installs:  # the same packages in another layer, which everybody downloads again
            again = [name for name in build.ran if BRINGS.search(name)]
        if again:
            raise Violation(
                f"ran again: {'; '.join(again)}", f"echo '# changed' >> {code.name}", "docker compose build"
            )


@practice("cost", slow=True, slow_to_fail=True, builds=True)
def cached_downloads(subject: Subject) -> None:
    """When one dependency has changed, a build downloads that one only, and takes the others from a cache mount."""
    _require_cached_downloads(subject, "docker compose --progress plain build")
    if "test" in subject.parsed.stage_names:
        _require_cached_downloads(replace(subject, target="test"), "docker build --progress plain --target test .")


def _require_cached_downloads(subject: Subject, by_hand: str) -> None:
    # What other builds have left in the cache mounts says nothing of this Dockerfile: these are empty.
    mounts = secrets.token_hex(4)
    with subject.copied("with another version of one dependency") as copy:
        try:
            name = edits.change_dependency(copy)
            if any("type=cache" in line for line in copy.parsed.instructions):
                copy.build(mounts=mounts)  # fills them
                edits.change_dependency(copy)
        except LookupError as unknown:
            raise NotAsked(str(unknown)) from unknown
        if others := copy.build(mounts=mounts).downloads() - {name}:
            raise Violation(
                f"downloaded, though only {name} has changed: {', '.join(sorted(others))}",
                f"change the version of {name} and its hashes in the lock file",
                f"{by_hand} | grep Downloading",
            )


CANARIES = (".git/config", ".idea/workspace.xml")
CANARIES_IN_CODE = (
    ".env", ".env.production", ".venv/pyvenv.cfg", "old.pyc", "__pycache__/main.cpython-314.pyc",
    "__pycache__/numba.nbi", ".mypy_cache/x.json",
)  # fmt: skip


@practice("access", slow=True, slow_to_fail=True, builds=True)
def lean_context(subject: Subject) -> None:
    """Secrets, version control, local environments and caches in the folder reach no layer of the image."""
    _keeps_out(
        subject,
        "with things that do not belong in an image",
        (*CANARIES, *CANARIES_IN_CODE),
        CANARIES_IN_CODE,
        "echo SECRET=1 > .env",
    )


def _keeps_out(subject: Subject, what: str, root: Iterable[str], code: Iterable[str], by_hand: str) -> None:
    """See that what is put into a copy of the folder, at its root and beside the code, reaches no layer.

    Raises:
        Violation: it does; ``by_hand`` is the command that puts something there.
    """
    canary = secrets.token_hex().encode()
    with subject.copied(what) as copy:
        for file in (*map(copy.source.joinpath, root), *map(copy.code.joinpath, code)):
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("ab") as opened:  # a project's own .env is there, and compose reads it
                opened.write(b"\n# CANARY=" + canary + b"\n")  # Git reads its own, too
        # Where they are to be seen in the image, no layer has to be unpacked; nor one that is there without them, too.
        if found := _in_container(copy, canary) or image.find_in_layers(
            copy, lambda _, file: canary in file.read(), known=[subject.image]
        ):
            raise Violation(
                f"in the image: {', '.join(sorted(found))}",
                by_hand,
                "docker compose build",
                "docker compose run --rm web ls -A",
            )


# Run inside the image: the files below the working directory that hold some bytes.
WITH_BYTES = """
import pathlib, sys
files = (path for path in pathlib.Path().rglob("*") if path.is_file())
print(*(path for path in files if sys.argv[1].encode() in path.read_bytes()), sep="\\n")
"""


def _in_container(subject: Subject, canary: bytes) -> set[str]:
    """The files in the image's working directory that hold these bytes, as its root sees them."""
    look = ["-B", "-c", WITH_BYTES, canary.decode()]
    return set(run_to_its_end(subject.image, *look, entrypoint="python3", user="0").stdout.split())


@practice("taste", builds=True)
def single_stage(subject: Subject) -> None:
    """The Dockerfile is one stage, read from top to bottom."""
    if (count := len(subject.parsed.stages)) > 1:
        raise Violation(f"{count} stages", "grep FROM Dockerfile")


# A test for pytest and for unittest, which Django's own command runs. The tests run as the app does: not as root.
CANARY_TEST = """import os
import unittest


class TestCanary(unittest.TestCase):
    def {name}(self):
        self.assertTrue({outcome})
        self.assertNotIn(0, (os.getuid(), os.getgid()), "the tests run as root")
"""


@practice("unnoticed", slow=True, builds=True, needs="test-stage")
def test_target(subject: Subject) -> None:
    """`docker build --target test` runs the app's tests, and a test that fails stops it."""
    by_hand = "docker build --target test ."
    if "test" not in subject.parsed.stage_names:
        raise Violation("no stage is called test", by_hand)
    canary = f"test_{secrets.token_hex()}"  # never built before, so never cached
    with subject.copied("with one more test", target="test") as copy:
        more = copy.source / "tests/test_canary.py"
        if not more.parent.is_dir():
            raise NotAsked("there is no folder tests to put one more test into")
        more.write_text(CANARY_TEST.format(name=canary, outcome=True))
        edits.close_to_others(copy)
        ran = re.findall(r"(\d+) passed|Ran (\d+) test", copy.build().output)
        if sum(int(passed or count) for passed, count in ran) < 2:  # this one, and one of the project's
            raise Violation("the build runs no tests", by_hand)
        more.write_text(CANARY_TEST.format(name=canary, outcome=False))
        try:
            copy.build()
        except BuildFailed as stopped:
            if not re.search(rf"FAIL.*{canary}", stopped.output):
                raise Violation(
                    f"the build stops, but does not name the test that fails:\n{stopped}", by_hand
                ) from stopped
        else:
            raise Violation("a test fails and the build goes on", by_hand)


@practice("unnoticed", slow=True, builds=True, needs="test-service")
def tests_in_compose(subject: Subject) -> None:
    """`docker compose run --rm test` runs the app's tests, as restricted as the app, and fails if a test fails."""
    by_hand = "docker compose run --rm --build test"
    if "test" not in subject.services(["test"]):
        raise Violation("no service is called test", by_hand)
    if "test" in subject.services([]):
        raise Violation("`docker compose up` runs the tests, too", "docker compose config --services")
    with replace(subject, name=f"{subject.name} its tests", service="test").started() as running:
        wait_until(lambda: not running.is_up, limit=60)
        ended = running.container.state
        if ended.running or ended.exit_code or not re.search(r"\d+ passed", running.log):
            raise Violation(f"the container's log ends:\n{running.log[-500:]}", by_hand)
        tests, app = _restrictions(running), _restrictions(subject.shared)
        if weaker := [name for name in app if app[name] and tests[name] != app[name]]:
            raise Violation(f"the app has them, and its tests have not: {', '.join(weaker)}", by_hand)
    canary = f"test_{secrets.token_hex()}"
    with subject.copied("with a test that fails", service="test") as copy:
        (copy.source / "tests/test_canary.py").write_text(CANARY_TEST.format(name=canary, outcome=False))
        if not copy.services()["test"].get("volumes"):  # a build may correct the modes, a mount cannot
            edits.close_to_others(copy)
        try:
            with copy.started() as running:
                wait_until(lambda: not running.is_up, limit=60)
                code, said = running.container.state.exit_code, running.log
        except BuildFailed as stopped:  # a stage that runs them itself stops there
            code, said = 1, stopped.output
        if not code or not re.search(rf"FAIL.*{canary}", said):
            raise Violation(f"a test fails, and its log ends:\n{said[-500:]}", by_hand)


@practice("cost", slow=True, builds=True, needs="test-service")
def tests_after_a_change(subject: Subject) -> None:
    """When the code has changed, its tests can run without anything being installed again."""
    with subject.copied("with other code to test", service="test") as copy:
        copy.build()  # fills the cache
        edits.change_code(copy)
        if again := [name for name in copy.build(alone=True).ran if INSTALLS.search(name)]:
            raise Violation(f"ran again: {'; '.join(again)}", "docker compose build test")


def _restrictions(running: Running) -> dict[str, object]:
    """What the engine keeps a container from, by its own names for it."""
    found = inspect(running.container.id)
    host = ("ReadonlyRootfs", "CapDrop", "SecurityOpt", "Memory", "PidsLimit")
    return {"User": found["Config"]["User"], **{name: found["HostConfig"][name] for name in host}}


# What stays in a folder after a day's work, in whichever directory: secrets of other tools, databases, environments,
# reports and caches.
LEFTOVERS = (
    ".envrc", ".netrc", ".pypirc", "pip.conf", "db.sqlite3", "venv/pyvenv.cfg", ".venv/pyvenv.cfg",
    ".mypy_cache/x.json", ".coverage", "htmlcov/index.html", "node_modules/left-pad/index.js", "old.pyc", ".env.local",
    "server.key", "server.pem",
)  # fmt: skip
# And at the root of a project alone: what Flask's and Django's users have written.
OF_USERS = ("instance/shop.sqlite", "media/photo.jpg")


@practice("access", slow=True, slow_to_fail=True, builds=True)
def no_leftovers(subject: Subject) -> None:
    """What a day's work leaves in any directory (databases, reports, secrets of tools) stays out of the image."""
    _keeps_out(subject, "after a day's work", (*LEFTOVERS, *OF_USERS), LEFTOVERS, "touch db.sqlite3")


# What is about the repository: the app does not read it.
OF_REPOSITORY = ("README.md", "Dockerfile", "compose.yaml", ".dockerignore", ".gitignore", ".pre-commit-config.yaml")


@practice("cost", slow=True, slow_to_fail=True, builds=True)
def unrelated_changes(subject: Subject) -> None:
    """When a README, a compose file or a hook changes, nothing is built again."""
    with subject.copied("with another README") as copy:
        copy.build()  # fills the cache
        changed = [copy.source / name for name in OF_REPOSITORY]
        if (copy.source / "requirements.txt").exists():
            changed.append(copy.source / "poetry.lock")  # what is installed stands in the list
        for file in filter(Path.exists, changed):
            file.write_text(f"{file.read_text()}\n# {secrets.token_hex()}\n")
        asks_git = (copy.source / ".git").exists()  # the build, which then has to notice a change there
        for folder in (".idea", ".vscode") if asks_git else (".git", ".idea", ".vscode"):
            (copy.source / folder).mkdir(exist_ok=True)
            (copy.source / folder / "changed").write_text(secrets.token_hex())
        (copy.source / ".gitignore").touch()
        if ran := copy.build(alone=True).ran:
            raise Violation(f"ran again: {'; '.join(ran)}", "echo >>README.md", "docker compose build")


@practice("ours", slow=True, slow_to_fail=True, builds=True)
def any_layout(subject: Subject) -> None:
    """Python finds the app's modules at the root of the project and below `src`, whatever directory it starts in."""
    by_hand = (f"mkdir src; mv {subject.code.name} src", "docker compose up --build")
    with subject.copied("with its code below src") as copy:
        code = copy.code
        if code == copy.source or code.name == "src":
            raise NotAsked("it moves the app's package below src, and there is none at the root")
        (copy.source / "src").mkdir()
        code.rename(copy.source / "src" / code.name)
        try:
            with copy.started(restart="no") as running:
                running.wait_until_ready()
        except (BuildFailed, NotReady) as error:
            raise Violation(error.brief, *by_hand) from error
    look = f"import importlib.util; print(bool(importlib.util.find_spec({code.name!r})))"
    for name in (subject.image, copy.image):
        if run_to_its_end(name, "-c", look, entrypoint="python3", workdir="/").stdout.strip() != "True":
            raise Violation(
                f"from another directory, Python does not find {code.name}",
                f"docker run --rm --workdir / --entrypoint python IMAGE -c 'import {code.name}'",
            )


@practice("ours", slow=True, slow_to_fail=True, builds=True)
def says_what_is_missing(subject: Subject) -> None:
    """A package list that brings no server, such as one made for another Python, stops the build."""
    changes: tuple[Callable[[str], str], ...] = (
        # What depends on it would bring it along.
        lambda text: re.sub(r"^(?:gunicorn|uvicorn-worker)==(?:.*\\\n)*.*\n", "", text, flags=re.MULTILINE),
        lambda text: re.sub(r"^(\S+==[^\s;]+).*?( \\)?$", r'\1 ; python_version == "3.0"\2', text, flags=re.MULTILINE),
    )
    for change in changes:
        with subject.copied("with another list") as copy:
            for path in filter(Path.exists, (copy.source / "requirements.txt", copy.source / "poetry.lock")):
                path.write_text(change(path.read_text()))
            try:
                copy.build()
            except BuildFailed as stopped:
                if not re.search(r"^#\d+ [\d.]+ .*gunicorn", stopped.output, re.MULTILINE):
                    raise Violation(f"the build stops, and says:\n{stopped}", "docker compose build") from stopped
            else:
                raise Violation("it is built, and has no server", "docker compose build")


# Run inside the container: sources whose bytecode records when they were written (PEP 552), if that was after the
# standard library was. Those of the base image may be among them: they were written once.
CLOCKS_IN_BYTECODE = """
import os, pathlib, sys
library = [path for path in pathlib.Path(os.__file__).parent.rglob("*.py") if "site-packages" not in path.parts]
newest = max(path.stat().st_mtime for path in library)
for file in pathlib.Path("/").glob("[!ps]*/**/__pycache__/*.pyc"):
    head = file.read_bytes()[:12]
    if not head[4] and int.from_bytes(head[8:12], "little") > newest:
        print(file.parent.with_name(file.name.partition("." + sys.implementation.cache_tag)[0] + ".py"))
"""


@practice("taste", slow=True, builds=True)
def repeatable_build(subject: Subject) -> None:
    """Two builds without cache, from two folders with different file times, give the same files, byte for byte."""
    # First what two builds within a minute would not show: days and times of the build that are kept in files.
    dated = run_to_its_end(subject.image, "-B", "-c", CLOCKS_IN_BYTECODE, entrypoint="python3").stdout
    if dated and (found := set(dated.splitlines()) - {f"/{name}" for name in image.files(subject.base)}):
        raise Violation(
            f"{len(found)} files of bytecode record the time of the build, that of {min(found)} among them",
            "docker compose run --rm web find / -name '*.pyc'",
        )
    if (after := _shadow(subject.image)) != _shadow(subject.base):
        raise Violation(
            f"/etc/shadow records the day of the build: {after.splitlines()[-1]}",
            "docker compose run --rm --user 0 web cat /etc/shadow",
        )
    with subject.copied("a week later") as copy:
        for path in filter(Path.exists, copy.path.rglob("*")):  # a link may lead nowhere
            os.utime(path, (path.stat().st_mtime + 604_800,) * 2)
        copy.build(cache=False)
        first, second = image.files(subject.image), image.files(copy.image_name)
    if different := sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name)):
        raise Violation(
            f"{len(different)} files differ, {', '.join(different[:5])} among them", "docker compose build --no-cache"
        )


def _shadow(image: str) -> str:
    return run_to_its_end(image, "/etc/shadow", entrypoint="cat", user="0").stdout
