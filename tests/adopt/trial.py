"""Try a draft as its reader would: make its lists, build, import the app, start it, ask for a page, and stop it.

Each step that does not end well is a `Failure` with its whole log, which `adopt.remedies` then reads.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import httpx
from python_on_whales.exceptions import DockerException

from library.engine import SCRATCH, SESSION, BuildFailed, last_line, one_build_at_a_time, wait_until
from library.subject import READY_LIMIT, Running, Subject
from library.tutorial import ROOT
from score.composing import Unusable

from . import inside
from .draft import AIOHTTP, UVICORN, WORKER_CLASS, Draft
from .lists import run_beside

# What the trial takes in the place of an image that cannot be had: bootstrap makes these two, one of them for step 5.
LIKE = {
    r"(?:docker\.io/)?(?:library/)?postgres:": "postgres:17-trixie",
    r"(?:docker\.io/)?(?:library/|valkey/)?(?:redis|valkey)\b": "redis:8",
}
IMPORT_LIMIT = 90  # seconds
COMMAND_LIMIT = 240
TIMED_OUT = 124  # the exit code of `timeout`


@dataclass(frozen=True)
class Failure:
    """What did not end well."""

    stage: str  # lists, build, import, start, migrate or page
    log: str  # all that was printed
    stops: bool = True  # the trial cannot go on; what only the import says may not matter when the app is started

    @property
    def lines(self) -> list[str]:
        """The lines of the log, as far as somebody reads them, without what BuildKit puts before each."""
        return [re.sub(r"^#\d+ (?:\d+\.\d+ )?", "", line[:1000]) for line in self.log.splitlines()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def cause(self) -> str:
        """The first line of the real cause, with the package that could not be built because of it, if it is one."""
        package = re.search(r"Failed to build `(.+?)`", self.text)
        error = f"{package[1]} cannot be built: {self._error}" if package else self._error
        if "validation error" in error:  # pydantic says below what it is about
            below = self.text.partition(error)[2].splitlines()[1:3]
            error = " ".join([error, *(line.strip() for line in below)])
        return error[:300]

    @property
    def _error(self) -> str:
        """Of the first traceback its exception, or else the first error."""
        if because := re.search(r"(?:cause:|╰─▶) +(Because .*)", self.text):
            return because[1][:300]
        lines = self.lines
        for number, line in enumerate(lines):
            if line.lstrip(" |+").startswith("Traceback (most recent call last)"):
                depth = len(line) - len(line.lstrip())
                after = (one for one in lines[number + 1 :] if one.strip() and len(one) - len(one.lstrip()) <= depth)
                exception = next(after, "").strip()
                if exception and "404" not in exception:  # that a page is not there, many an app handles itself
                    return exception[:300]
        named = r"^\W*(?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Configured|DoesNotExist)\b\W"
        if exception := next((line.strip() for line in lines if re.search(named, line)), ""):
            return exception[:300]  # whoever configures the log may have left out the traceback
        if compiler := next((line.strip() for line in lines if re.search(r":\d+: (?:fatal )?error: ", line)), ""):
            return compiler
        error = r"\b(error|fatal|failed|not found|no such|cannot)\b"
        no_cause = r"did not complete|failed to solve|Failed to build"
        causes = (line for line in lines if re.search(error, line, re.IGNORECASE) and not re.search(no_cause, line))
        return (next(causes, "").strip() or last_line(self.text))[:300]


def attempt(draft: Draft, number: int) -> Iterator[Failure]:
    """Build and start a draft; yield what does not end well, until nothing more can be tried."""
    place = SCRATCH / "trial"
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(inside.report_databases.source())
    name, files, has = f"{draft.folder.name} {number}", tuple(variables(draft)), frozenset({"compose"})
    subject = Subject(name, draft.folder, ours=False, slow=None, profile="", env_files=files, has=has)
    try:
        subject.build()
    except BuildFailed as failed:
        yield Failure("build", failed.output)
        return
    try:
        environment = {"PYTHONPATH": f"/trial:{draft.python_path}"}
        mounts = [f"{place}:/trial:ro"]
        subject = with_what_can_be_had(draft, subject, place / "absent.yaml")
        yield from import_alone(draft, subject, environment, place)
        with subject.started(restart="no", environment=environment, volumes=mounts) as running:
            failures = list(use(draft, running))
        yield from failures  # once it is down: what mends them changes the compose file
    except DockerException as error:
        yield Failure("start", "\n".join([*getattr(error, "__notes__", ()), str(error.stderr or error)]))
    except subprocess.CalledProcessError as error:
        yield Failure("start", str(error.stderr))


def is_here(image: str) -> bool:
    return not subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode


@cache
def bring(image: str) -> str:
    """Pull an image, or make a stand-in of it where no registry answers; nothing, or why it cannot be had."""
    place = SCRATCH / "image"
    place.mkdir(exist_ok=True)
    (place / "Dockerfile").write_text(f"FROM {image}\n")
    with one_build_at_a_time():
        command = [ROOT / "bootstrap/bases.sh", place]
        brought = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{image} cannot be had: {last_line(brought.stderr)}" if brought.returncode else ""


def with_what_can_be_had(draft: Draft, subject: Subject, override: Path) -> Subject:
    """The same, but for the services whose images cannot be had: with others like them, or without."""
    beside = {name: one["image"] for name, one in subject.services(()).items() if "build" not in one}
    lines, gone = [], set()
    for name, image in beside.items():
        if is_here(image) or not bring(image):
            continue
        other = next((like for start, like in LIKE.items() if re.match(start, image) and not bring(like)), "")
        draft.absent[image] = other
        lines.append(f"  {name}: {{ image: '{other}' }}" if other else f"  {name}: !reset null")
        gone |= set() if other else {name}
    if not lines:
        return subject
    for service, one in subject.services().items():
        if needs := one.get("depends_on"):
            kept = {name: how for name, how in needs.items() if name not in gone}
            lines.append(f"  {service}: {{ depends_on: !override {json.dumps(kept)} }}")
    override.write_text("\n".join(["services:", *lines, ""]))
    return replace(subject, compose=(*subject.compose, str(override)))


def variables(draft: Draft) -> list[Path]:
    """The files with the values for compose: those that were made up, and before them the reader's own."""
    file = SCRATCH / "made-up.env"
    file.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in draft.made_up.items()))
    return [file, *(path for path in [draft.folder / ".env"] if path.is_file())]


def import_alone(draft: Draft, subject: Subject, environment: dict[str, str], place: Path) -> Iterator[Failure]:
    """Import the app without a network, and see whether it is served by the worker that fits it."""
    web = subject.services()["web"]
    given, volumes = web.get("environment") or {}, web.get("volumes") or ()
    options = [f"--name={SESSION}-import", "--network=none", "--read-only", "--tmpfs=/tmp"]
    options += [f"--env={name}={value}" for name, value in ({**given, **environment}).items()]
    options += [f"--volume={volume['target']}" for volume in volumes]  # new ones, which go with the container
    options += [f"--volume={place}:/trial:ro"]
    root = f"/app/{draft.app.root}".rstrip("/")
    limited = ["timeout", str(IMPORT_LIMIT), *inside.import_app.command(draft.app.name, root)]
    command = ["docker", "run", "--rm", *options, subject.built_image(), *limited]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    log = done.stdout + done.stderr
    if done.returncode == TIMED_OUT:
        log += f"\nadopt: the import of {draft.app.name} does not end"
    served = {UVICORN: "asgi", AIOHTTP: "aiohttp"}
    kind = re.search(r"^adopt: the app is (\w+)$", log, re.MULTILINE)
    expected = served.get(draft.find("gunicorn.conf.py", WORKER_CLASS), "wsgi")
    if done.returncode or not kind or kind[1] not in ("unknown", expected):
        yield Failure("import", log, stops=done.returncode == TIMED_OUT)


def use(draft: Draft, running: Running) -> Iterator[Failure]:
    """Run what has to be run first, ask for a page, and stop the app."""
    for command in draft.commands:
        try:
            limited = ["timeout", str(COMMAND_LIMIT), *shlex.split(command)]  # it may ask somebody, and wait
            running.project.compose.run(running.service, limited, remove=True, tty=False)
        except DockerException as error:
            stops = command != draft.hoped
            yield Failure("migrate", f"{error.stdout or ''}{error.stderr or error}", stops)
            if stops:
                return
    answer = wait_until(lambda: _get(running, running.page) or not running.is_up, READY_LIMIT, pause=0.3)
    if isinstance(answer, bool):
        why = f"no answer after {READY_LIMIT:.0f} s"
        if not running.is_up:
            why = f"the app has ended with exit code {running.container.state.exit_code}"
        yield Failure("start", f"{running.log}\nadopt: {why}")
        return
    of_django = draft.app.framework == "django"
    if answer.status_code == 400 and of_django:  # to a name that it does not know; in production no log says so
        draft.host = running.host = running.run(inside.host_of_django, draft.app.module)
        answer = _get(running, running.page) or answer
    for _ in range(3):
        # A page that only says where the real one is (a login, say) is no answer yet.
        target = answer.headers.get("location", "")
        if answer.status_code >= 400 or not target.startswith("/") or not (further := _get(running, target)):
            break
        answer = further
    refused = answer.status_code == 400 and of_django
    # The health check of final's Dockerfile asks for it, and many an app looks there for its database. That may be
    # elsewhere, so this does not stop the trial.
    health = _get(running, "/health")
    stops = answer.status_code >= 500 or refused
    if not stops and health and health.status_code >= 500:
        answer = health
    if answer.status_code >= 500 or refused:
        why = f"adopt: GET {answer.url.path} says {answer.status_code}"
        if refused:
            why = f"Invalid HTTP_HOST header, or another reason: {why}"
        elif of_django:
            try:
                running.run(inside.ask_django, draft.app.module, answer.url.path, running.host)
            except DockerException as error:
                why = f"{error.stderr}\n{why}"
        yield Failure("page", f"{running.log}\n{why}", stops)
        if stops:
            return
    log = running.log
    opened = re.findall(r"^adopt: sqlite3 opens (/tmp/\S+)$", log, re.MULTILINE)
    draft.lost = next((path for path in opened if path not in "".join(draft.made_up.values())), "")
    if migrating := re.findall(r"^.*\[alembic\.runtime\.migration\] Running upgrade.*$", log, re.MULTILINE):
        # Each worker does that, and they may come in each other's way, or not this time.
        yield Failure("start", "\n".join(migrating), stops=False)
    if running.is_up:
        running.stop()
    else:
        yield Failure("start", f"{log}\nadopt: the app has ended after its first answer")


def _get(running: Running, path: str) -> httpx.Response | None:
    """The answer, if there is one within ten seconds."""
    try:
        return running.get(path, accept="text/html,*/*")
    except (httpx.HTTPError, DockerException):
        return None


def without_wheels(draft: Draft) -> dict[str, list[str]]:
    """For each version of Python from the draft's on, the packages of its list that have no wheel for it.

    It ends with the first version for which all have one.
    """
    command = shlex.join(inside.print_missing_wheels.command(draft.versions))
    try:
        log = run_beside(draft.folder, draft.base, [command], draft.compilers)
    except Unusable as error:
        log = error.log
    lines = re.findall(r"^adopt: no wheel for (\S+) ?(.*)$", log, re.MULTILINE)
    return {version: names.split() for version, names in lines}
