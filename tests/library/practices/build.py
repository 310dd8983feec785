"""What can be seen while the image is built."""

import os
import re
import secrets

from .. import edits, image, locks
from ..buildlog import INSTALLS
from ..engine import BuildFailed, docker
from ..subject import Subject
from . import Violation, practice
from .inside import installed

# The lines about the framework in a requirements.txt (one logical line, continued) and in a poetry.lock (one a file).
FRAMEWORK = re.compile(
    r'^(?:flask|django|fastapi)==(?:.*\\\n)*.*|^.*file = "(?:flask|django|fastapi)-\d.*', re.MULTILINE
)


@practice()
def locked_dependencies(subject: Subject) -> None:
    """Every installed package, transitive ones too, has the version that the lock file names."""
    locked = locks.versions(subject.path)
    if loose := {name: version for name, version in installed(subject).items() if locked.get(name) != version}:
        raise Violation(
            f"installed, but not locked at that version: {', '.join(f'{n} {v}' for n, v in sorted(loose.items()))}",
            "docker compose run --rm web pip list",
        )


@practice(slow=True, slow_to_fail=True)
def verified_hashes(subject: Subject) -> None:
    """A package that is not the one that was locked stops the build, and the message says so."""
    with subject.copied("with another hash for one package") as copy:
        # All hashes of one package: with one left, installers take the file that it belongs to.
        lock = next(copy.path / name for name in ("requirements.txt", "poetry.lock") if (copy.path / name).exists())
        locked = lock.read_text()
        tampered = FRAMEWORK.sub(lambda lines: re.sub("sha256:.{8}", "sha256:00000000", lines[0]), locked)
        if tampered == locked:
            raise Violation(
                f"{lock.name} has no hashes: whatever the index sends is installed", f"grep sha256 {lock.name}"
            )
        lock.write_text(tampered)
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
                f"change the hashes of the framework in {lock.name}",
                "docker compose build",
            )


@practice()
def pinned_tools(subject: Subject) -> None:
    """The base image names its Debian release, and every tool that the build uses has a version."""
    if not re.search("trixie|bookworm", base := subject.parsed.base_image):
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


@practice(slow=True, slow_to_fail=True)
def cached_dependencies(subject: Subject) -> None:
    """After a change of the app's code alone, a build installs no dependency again."""
    with subject.copied("with changed code") as copy:
        # The first build fills the cache: what an engine has dropped from it is no fault of the Dockerfile.
        for _ in range(2):
            code = edits.change_code(copy)
            build = copy.build()
        if again := [name for name in build.ran if INSTALLS.search(name)]:
            raise Violation(
                f"ran again: {'; '.join(again)}", f"echo '# changed' >> {code.name}", "docker compose build"
            )


@practice(slow=True, slow_to_fail=True)
def cached_downloads(subject: Subject) -> None:
    """After a change of one dependency, a build downloads that one alone; the others come from a cache mount."""
    with subject.copied("with another version of one dependency") as copy:
        name = edits.change_dependency(copy)
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


@practice(slow=True, slow_to_fail=True)
def lean_context(subject: Subject) -> None:
    """Secrets, version control, local environments and caches in the folder reach no layer of the image."""
    canary = secrets.token_hex().encode()
    with subject.copied("with things that do not belong in an image") as copy:
        for file in (*map(copy.path.joinpath, CANARIES), *map(copy.code.joinpath, CANARIES_IN_CODE)):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"CANARY=" + canary)
        if found := image.find_in_layers(copy, lambda _, file: canary in file.read()):
            raise Violation(
                f"in the image: {', '.join(sorted(found))}",
                "echo SECRET=1 > .env",
                "docker compose build",
                "docker compose run --rm web ls -A",
            )


@practice()
def single_stage(subject: Subject) -> None:
    """The Dockerfile is one stage, read from top to bottom."""
    if (count := len(subject.parsed.stages)) > 1:
        raise Violation(f"{count} stages", "grep FROM Dockerfile")


@practice(slow=True)
def test_target(subject: Subject) -> None:
    """`docker build --target test` runs the app's tests, and a test that fails stops it."""
    by_hand = "docker build --target test ."
    if "test" not in subject.parsed.stage_names:
        raise Violation("no stage is called test", by_hand)
    canary = f"test_{secrets.token_hex()}"  # never built before, so never cached
    with subject.copied("with one more test", service="test") as copy:
        more = copy.path / "tests/test_canary.py"
        more.write_text(f"def {canary}():\n    assert True\n")
        if not re.search(r"\d\d+ passed", copy.build().output):
            raise Violation("the build runs no tests, or next to none", by_hand)
        more.write_text(f"def {canary}():\n    assert False\n")
        try:
            copy.build()
        except BuildFailed as stopped:
            if f"FAILED tests/test_canary.py::{canary}" not in stopped.output:
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


@practice(slow=True)
def repeatable_build(subject: Subject) -> None:
    """Two builds without cache, in two folders and with other file times, give the same files, byte for byte."""
    # First what two builds within a minute would not show: days and times of the build that are kept in files.
    if found := docker.run(subject.image, ["-c", CLOCKS_IN_BYTECODE], entrypoint="python", remove=True):
        raise Violation(f"{found} records the time of the build", "docker compose run --rm web find / -name '*.pyc'")
    if (after := _shadow(subject.image)) != _shadow(subject.parsed.base_image):
        raise Violation(
            f"/etc/shadow records the day of the build: {after.splitlines()[-1]}",
            "docker compose run --rm --user 0 web cat /etc/shadow",
        )
    with subject.copied("a week later") as copy:
        for path in copy.path.rglob("*"):
            os.utime(path, (path.stat().st_mtime + 604_800,) * 2)
        copy.build(cache=False)
        first, second = image.files(subject.image), image.files(copy.image_name)
    if different := sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name)):
        raise Violation(
            f"{len(different)} files differ, {', '.join(different[:5])} among them", "docker compose build --no-cache"
        )


def _shadow(image: str) -> str:
    return str(docker.run(image, ["/etc/shadow"], entrypoint="cat", user="0", remove=True))
