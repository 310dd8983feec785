"""What can be seen while the image is built."""

import os
import re
import secrets
from pathlib import Path

from .. import edits, image, locks
from ..buildlog import INSTALLS
from ..engine import BuildFailed, docker
from ..subject import Subject
from . import NotAsked, Violation, practice
from .inside import installed

# The lines about the framework in a requirements.txt (one logical line, continued), in a poetry.lock (one a file) and
# in a uv.lock (one a file, with its address).
FRAMEWORK = re.compile(
    r"^(?:flask|django|fastapi)(?:\[.*?\])?==(?:.*\\\n)*.*"
    r'|^.*(?:file = "|url = "\S*/)(?:flask|django|fastapi)-\d.*',
    re.MULTILINE | re.IGNORECASE,
)


@practice()
def locked_dependencies(subject: Subject) -> None:
    """Every installed package, transitive ones too, has the version that the lock file names."""
    locked = locks.versions(subject.source)
    own = locks.own_name(subject.source)  # the project itself may be installed, too
    found = {name: version for name, version in installed(subject).items() if name != own}
    if loose := {name: version for name, version in found.items() if locked.get(name) != version}:
        raise Violation(
            f"installed, but not locked at that version: {', '.join(f'{n} {v}' for n, v in sorted(loose.items()))}",
            "docker compose run --rm web pip list",
        )


@practice(slow=True, slow_to_fail=True, builds=True)
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
            text = FRAMEWORK.sub(lambda lines: re.sub("sha256:.{8}", "sha256:00000000", lines[0]), locked)
            lock.write_text(text)
            tampered += text != locked
        if not tampered and any("sha256:" in lock.read_text() for lock in found):
            raise NotAsked(f"none of Flask, Django and FastAPI is in {named}: it changes the hashes of one of them")
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


# What names a release of Debian (or of the distribution that a project has chosen), or the very image.
RELEASE = re.compile(r"forky|trixie|bookworm|bullseye|(alpine|debian|ubuntu|ubi|fedora):?\d|@sha256:")


@practice(builds=True)
def pinned_tools(subject: Subject) -> None:
    """The base image names its Debian release, and every tool that the build uses has a version."""
    if not RELEASE.search(base := subject.parsed.base_image):
        raise Violation(
            f"FROM {base} moves to the next Debian release when its maintainers do", "docker compose build --pull"
        )
    for base in subject.parsed.images:
        if not re.search(r":\d", base):
            raise Violation(
                f"FROM {base} moves to another version when its maintainers do", "docker compose build --pull"
            )
    for line in subject.parsed.instructions:
        for arguments in re.findall(r"pip install ([^&;|]*)", line):
            if loose := [
                word
                for word in arguments.split()
                if re.fullmatch(r"[a-z][\w.\[\]-]*", word) and not word.endswith(".txt")
            ]:
                raise Violation(f"no version for {', '.join(loose)} in: {line}", "docker compose build --no-cache")


@practice(slow=True, slow_to_fail=True, builds=True)
def cached_dependencies(subject: Subject) -> None:
    """After a change of the app's code alone, a build installs no dependency again."""
    with subject.copied("with changed code") as copy:
        # The first build fills the cache: what an engine has dropped from it is no fault of the Dockerfile.
        for _ in range(2):
            try:
                code = edits.change_code(copy)
            except LookupError as nothing:
                raise NotAsked(str(nothing)) from nothing
            build = copy.build()
        if again := [name for name in build.ran if INSTALLS.search(name) and not build.installs_one(name)]:
            raise Violation(
                f"ran again: {'; '.join(again)}", f"echo '# changed' >> {code.name}", "docker compose build"
            )


@practice(slow=True, slow_to_fail=True, builds=True)
def cached_downloads(subject: Subject) -> None:
    """After a change of one dependency, a build downloads that one alone; the others come from a cache mount."""
    with subject.copied("with another version of one dependency") as copy:
        try:
            name = edits.change_dependency(copy)
        except LookupError as unknown:
            raise NotAsked(str(unknown)) from unknown
        others = copy.build().downloads() - {name}
        if others and any("type=cache" in line for line in copy.parsed.instructions):
            # The engine may have been without its caches, or never have had these packages: now it has.
            edits.change_dependency(copy)
            others = copy.build().downloads() - {name}
        if others:
            raise Violation(
                f"downloaded, though only {name} has changed: {', '.join(sorted(others))}",
                f"change the version of {name} and its hashes in the lock file",
                "docker compose --progress plain build | grep Downloading",
            )


CANARIES = (".env", ".git/config", ".venv/pyvenv.cfg", ".idea/workspace.xml")
CANARIES_IN_CODE = (".env", "__pycache__/main.cpython-314.pyc")


@practice(slow=True, slow_to_fail=True, builds=True)
def lean_context(subject: Subject) -> None:
    """Secrets, version control, local environments and caches in the folder reach no layer of the image."""
    canary = secrets.token_hex().encode()
    with subject.copied("with things that do not belong in an image") as copy:
        for file in (*map(copy.source.joinpath, CANARIES), *map(copy.code.joinpath, CANARIES_IN_CODE)):
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("ab") as opened:  # a project's own .env is there, and compose reads it
                opened.write(b"\nCANARY=" + canary + b"\n")
        if found := image.find_in_layers(copy, lambda _, file: canary in file.read()):
            raise Violation(
                f"in the image: {', '.join(sorted(found))}",
                "echo SECRET=1 > .env",
                "docker compose build",
                "docker compose run --rm web ls -A",
            )


@practice(builds=True)
def single_stage(subject: Subject) -> None:
    """The Dockerfile is one stage, read from top to bottom."""
    if (count := len(subject.parsed.stages)) > 1:
        raise Violation(f"{count} stages", "grep FROM Dockerfile")


# A test for pytest and for unittest, which Django's own command runs.
CANARY_TEST = """import unittest


class TestCanary(unittest.TestCase):
    def {name}(self):
        self.assertTrue({outcome})
"""


@practice(slow=True, builds=True)
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


# Run inside the container: bytecode that records when its source was written (PEP 552), after the base image was made.
CLOCKS_IN_BYTECODE = """
import pathlib, sys, sysconfig
base = pathlib.Path(sysconfig.__file__).stat().st_mtime
for file in pathlib.Path("/").glob("[!ps]*/**/*.pyc"):
    head = file.read_bytes()[:12]
    if not head[4] and int.from_bytes(head[8:12], "little") > base:
        print(file)
        break
"""


@practice(slow=True, builds=True)
def repeatable_build(subject: Subject) -> None:
    """Two builds without cache, in two folders and with other file times, give the same files, byte for byte."""
    # First what two builds within a minute would not show: days and times of the build that are kept in files.
    if found := docker.run(subject.image, ["-B", "-c", CLOCKS_IN_BYTECODE], entrypoint="python3", remove=True):
        raise Violation(f"{found} records the time of the build", "docker compose run --rm web find / -name '*.pyc'")
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
    return str(docker.run(image, ["/etc/shadow"], entrypoint="cat", user="0", remove=True))
