"""What is in the image, and what the app makes of it."""

import os
import re
import secrets
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from unittest.mock import patch

from .. import image, locks
from ..dockerfile import OF_PYTHON
from ..engine import NotReady, docker, run_to_its_end
from ..subject import PYTHON, Subject, look
from . import NotAsked, Violation, practice
from .installed import APP_INTERPRETER, installed, programs

PIP_FETCHES = re.compile(r"(?<!uv )pip (?:--python \S+ )?(?:install|download) [^&;|]*")
# What pip, Poetry, uv and apt keep for the next time.
CACHES = re.compile(r"(^|/)\.cache/|\.whl$|^var/cache/apt/.*\.(deb|bin)$|^var/lib/apt/lists/.*_")


@practice("cost", slow=True)
def no_cache_in_image(subject: Subject) -> None:
    """No layer of the image holds a cache of pip, Poetry, uv or apt."""
    by_hand = "docker compose run --rm --user 0 web du -sh /root/.cache"
    # pip (unlike uv) keeps what the index lets it keep. Where that is nothing, no layer shows what it holds elsewhere.
    for line in (line for stage in subject.parsed.last_stages for line in stage.instructions):
        for command in PIP_FETCHES.findall(line) if line.startswith("RUN") else ():
            if not re.search(r"--no-cache-dir|--no-index", command) and "target=/root/.cache" not in line:
                raise Violation(f"nothing takes away what this keeps: {command}", by_hand)
    if found := sorted(image.find_in_layers(subject, lambda name, _: CACHES.search(name))):
        raise Violation(f"{len(found)} files, {', '.join(found[:3])} among them", by_hand)


# Run inside the container: the modules of these distributions and in the working directory without valid bytecode.
WITHOUT_BYTECODE = """
import importlib.metadata, importlib.util, pathlib, re, sys
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
there = [one for one in importlib.metadata.distributions() if re.sub("[-_.]+", "-", one.name).lower() in sys.argv[1:]]
files = [file.locate() for one in there for file in one.files or ()]
files += pathlib.Path.cwd().rglob("*.py")
modules = {pathlib.Path(file).resolve() for file in files if file.suffix == ".py" and pathlib.Path(file).exists()}
print(*sorted(str(module) for module in modules if not is_valid(module)), sep="\\n")
"""


@practice("cost", slow=True)
def precompiled(subject: Subject) -> None:
    """All modules of app and packages have valid bytecode, and a start on a read-only file system compiles nothing."""
    interpreter = subject.shared.look(APP_INTERPRETER)
    command = ["-B", "-c", WITHOUT_BYTECODE, *installed(subject)]
    # In a container of its own: one that serves may have written its bytecode by now.
    if found := run_to_its_end(subject.image, *command, entrypoint=interpreter).stdout.split():
        raise Violation(
            f"{len(found)} modules without valid bytecode, {', '.join(found[:3])} among them",
            "docker compose run --rm web find . -name '*.pyc'",
        )
    with subject.started(read_only=True, environment={**subject.reachable_with, "PYTHONVERBOSE": "1"}) as running:
        try:
            running.wait_until_ready()
        except NotReady as error:
            raise Violation(error.brief, "docker compose run --rm --read-only web") from error
        running.get()
        if compiled := sorted(set(re.findall(r"^# code object from (/.*)$", running.log, re.MULTILINE))):
            raise Violation(
                f"compiled at the start: {len(compiled)} modules, {', '.join(compiled[:3])} among them",
                'docker compose run --rm --env PYTHONVERBOSE=1 web 2>&1 | grep "code object from /"',
            )


@practice("cost")
def no_build_tools(subject: Subject) -> None:
    """No dependency manager (Poetry, uv) is in the image."""
    if found := programs(subject, "poetry", "uv", "pdm", "pipenv"):
        raise Violation(f"in the image: {found}", f"docker compose run --rm web {found.split()[0]} --version")


@practice("cost")
def no_dev_dependencies(subject: Subject) -> None:
    """Nothing that only developers need (the dev group) is in the image."""
    if found := sorted(locks.dev_only(subject.source) & installed(subject).keys()):
        raise Violation(f"in the image: {', '.join(found)}", "docker compose run --rm web python -m pytest --version")


# Run inside the container. Packages bring tests of their own, and a virtual environment may lie beside the code.
TESTS = look(
    "import pathlib; print(*(p for p in pathlib.Path.cwd().rglob('test_*.py') if 'site-packages' not in p.parts))"
)


@practice("cost")
def no_tests_in_image(subject: Subject) -> None:
    """The app's tests are not in the image."""
    if found := subject.shared.look(TESTS):
        raise Violation(f"in the image: {found}", "docker compose run --rm web ls tests")


# Run inside the container: what everybody may write to, in directories that everybody may enter. Devices, and
# directories with the sticky bit, as /tmp has it, are made for that; other file systems are not the image's.
WRITABLE_BY_EVERYBODY = """
import os, stat
image = os.lstat("/").st_dev
for place, folders, files in os.walk("/"):
    for name in [*folders, *files]:
        path = os.path.join(place, name)
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            continue  # it has just gone
        mode, is_folder = status.st_mode, stat.S_ISDIR(status.st_mode)
        if is_folder and (status.st_dev != image or not mode & stat.S_IXOTH):
            folders.remove(name)
        elif mode & stat.S_IWOTH and not (
            is_folder and mode & stat.S_ISVTX or stat.S_ISLNK(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
        ):
            print(path)
"""


@practice("access")
def no_world_writable(subject: Subject) -> None:
    """Except for /tmp and the like, nothing in the image can be written to by every user."""
    command = [*PYTHON, WRITABLE_BY_EVERYBODY]
    if found := str(docker.execute(subject.shared.container, command, user="0")).splitlines():
        raise Violation(
            f"{len(found)} that everybody can write to, {', '.join(found[:3])} among them",
            "docker compose run --rm --user 0 web find / -xdev -perm -2 ! -type l",
        )


@practice("cost", needs="page")
def static_assets(subject: Subject) -> None:
    """Stylesheet and script are built, have a hash of their content in their names, and may be kept for a year."""
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
    if found := programs(subject, "node", "npm"):
        raise Violation(f"in the image: {found}", "docker compose run --rm web node --version")


@practice("unnoticed", slow=True, builds=True, needs="version")
def knows_its_version(subject: Subject) -> None:
    """`GET /version` names the commit, the build's time, Python and Django; a new commit installs nothing again."""
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
            "django": locks.versions(copy.source)["django"],
        }
        if answer.json() != expected:
            raise Violation(f"{answer.json()} instead of {expected}", by_hand)
        os.environ["GIT_COMMIT"] = secrets.token_hex(20)
        again = copy.build(alone=True).ran
        if len(again) > 1:  # the file is written
            raise Violation(f"with another commit ran again: {'; '.join(again)}", "GIT_COMMIT=1 docker compose build")


@practice("cost")
def no_compiler(subject: Subject) -> None:
    """No C compiler is in the image."""
    if found := programs(subject, "cc", "gcc", "g++", "clang"):
        raise Violation(f"in the image: {found}", "docker compose run --rm web gcc --version")


@practice("cost")
def small_image(subject: Subject) -> None:
    """The image has at most a quarter of the full Python image's size, and no layer repeats what another one has."""
    base = subject.parsed.base_image
    full = re.sub(r"-slim|-alpine[\d.]*", "", base)
    if not OF_PYTHON.match(base):
        raise NotAsked(f"FROM {base}: there is no full image of Python's to compare it with")
    if not docker.image.exists(full):
        raise NotAsked(f"{full} is not on this machine to compare it with: docker pull {full}")
    size, size_of_full = image.weight(subject.image), image.weight(full)
    if size > size_of_full / 4:
        raise Violation(
            f"{size:.0f} MB, {size / size_of_full:.0%} of the {size_of_full:.0f} MB of {full}",
            "docker history IMAGE",
        )
    if (twice := image.wasted(subject)) > 1:
        raise Violation(f"{twice:.0f} MB are in two layers or more", "docker history IMAGE")


@practice("taste", slow=True, builds=True)
def labelled(subject: Subject) -> None:
    """Labels of the image (OCI annotations) name the repository, the commit and the time that it was built from."""
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

    def labels(name: str) -> dict[str, str | None]:
        found = docker.image.inspect(name).config.labels or {}
        return {label: found.get(f"org.opencontainers.image.{label}") for label in expected}

    if not any(labels(subject.image).values()):
        raise Violation("the image has none of these labels", *by_hand)
    if not subject.ours:  # other projects' build arguments have other names
        return
    with patch.dict(os.environ, given), subject.copied("with build arguments") as copy:
        seen = labels(copy.image)
    if seen != expected:
        raise Violation(f"{seen} instead of {expected}", *by_hand)
