"""What can be seen while the image is built, and in what the build leaves."""

import json
import re
import secrets
import tarfile
import tomllib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from engine import SCRATCH, BuildFailed, Subject, docker

from . import Violation, practice

# Run inside the container with the interpreter that runs the app: every distribution that it can import.
DISTRIBUTIONS = """
import importlib.metadata, json, re
print(json.dumps({re.sub("[-_.]+", "-", d.name).lower(): d.version for d in importlib.metadata.distributions()}))
"""
# An app started through a virtual environment's own script runs with that environment's interpreter.
APP_INTERPRETER = r"""
import re
words = open("/proc/1/cmdline").read().split("\0")
print(next((word for word in words if re.search(r"/python[\d.]*$", word)), "python"))
"""
# An instruction that fetches dependencies, by any of the tools that the tutorial uses.
INSTALLS = re.compile(r"\b(pip|poetry|uv|npm)\b.*\b(install|sync|wheel|ci)\b")

# The lines about Flask in a requirements.txt (one logical line, continued) and in a poetry.lock (a line for each file).
FLASK = re.compile(r'^flask==(?:.*\\\n)*.*|^.*file = "flask-\d.*', re.MULTILINE)


@cache
def _distributions_of_image(image: str) -> dict[str, str]:
    distributions: dict[str, str] = json.loads(str(docker.run(image, ["python", "-c", DISTRIBUTIONS], remove=True)))
    return distributions


def _installed(subject: Subject) -> dict[str, str]:
    """What the app can import, as {normalized name: version}, without what the base image brought (pip, for one)."""
    interpreter = subject.shared.python(APP_INTERPRETER)
    found = json.loads(str(docker.execute(subject.shared.container, [interpreter, "-c", DISTRIBUTIONS])))
    brought = _distributions_of_image(_base_image(subject))
    return {name: version for name, version in found.items() if name not in brought}


def _stages(subject: Subject) -> list[tuple[str, str]]:
    """(base image, stage name or "") of every stage."""
    froms = [line.split() for line in subject.instructions if line.upper().startswith("FROM ")]
    return [(words[1], words[3] if len(words) > 3 else "") for words in froms]


def _base_image(subject: Subject) -> str:
    """The image that the last stage starts from, earlier stages followed."""
    stages = _stages(subject)
    base, _ = stages[-1]
    names = {name: base for base, name in stages if name}
    while base in names:
        base = names[base]
    return base


def _locked(subject: Subject) -> dict[str, str]:
    """What the folder's lock, or else its requirements.txt, pins: {normalized name: version}."""
    if (subject.path / "poetry.lock").exists():
        return {package["name"]: package["version"] for package in _lock(subject)}
    return {
        name.lower(): version
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", subject.read("requirements.txt"), re.MULTILINE)
    }


def _lock(subject: Subject) -> list[dict[str, Any]]:
    if not (subject.path / "poetry.lock").exists():
        return []
    packages: list[dict[str, Any]] = tomllib.loads(subject.read("poetry.lock"))["package"]
    return packages


@practice
def locked_dependencies(subject: Subject) -> None:
    """Every installed package, transitive ones too, has the version that the lock file names."""
    locked = _locked(subject)
    if loose := {name: version for name, version in _installed(subject).items() if locked.get(name) != version}:
        raise Violation(
            f"installed, but not locked at that version: {', '.join(f'{n} {v}' for n, v in sorted(loose.items()))}",
            "docker compose run --rm web pip list",
        )


@practice
def verified_hashes(subject: Subject) -> None:
    """A package that is not the one that was locked stops the build, and the message says so."""
    with subject.copied("with another hash for one package") as copy:
        # All hashes of one package: with one left, installers take the file that it belongs to.
        lock = next(copy.path / name for name in ("requirements.txt", "poetry.lock") if (copy.path / name).exists())
        locked = lock.read_text()
        tampered = FLASK.sub(lambda lines: re.sub("sha256:.{8}", "sha256:00000000", lines[0]), locked)
        if tampered == locked:
            raise Violation(
                f"{lock.name} has no hashes: whatever the index sends is installed", f"grep sha256 {lock.name}"
            )
        lock.write_text(tampered)
        try:
            copy.build()
        except BuildFailed as stopped:
            if not re.search("(not match|mismatch)", stopped.output, re.IGNORECASE):
                raise Violation(
                    f"the build stops, but does not say that a hash does not match:\n{stopped}"
                ) from stopped
        else:
            raise Violation(
                "the build does not notice", f"change the hashes of flask in {lock.name}", "docker compose build"
            )


@practice
def pinned_tools(subject: Subject) -> None:
    """The base image names its Debian release, and every tool that the build installs has a version."""
    names = {name for _, name in _stages(subject)}
    for base, _ in _stages(subject):
        if base not in names and not re.search("trixie|bookworm", base):
            raise Violation(
                f"FROM {base} moves to the next Debian release when its maintainers do", "docker compose build --pull"
            )
    for line in subject.instructions:
        for arguments in re.findall(r"pip install ([^&;|]*)", line):
            if loose := [
                word
                for word in arguments.split()
                if re.fullmatch(r"[a-z][\w.\[\]-]*", word) and not word.endswith(".txt")
            ]:
                raise Violation(f"no version for {', '.join(loose)} in: {line}", "docker compose build --no-cache")


@practice
def cached_dependencies(subject: Subject) -> None:
    """After a change of the app's code alone, a build installs no dependency again."""
    with subject.copied("with changed code") as copy:
        copy.build()
        code = _a_module(copy)
        code.write_text(f"{code.read_text()}\n# {secrets.token_hex()}\n")  # never built before, so never cached
        if again := [name for name in copy.build().ran if INSTALLS.search(name)]:
            raise Violation(
                f"ran again: {'; '.join(again)}", f"echo '# changed' >> {code.name}", "docker compose build"
            )


def _a_module(subject: Subject) -> Path:
    return next(
        path for path in sorted(subject.path.rglob("*.py")) if path.stat().st_size and path.parent.name == "hello"
    )


CANARIES = (".env", ".git/config", ".venv/pyvenv.cfg", "hello/__pycache__/main.cpython-313.pyc", ".idea/workspace.xml")


@practice
def lean_context(subject: Subject) -> None:
    """Secrets, version control, local environments and caches in the folder reach no layer of the image."""
    canary = secrets.token_hex().encode()
    with subject.copied("with things that do not belong in an image") as copy:
        for name in CANARIES:
            file = copy.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"CANARY=" + canary)
        if found := _find_in_layers(copy, canary):
            raise Violation(
                f"in the image: {', '.join(sorted(found))}",
                "echo SECRET=1 > .env",
                "docker compose build",
                "docker compose run --rm web ls -A",
            )


def _find_in_layers(subject: Subject, content: bytes) -> set[str]:
    """The files in any layer of the image, the base image's aside, that contain these bytes."""
    found = set()
    layers = docker.image.inspect(_base_image(subject)).root_fs.layers or []
    base_layers = {layer.removeprefix("sha256:") for layer in layers}
    archive = SCRATCH / f"{subject.slug}.tar"
    docker.image.save(subject.image, output=archive)
    with tarfile.open(archive) as image:
        for member in image:
            if not member.isfile() or member.name.rpartition("/")[2] in base_layers:
                continue
            # A manifest or a configuration is no archive.
            with suppress(tarfile.ReadError), tarfile.open(fileobj=image.extractfile(member)) as layer:
                for file in layer:
                    if file.isfile() and (stream := layer.extractfile(file)) and content in stream.read():
                        found.add(file.name)
    archive.unlink()
    return found


@practice
def single_stage(subject: Subject) -> None:
    """The Dockerfile is one stage, read from top to bottom."""
    if (count := len(_stages(subject))) > 1:
        raise Violation(f"{count} stages", "grep FROM Dockerfile")


@practice
def no_build_tools(subject: Subject) -> None:
    """No dependency manager (Poetry, uv) is in the image."""
    found = docker.execute(subject.shared.container, ["sh", "-c", "command -v poetry uv || true"])
    if found:
        raise Violation(f"in the image: {found}", "docker compose run --rm web poetry --version")


@practice
def no_dev_dependencies(subject: Subject) -> None:
    """Nothing that only developers need (the dev group) is in the image."""
    dev_only = {package["name"] for package in _lock(subject) if package["groups"] == ["dev"]}
    if found := sorted(dev_only & _installed(subject).keys()):
        raise Violation(f"in the image: {', '.join(found)}", "docker compose run --rm web python -m pytest --version")


@practice
def no_tests_in_image(subject: Subject) -> None:
    """The app's tests are not in the image."""
    found = subject.shared.python("import pathlib; print(*pathlib.Path.cwd().rglob('test_*.py'))")
    if found:
        raise Violation(f"in the image: {found}", "docker compose run --rm web ls tests")
