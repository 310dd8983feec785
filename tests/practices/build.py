"""What can be seen while the image is built, and in what the build leaves."""

import hashlib
import io
import json
import os
import re
import secrets
import subprocess
import tarfile
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

from engine import SCRATCH, Build, BuildFailed, Subject, docker

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

# The lines about the framework in a requirements.txt (one logical line, continued) and in a poetry.lock (one a file).
FRAMEWORK = re.compile(
    r'^(?:flask|django|fastapi)==(?:.*\\\n)*.*|^.*file = "(?:flask|django|fastapi)-\d.*', re.MULTILINE
)


@cache
def _distributions_of_image(image: str) -> dict[str, str]:
    distributions: dict[str, str] = json.loads(str(docker.run(image, ["python", "-c", DISTRIBUTIONS], remove=True)))
    return distributions


def _installed(subject: Subject) -> dict[str, str]:
    """What the app can import, as {normalized name: version}, without what the base image brought (pip, for one)."""
    interpreter = subject.shared.python(APP_INTERPRETER)
    found = json.loads(str(docker.execute(subject.shared.container, [interpreter, "-c", DISTRIBUTIONS])))
    brought = _distributions_of_image(base_image(subject))
    return {name: version for name, version in found.items() if name not in brought}


def _stages(subject: Subject) -> list[tuple[str, str]]:
    """(base image, stage name or "") of every stage."""
    froms = [line.split() for line in subject.instructions if line.upper().startswith("FROM ")]
    return [(words[1], words[3] if len(words) > 3 else "") for words in froms]


def base_image(subject: Subject) -> str:
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


@practice
def pinned_tools(subject: Subject) -> None:
    """The base image names its Debian release, and every tool that the build uses has a version."""
    names = {name for _, name in _stages(subject)}
    if not re.search("trixie|bookworm", base := base_image(subject)):
        raise Violation(
            f"FROM {base} moves to the next Debian release when its maintainers do", "docker compose build --pull"
        )
    for base, _ in _stages(subject):
        if base not in names and not re.search(r":\d", base):
            raise Violation(
                f"FROM {base} moves to another version when its maintainers do", "docker compose build --pull"
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
        # The first build fills the cache: what an engine has dropped from it is no fault of the Dockerfile.
        for _ in range(2):
            code = change_code(copy)
            build = copy.build()
        if again := [name for name in build.ran if INSTALLS.search(name)]:
            raise Violation(
                f"ran again: {'; '.join(again)}", f"echo '# changed' >> {code.name}", "docker compose build"
            )


def change_code(subject: Subject) -> Path:
    """Change a module of the app as it never was before, so that no cache knows it, and return its path."""
    code = _a_module(subject)
    code.write_text(f"{code.read_text()}\n# {secrets.token_hex()}\n")
    return code


def _a_module(subject: Subject) -> Path:
    return next(path for path in sorted(subject.code.rglob("*.py")) if path.stat().st_size)


# For one package of every lock file another version, with the hashes of its wheel and its sdist.
OTHER_VERSIONS = {
    "click": (
        "8.5.0",
        "255bc9599cf7748b4b1a446ccc735421bd08a2ae529a8b88597d3de5664ee360",
        "ba0d2089de75ea0310e2dde03160e6ca10009947fb95a182f9b54021bb272e34",
    ),
    "sqlparse": (
        "0.6.0",
        "b861c0288ce2fa56209a9a6412d2e066ac664b3873b89c26c9d8415e8e32996f",
        "113c35c75365ab9cc9c7231d68c6428fb11c085fc8e9eb1ad659b7ddbf6cd2b9",
    ),
}


def change_dependency(subject: Subject) -> str:
    """Lock one dependency at another version and return its name.

    The entry gets one more hash, which no file has: no layer cache knows the build that follows.
    """
    name = next((name for name in OTHER_VERSIONS if name in _locked(subject)), "click")
    version, wheel, sdist = OTHER_VERSIONS[name]
    unique = secrets.token_hex(32)
    files = {f"{name}-{version}-py3-none-any.whl": wheel, f"{name}-{version}.tar.gz": sdist, "unique.zip": unique}
    for path in (subject.path / "poetry.lock", subject.path / "requirements.txt", subject.path / "pyproject.toml"):
        if not path.exists():
            continue
        text = path.read_text()
        if path.name == "poetry.lock":
            entries = "".join(f'    {{file = "{file}", hash = "sha256:{hash_}"}},\n' for file, hash_ in files.items())
            old = rf'(name = "{name}"\nversion = )".*"([\s\S]*?files = \[\n)[^]]*'
            text = re.sub(old, rf'\g<1>"{version}"\g<2>{entries}', text)
        elif "--hash=" in text:
            hashes = "".join(rf" \\\n    --hash=sha256:{hash_}" for hash_ in files.values())
            text = re.sub(
                rf"^({name}==)[^\s;]+(.*?)(?: \\\n +--hash=\S+)+",
                rf"\g<1>{version}\g<2>{hashes}",
                text,
                flags=re.MULTILINE,
            )
        elif path.name == "requirements.txt":
            text += f"{name}=={version}\n"  # step 1 names only what it imports itself
        path.write_text(f"{text}\n# {unique}\n")
    return name


@practice
def cached_downloads(subject: Subject) -> None:
    """After a change of one dependency, a build downloads that one alone; the others come from a cache mount."""
    with subject.copied("with another version of one dependency") as copy:
        name = change_dependency(copy)
        others = downloads(copy.build()) - {name}
        if others and any("type=cache" in line for line in copy.instructions):
            # The engine may have been without its caches, or never have had these packages: now it has.
            change_dependency(copy)
            others = downloads(copy.build()) - {name}
        if others:
            raise Violation(
                f"downloaded, though only {name} has changed: {', '.join(sorted(others))}",
                f"change the version of {name} and its hashes in the lock file",
                "docker compose --progress plain build | grep Downloading",
            )


def downloads(build: Build) -> set[str]:
    """The packages that a build downloaded, as far as the installers say."""
    if not any(INSTALLS.search(name) for name in build.ran):
        raise RuntimeError(f"nothing was installed:\n{build.output}")
    pip = re.findall(
        r"^#\d+ [\d.]+ +Downloading (?:\S*/)?(\w[\w.]*?)-\d\S*\.(?:whl|tar\.gz|zip)\s", build.output, re.MULTILINE
    )
    # Poetry does not say what it downloads, only what it installs; in the tutorial it never has a cache.
    poetry = re.findall(r"^#\d+ [\d.]+ +- (?:Installing|Updating|Downgrading) (\S+) \(", build.output, re.MULTILINE)
    # uv says how many.
    uv = [
        f"package {n + 1} of uv"
        for count in re.findall(r"Prepared (\d+) package", build.output)
        for n in range(1, int(count))
    ]
    return {re.sub("[-_.]+", "-", found).lower() for found in (*pip, *poetry)} | set(uv)


# What pip, Poetry, uv and apt keep for the next time.
CACHES = re.compile(r"(^|/)\.cache/|\.whl$|^var/cache/apt/.*\.(deb|bin)$|^var/lib/apt/lists/.*_")


@practice
def no_cache_in_image(subject: Subject) -> None:
    """No layer of the image holds a cache of pip, Poetry, uv or apt."""
    by_hand = "docker compose run --rm --user 0 web du -sh /root/.cache"
    # pip (unlike uv) keeps what the index lets it keep. Where that is nothing, no layer shows what it holds elsewhere.
    for line in _last_stage(subject):
        for command in re.findall(r"(?<!uv )pip (?:install|download) [^&;|]*", line) if line.startswith("RUN") else ():
            if not re.search(r"--no-cache-dir|--no-index", command) and "target=/root/.cache" not in line:
                raise Violation(f"nothing takes away what this keeps: {command}", by_hand)
    if found := sorted(_find_in_layers(subject, lambda name, _: CACHES.search(name))):
        raise Violation(f"{len(found)} files, {', '.join(found[:3])} among them", by_hand)


CANARIES = (".env", ".git/config", ".venv/pyvenv.cfg", ".idea/workspace.xml")
CANARIES_IN_CODE = (".env", "__pycache__/main.cpython-313.pyc")


@practice
def lean_context(subject: Subject) -> None:
    """Secrets, version control, local environments and caches in the folder reach no layer of the image."""
    canary = secrets.token_hex().encode()
    with subject.copied("with things that do not belong in an image") as copy:
        for file in (*map(copy.path.joinpath, CANARIES), *map(copy.code.joinpath, CANARIES_IN_CODE)):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"CANARY=" + canary)
        if found := _find_in_layers(copy, lambda _, file: canary in file.read()):
            raise Violation(
                f"in the image: {', '.join(sorted(found))}",
                "echo SECRET=1 > .env",
                "docker compose build",
                "docker compose run --rm web ls -A",
            )


def _find_in_layers(subject: Subject, wanted: Callable[[str, IO[bytes]], object]) -> set[str]:
    """The names of the files in any layer of the image, the base image's aside, that are wanted by name or content."""
    found = set()
    inherited = len(docker.image.inspect(base_image(subject)).root_fs.layers or [])
    archive = SCRATCH / f"{subject.slug}.tar"
    docker.image.save(subject.image, output=archive)
    with tarfile.open(archive) as image:
        for name in json.load(image.extractfile("manifest.json") or io.BytesIO())[0]["Layers"][inherited:]:
            with tarfile.open(fileobj=image.extractfile(name)) as layer:
                for file in layer:
                    # ".wh." marks a file of an earlier layer as removed.
                    if "/.wh." in file.name:
                        continue
                    if file.isfile() and (stream := layer.extractfile(file)) and wanted(file.name, stream):
                        found.add(file.name)
    archive.unlink()
    return found


# Run inside the container: the modules of these distributions and in the working directory without valid bytecode.
WITHOUT_BYTECODE = """
import importlib.metadata, importlib.util, pathlib, sys
def is_valid(source):
    try:
        data = pathlib.Path(importlib.util.cache_from_source(source)).read_bytes()
    except FileNotFoundError:
        return False
    if data[:4] != importlib.util.MAGIC_NUMBER:
        return False
    if data[4] & 1:
        return data[8:16] == importlib.util.source_hash(source.read_bytes())
    stat = source.stat()
    return data[8:16] == b"".join((int(n) & 0xFFFFFFFF).to_bytes(4, "little") for n in (stat.st_mtime, stat.st_size))
files = [file.locate() for name in sys.argv[1:] for file in importlib.metadata.files(name)]
files += pathlib.Path.cwd().rglob("*.py")
modules = {pathlib.Path(file).resolve() for file in files if file.suffix == ".py"}
print(*sorted(str(module) for module in modules if not is_valid(module)), sep="\\n")
"""


@practice
def precompiled(subject: Subject) -> None:
    """Every module of app and dependencies has valid bytecode; a start on a read-only file system compiles nothing."""
    interpreter = subject.shared.python(APP_INTERPRETER)
    command = ["-c", WITHOUT_BYTECODE, *_installed(subject)]
    # In a container of its own: one that serves may have written its bytecode by now.
    if found := str(docker.run(subject.image, command, entrypoint=interpreter, remove=True)).split():
        raise Violation(
            f"{len(found)} modules without valid bytecode, {', '.join(found[:3])} among them",
            "docker compose run --rm web find . -name '*.pyc'",
        )
    with subject.running(read_only=True, environment={"PYTHONVERBOSE": "1"}) as running:
        running.get("/")
        if compiled := sorted(set(re.findall(r"^# code object from (/.*)$", running.log, re.MULTILINE))):
            raise Violation(
                f"compiled at the start: {len(compiled)} modules, {', '.join(compiled[:3])} among them",
                'docker compose run --rm --env PYTHONVERBOSE=1 web 2>&1 | grep "code object from /"',
            )


def _last_stage(subject: Subject) -> list[str]:
    """The instructions of the last stage and of those that it starts from."""
    stages: dict[str, list[str]] = {}
    for line in subject.instructions:
        if line.upper().startswith("FROM "):
            _, base, *name = line.split()
            last = stages[name[1] if name else ""] = list(stages.get(base, ()))
        else:
            last.append(line)
    return last


@practice
def single_stage(subject: Subject) -> None:
    """The Dockerfile is one stage, read from top to bottom."""
    if (count := len(_stages(subject))) > 1:
        raise Violation(f"{count} stages", "grep FROM Dockerfile")


@practice
def no_build_tools(subject: Subject) -> None:
    """No dependency manager (Poetry, uv) is in the image."""
    if found := _programs(subject, "poetry", "uv"):
        raise Violation(f"in the image: {found}", "docker compose run --rm web poetry --version")


def _programs(subject: Subject, *names: str) -> str:
    """The paths of those of these programs that the image has."""
    found = docker.execute(subject.shared.container, ["sh", "-c", f"command -v {' '.join(names)} || true"])
    return " ".join(str(found).split())


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


@practice
def test_target(subject: Subject) -> None:
    """`docker build --target test` runs the app's tests, and a test that fails stops it."""
    by_hand = "docker build --target test ."
    if "test" not in {name for _, name in _stages(subject)}:
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


@practice
def static_assets(subject: Subject) -> None:
    """Stylesheet and script are built, served under names with a hash of their content, and may be kept for a year."""
    page = subject.shared.get("/", accept="text/html")
    for path in re.findall(r'(?:href|src)="(/[^"]+)"', page.text) or ["none in the page"]:
        by_hand = f"curl --head localhost:8000{path}"
        if not re.search(r"\.[0-9a-f]{8,}\.(css|js)$", path):
            raise Violation(f"no hash in the name: {path}", "curl --header 'Accept: text/html' localhost:8000")
        answer = subject.shared.get(path)
        if answer.status_code != 200 or not re.match("text/(css|javascript)", answer.headers.get("content-type", "")):
            raise Violation(
                f"{path}: {answer.status_code}, {answer.headers.get('content-type', 'no content type')}", by_hand
            )
        kept = parsedate_to_datetime(answer.headers.get("expires", "Thu, 01 Jan 1970 00:00:00 GMT")) - datetime.now(UTC)
        if kept.days < 360:
            raise Violation(f"{path} expires in {kept.days} days", by_hand)
        if max(map(len, answer.text.splitlines())) < 300:
            raise Violation(f"{path} is not minified", by_hand)
    if found := _programs(subject, "node", "npm"):
        raise Violation(f"in the image: {found}", "docker compose run --rm web node --version")


@practice
def knows_its_version(subject: Subject) -> None:
    """`GET /version` names the commit and the time of the build, and the versions of Python and Django."""
    arguments = {"GIT_COMMIT": secrets.token_hex(20), "BUILD_TIME": "2026-11-20T12:00:00Z"}
    by_hand = "GIT_COMMIT=$(git rev-parse HEAD) docker compose up --build --detach; curl localhost:8000/version"
    if (status := subject.shared.get("/version").status_code) != 200:
        raise Violation(f"GET /version: {status}", by_hand)
    with patch.dict(os.environ, arguments), subject.copied("with build arguments") as copy:
        answer = copy.shared.get("/version")
        expected = {
            "commit": arguments["GIT_COMMIT"],
            "built": arguments["BUILD_TIME"],
            "python": copy.shared.python("import platform; print(platform.python_version())"),
            "django": _locked(copy)["django"],
        }
        if answer.json() != expected:
            raise Violation(f"{answer.json()} instead of {expected}", by_hand)


@practice
def no_compiler(subject: Subject) -> None:
    """No C compiler is in the image."""
    if found := _programs(subject, "cc", "gcc", "g++", "clang"):
        raise Violation(f"in the image: {found}", "docker compose run --rm web gcc --version")


@practice
def small_image(subject: Subject) -> None:
    """The image has at most a quarter of the size of the full Python image (the sum of `docker history`'s layers)."""
    full = "python:3.13-trixie"
    size, size_of_full = weight(subject.image), weight(full)
    if size > size_of_full / 4:
        raise Violation(
            f"{size:.0f} MB, {size / size_of_full:.0%} of the {size_of_full:.0f} MB of {full}",
            "docker history IMAGE",
        )


def weight(image: str) -> float:
    """The size of an image's unpacked layers in millions of bytes, which both of Docker's image stores report alike."""
    history = ["docker", "history", "--human=false", "--format", "{{.Size}}", image]
    return sum(map(int, subprocess.run(history, capture_output=True, text=True, check=True).stdout.split())) / 1e6


@practice
def labelled(subject: Subject) -> None:
    """The image's labels name the repository, the commit and the time that it was built from (OCI annotations)."""
    given = {
        "GIT_COMMIT": secrets.token_hex(20),
        "BUILD_TIME": "2026-11-20T12:00:00Z",
        "SOURCE": "https://example.org/x",
    }
    expected = dict(zip(("revision", "created", "source"), given.values(), strict=True))
    by_hand = (
        "GIT_COMMIT=$(git rev-parse HEAD) docker compose build",
        "docker inspect --format '{{.Config.Labels}}' IMAGE",
    )

    def labels(image: str) -> dict[str, str | None]:
        found = docker.image.inspect(image).config.labels or {}
        return {name: found.get(f"org.opencontainers.image.{name}") for name in expected}

    if not any(labels(subject.image).values()):
        raise Violation("the image has none of these labels", *by_hand)
    with patch.dict(os.environ, given), subject.copied("with build arguments") as copy:
        seen = labels(copy.image)
    if seen != expected:
        raise Violation(f"{seen} instead of {expected}", *by_hand)


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


@practice
def repeatable_build(subject: Subject) -> None:
    """Two builds without cache, in two folders and with other file times, give the same files, byte for byte."""
    # First what two builds within a minute would not show: days and times of the build that are kept in files.
    if found := docker.run(subject.image, ["-c", CLOCKS_IN_BYTECODE], entrypoint="python", remove=True):
        raise Violation(f"{found} records the time of the build", "docker compose run --rm web find / -name '*.pyc'")
    if (after := _shadow(subject.image)) != _shadow(base_image(subject)):
        raise Violation(
            f"/etc/shadow records the day of the build: {after.splitlines()[-1]}",
            "docker compose run --rm --user 0 web cat /etc/shadow",
        )
    with subject.copied("a week later") as copy:
        for path in copy.path.rglob("*"):
            os.utime(path, (path.stat().st_mtime + 604_800,) * 2)
        copy.build(cache=False)
        first, second = _files(subject.image), _files(copy.image_name)
    if different := sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name)):
        raise Violation(
            f"{len(different)} files differ, {', '.join(different[:5])} among them", "docker compose build --no-cache"
        )


def _shadow(image: str) -> str:
    return str(docker.run(image, ["/etc/shadow"], entrypoint="cat", user="0", remove=True))


def _files(image: str) -> dict[str, tuple[object, ...]]:
    """Every file of an image: kind, mode, owner, and what it holds or points to. Times are not compared."""
    container = docker.container.create(image)
    archive = SCRATCH / f"{container.id}.tar"
    try:
        container.export(archive)
        with tarfile.open(archive) as files:
            return {
                file.name: (file.type, file.mode, file.uid, file.gid, file.linkname, _digest(files, file))
                for file in files
            }
    finally:
        container.remove()
        archive.unlink(missing_ok=True)


def _digest(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    content = archive.extractfile(member) if member.isfile() else None
    return hashlib.sha256(content.read()).hexdigest() if content else ""
