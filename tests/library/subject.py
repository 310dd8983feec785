"""What is tested: a folder, another Dockerfile of it, or a changed copy; how it is built and started."""

import hashlib
import itertools
import json
import math
import re
import secrets
import shlex
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import httpx
from python_on_whales import Container, DockerClient
from python_on_whales.exceptions import DockerException

from . import clock, tutorial
from .buildlog import Build
from .dockerfile import Dockerfile
from .engine import (
    SCRATCH,
    SESSION,
    BuildFailed,
    NotReady,
    at_end,
    build_recipe,
    compose_model,
    docker,
    one_build_at_a_time,
    wait_until,
)
from .program import LOOKS, PYTHON, Program, run_all
from .repository import copy_folder

T = TypeVar("T")

READY_LIMIT = 60.0  # seconds; generous, a start takes about one


@cache
def tls() -> ssl.SSLContext:
    """Made once: httpx would read all certificates for each request."""
    return ssl.create_default_context()


def published(container: Container) -> list[tuple[str, str, int]]:
    """Where the engine publishes a container's ports now: the one in it ("8000/tcp"), and address and port here."""
    container.reload()
    ports = container.network_settings.ports or {}
    return [(inside, here["HostIp"], int(here["HostPort"])) for inside, all_ in ports.items() for here in all_ or ()]


@dataclass
class Running:
    """A service that compose started, or a replica of it, which compose counts from 1; the rest is its subject's."""

    project: DockerClient
    service: str
    by_hand: tuple[str, ...]
    index: int = 1
    port: int = 8000
    page: str = "/"
    host: str = ""
    _urls: dict[int, str] = field(default_factory=dict)

    @cached_property
    def container(self) -> Container:
        """Found by the labels that compose gives it: to ask the engine takes a third of the time to ask compose."""
        project = self.project.client_config.compose_project_name
        labels = {"project": project, "service": self.service, "container-number": self.index, "oneoff": False}
        return docker.container.list(
            all=True, filters=[("label", f"com.docker.compose.{label}={value}") for label, value in labels.items()]
        )[0]

    @property
    def directory(self) -> Path:
        """Where its command starts: WORKDIR, or the root where nobody has said."""
        return Path("/", self.container.config.working_dir or "")

    def url(self, port: int | None = None) -> str:
        """Where the engine publishes a port; it may be another one after the container has stopped."""
        port = port or self.port
        if port not in self._urls:
            here = [number for inside, _, number in published(self.container) if inside == f"{port}/tcp"]
            if not here:
                raise httpx.ConnectError(f"the container publishes no port {port} now")
            self._urls[port] = f"http://127.0.0.1:{here[0]}"
        return self._urls[port]

    def get(
        self, path: str | None = None, port: int | None = None, timeout: float = 10, accept: str = "*/*"
    ) -> httpx.Response:
        # No proxy leads to this machine; to look for one takes longer than the request.
        url = self.url(port) + (path or self.page)
        headers = {"Accept": accept} | ({"Host": self.host} if self.host else {})
        return httpx.get(url, timeout=timeout, headers=headers, verify=tls(), trust_env=False)

    def status(self, path: str | None = None, port: int | None = None, timeout: float = 10) -> int:
        """The status of an answer, or 0 if there is none within so many seconds."""
        try:
            return self.get(path, port, timeout).status_code
        except (httpx.HTTPError, DockerException):
            return 0

    def answers(self, path: str | None = None, port: int | None = None) -> bool:
        """Whether there is an answer, and it is what was asked for, or says where that is (a login page, say)."""
        return 0 < self.status(path, port, timeout=2) < 400

    def wait_until_ready(self, path: str | None = None, limit: float = READY_LIMIT) -> None:
        """Wait for the first answer; NotReady where none comes within ``limit`` seconds, or the container ends."""
        self._urls.clear()
        polls = itertools.count(1)

        def done() -> bool:
            return self.answers(path) or (next(polls) % 10 == 0 and not self.is_up)

        if not (wait_until(done, limit) and self.is_up):
            raise NotReady(self.log, self.by_hand)

    def now(self) -> "Running":
        """The container that runs the service now, which may be another one."""
        return Running(self.project, self.service, self.by_hand, self.index, self.port, self.page, self.host)

    @property
    def is_up(self) -> bool:
        self.container.reload()
        return bool(self.container.state.running)

    @property
    def exit_code(self) -> int:
        """With which it has ended, or ended last."""
        self.container.reload()
        return self.container.state.exit_code or 0

    @property
    def restarts(self) -> int:
        """How often the engine has started it again."""
        self.container.reload()
        return self.container.restart_count or 0

    def ends(self, limit: float = 2) -> bool:
        """Whether it ends within so many seconds.

        Where a look into it failed, that may be why: the engine cuts a look short before it says `exited`.
        """
        return wait_until(lambda: not self.is_up, limit)

    @property
    def log(self) -> str:
        return str(docker.logs(self.container))

    def run(self, program: Program[T], *arguments: Any, interpreter: str = PYTHON[0], user: str | None = None) -> T:
        """What a program returns that runs inside the container, by default as the app's user."""
        return program.ask(
            lambda command: str(docker.execute(self.container, [interpreter, *command[1:]], user=user)), *arguments
        )

    def python(self, source: str, *arguments: str) -> str:
        """Run Python source inside the container, as the app's user, and return what it prints."""
        return str(docker.execute(self.container, [*PYTHON, source, *arguments]))

    def look(self, program: Program[T]) -> T:
        """What one of LOOKS returns, or has returned before: an exec costs more of a CPU than most looks."""
        returned, traceback = self._looks[LOOKS.index(program)]
        if traceback:
            raise RuntimeError(traceback)
        return cast(T, returned)

    @cached_property
    def _looks(self) -> list[tuple[object, str]]:
        return self.run(run_all, [look.source(use="returned = {}") for look in LOOKS])

    def stop(self) -> float:
        """Stop the container as `docker compose stop` does.

        Returns:
            The seconds (see `clock`) from the signal to the end of its first process, as the engine has noted both; 0
            if it had ended before. What the engine needs before and after is not the app's: it waits for a disk that
            other builds write to at the same time, for seconds.
        """
        self._urls.clear()
        if not self.is_up:
            self.project.compose.stop(self.service)  # the engine may be about to start it again
            return 0.0
        listen = ["docker", "events", "--since=0", f"--filter=container={self.container.id}", "--filter=type=container"]
        listen += ["--filter=event=kill", "--filter=event=die", "--format={{.Action}} {{.TimeNano}}"]
        began, fair_began = time.monotonic(), clock.seconds()
        with subprocess.Popen(listen, stdout=subprocess.PIPE, text=True) as events:
            try:
                docker.stop(self.container)  # with the signal and the patience that compose has given it
                share = (clock.seconds() - fair_began) / (time.monotonic() - began)
                signalled = self._signalled(events.stdout or ())
            finally:
                events.kill()
        self.container.reload()
        ended = self.container.state.finished_at
        return max(0.0, ended.timestamp() - signalled) * share if ended else 0.0

    def _signalled(self, events: Iterable[str]) -> float:
        """When the container got its first signal since it was started: its events come until it has ended."""
        started = self.container.state.started_at
        for action, at in map(str.split, events):
            if started and int(at) / 1e9 >= started.timestamp():
                return int(at) / 1e9 if action == "kill" else math.inf
        return math.inf  # it ended before there was one


# What a practice leaves open in its commands by hand.
LEFT_OPEN = re.compile(r"\{(service|port|url|address|curl)\}")
# Folders that hold no module of the app.
NOT_CODE = re.compile(r"^(\.|_|tests?$|docs?$|venv$|env$|node_modules$|site-packages$|migrations$)")


@dataclass(frozen=True)
class Subject:
    """One thing under test: a folder, another Dockerfile of it, or a changed copy."""

    name: str  # what it is called in messages
    path: Path  # the folder
    dockerfile: str | None = None  # a Dockerfile that compose would not choose
    reachable_with: Mapping[str, str] = field(default_factory=dict)  # environment that lets others reach the app
    service: str = "web"  # the compose service
    profile: str | None = None  # the service's profile; by default it has the same name, or there is none
    compose: tuple[str, ...] = ("compose.yaml",)  # the compose files, as `docker compose --file` takes them
    env_files: tuple[Path, ...] = ()  # files with variables for the compose files
    context: str = "."  # what is built, below the folder: where Dockerfile, lock file and code are
    compose_file: str = ""  # COMPOSE_FILE for whoever starts it by hand, if compose does not find its file alone
    target: str | None = None  # a stage that is built in the place of the one that compose names
    arguments: Mapping[str, str] = field(default_factory=dict)  # the build arguments that compose gives
    port: int = 8000  # where the app listens in the container
    published: int = 8000  # where it is published when somebody starts it by hand
    page: str = "/"  # the path that is asked for where nothing else is said
    host: str = ""  # the name by which the app is asked, where its address will not do
    slow: str | None = "/slow?seconds={seconds}"  # answered after {seconds}, or after a while; None if there is none
    ours: bool = True  # with the tutorial's conventions: a page with the folder's name as ``step``, names of variables
    has: frozenset[str] = frozenset()  # what practices may need (`practices.NEEDS`): who needs another is not asked
    copy_of: str = ""  # the name of the folder that this is a copy of, if it is one

    @property
    def folder(self) -> str:
        """The name of the folder, also where this is a copy of it."""
        return self.copy_of or self.path.name

    @property
    def slug(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "project"

    @property
    def source(self) -> Path:
        """The folder that is built."""
        return self.path / self.context

    def read(self, file: str) -> str:
        return (self.source / file).read_text()

    @property
    def code(self) -> Path:
        """The directory of the app's own modules: src, or else the first one that has some, or else the folder."""
        folders = (self.source / "src", *sorted(path for path in self.source.iterdir() if path.is_dir()))
        own = (path for path in folders if not NOT_CODE.search(path.name) and any(path.glob("**/*.py")))
        return next(own, self.source)

    def modules(self) -> list[Path]:
        """The app's own modules."""
        code = self.code
        there = ((path, path.relative_to(code).parts[:-1]) for path in sorted(code.rglob("*.py")))
        return [path for path, folders in there if not any(map(NOT_CODE.search, folders))]

    @property
    def parsed(self) -> Dockerfile:
        return Dockerfile(self.read(self.dockerfile or "Dockerfile"), self.target or "", self.arguments)

    def slow_path(self, seconds: float) -> str:
        """The path that is answered after some time: after so many seconds, where it can be told."""
        return (self.slow or self.page).replace("{seconds}", str(seconds))

    def by_hand(self, *commands: str) -> tuple[str, ...]:
        """The commands that somebody types who wants to see what a practice says, with what that leaves open.

        {service} and {port} are the app's in compose and in its container, {url} is where its page is, {address} where
        all its pages are, and {curl} names the host, if the app wants that.
        """
        address = f"localhost:{self.published}"
        values = {
            "service": self.service,
            "port": str(self.port),
            "url": address + (self.page if self.page != "/" else ""),
            "address": address,
            "curl": "curl" if self.host in ("", "localhost") else f"curl --header 'Host: {self.host}'",
        }
        profile = self.service if self.profile is None and self.service != "web" else self.profile
        settings = {"COMPOSE_FILE": self.compose_file, "COMPOSE_PROFILES": profile}
        return (
            f"cd {shlex.quote(self.folder)}",
            *(f"export {name}={shlex.quote(value)}" for name, value in settings.items() if value),
            *(LEFT_OPEN.sub(lambda place: values[place[1]], command) for command in commands),
        )

    def services(
        self, profiles: Iterable[str] = ("*",), environment: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The services of the compose files as compose reads them, by name: those of every profile, or of these."""
        options = [f"--project-directory={self.path}", *(f"--profile={name}" for name in profiles)]
        options += [f"--env-file={file}" for file in self.env_files]
        files = [self.path / name for name in self.compose]
        return dict(compose_model(files, *options, environment=environment)["services"])

    def _project(self, name: str, **overrides: Any) -> DockerClient:
        """A compose client for this folder, with overrides for its service merged into its compose file."""
        build = {key: value for key in ("dockerfile", "target") if (value := getattr(self, key))}
        service = {"image": self.image_name, **({"build": build} if build else {}), **overrides}
        file = SCRATCH / f"{name}.json"
        file.write_text(json.dumps({"services": {self.service: service}}))
        return DockerClient(
            compose_files=[*(self.path / name for name in self.compose), file],
            compose_project_name=name,
            compose_project_directory=self.path,
            compose_profiles=[self.service],
            compose_env_files=list(self.env_files),
        )

    @property
    def image_name(self) -> str:
        """The name of its image, which tells it from every other subject of this session."""
        told_apart_by = f"{self.path} {self.dockerfile} {self.service} {self.target}"
        return f"{SESSION}-{self.slug}-{hashlib.sha256(told_apart_by.encode()).hexdigest()[:8]}"

    def build(self, *, cache: bool = True, mounts: str = "") -> Build:
        """Build the image.

        Args:
            cache: use what the layer cache holds; otherwise the cache mounts are emptied, too.
            mounts: a name that keeps this build's cache mounts apart from those of builds that give another name.

        Raises:
            BuildFailed: the build stopped.
        """
        printed: dict[str, list[str]] = {"stdout": [], "stderr": []}
        project = self._project(self.image_name)
        try:
            arguments = {"BUILDKIT_CACHE_MOUNT_NS": mounts} if mounts else {}
            _bring_bases(self.folder)
            with one_build_at_a_time():
                start = time.monotonic()
                log = project.compose.build(self.service, arguments, cache, progress="plain", stream_logs=True)
                for stream, line in log or ():
                    printed[stream].append(line.decode(errors="replace"))
        except DockerException as error:
            # They are read side by side: why the build stopped, which is the last line of its errors, comes last.
            output = "".join(printed["stdout"] + printed["stderr"]) or str(error)
            raise BuildFailed(output, self.name, self.by_hand("docker compose build")) from error
        return Build("".join(printed["stdout"] + printed["stderr"]), time.monotonic() - start)

    def stopped_build(self) -> BuildFailed | None:
        """How a build ends that should stop; None if it does not."""
        try:
            self.build()
        except BuildFailed as stopped:
            return stopped
        return None

    def built_image(self) -> str:
        """The name of the image, which is built once in a process."""
        if self.image_name not in _built:
            self.build()
            _built.add(self.image_name)
        return self.image_name

    def take_image(self, name: str) -> None:
        """Use an image that another process has built of the same subject, instead of building it."""
        docker.image.tag(name, self.image_name)
        _built.add(self.image_name)

    @property
    def base(self) -> str:
        """The image that the last stage starts from, under its own name, or under one of this session's.

        A builder that pulls a base image keeps it to itself.
        """
        return _base_here(self.parsed.base_image)

    @contextmanager
    def running(self, **overrides: Any) -> Iterator[Running]:
        """Start a container of its own, ready to answer, and remove it afterwards."""
        environment = {**self.reachable_with, **overrides.pop("environment", {})}
        with self.started(environment=environment, **overrides) as running:
            running.wait_until_ready()
            yield running

    @contextmanager
    def started(self, **overrides: Any) -> Iterator[Running]:
        """Start a container as written, without waiting for an answer, and remove it afterwards."""
        name = f"{SESSION}-{self.slug}-{secrets.token_hex(2)}"
        self.built_image()
        project = self._project(name, **overrides)
        try:
            try:
                project.compose.up(self.service, detach=True, no_build=True, quiet=True)
            except DockerException as error:
                error.add_note(str(project.compose.logs()))  # of what it waits for, a database
                raise
            by_hand = self.by_hand("docker compose up --build")
            yield Running(project, self.service, by_hand, port=self.port, page=self.page, host=self.host)
        finally:
            project.compose.down(timeout=0, volumes=True, quiet=True)

    def shared_container(self) -> Running:
        """A container for all checks that leave no trace in it; another subject's ends when this one's begins."""
        return shared.of(self)

    @contextmanager
    def copied(self, what: str, **changes: Any) -> Iterator["Subject"]:
        """A copy of the folder to change; ``what`` says in messages why it is not the folder itself.

        No two copies have the same name. What a builder is sent, it keeps for the next build of a folder of that name,
        and keeps several where builds overlap. In a directory's checksum stay the rights that it had there first, as
        fsutil tells BuildKit of no others (https://github.com/tonistiigi/fsutil/blob/master/diskwriter.go): with one of
        them from a copy under umask 077, `COPY src src` ran again by chance.
        """
        with tempfile.TemporaryDirectory(dir=SCRATCH) as parent:
            path = Path(parent) / f"{self.folder}-{secrets.token_hex(4)}"
            copy_folder(self.path, path)
            copy = replace(self, name=f"{self.name} {what}", path=path, copy_of=self.folder, **changes)
            try:
                yield copy
            finally:
                if shared.subject == copy:
                    shared.end()


@cache
def _bring_bases(folder: str) -> None:
    """See that the base images are there that a folder of the tutorial names; those of other projects the engine finds.

    And step 3's, Python's full image, which sizes are compared with.
    """
    if not (tutorial.ROOT / folder / "Dockerfile").exists():
        return
    command = ["bootstrap/bases.sh", folder, "step-3-basic"]
    brought = subprocess.run(command, cwd=tutorial.ROOT, capture_output=True, text=True, check=False)
    if brought.returncode:
        raise BuildFailed(brought.stderr, folder, (" ".join(command),))


@cache
def _base_here(name: str) -> str:
    if docker.image.exists(name):
        return name
    here = f"{SESSION}-base-{secrets.token_hex(2)}"
    build_recipe(f"FROM {name}\n", here)
    return here


_built: set[str] = set()  # the names of the images that Subject.built_image has built


class Kept(Generic[T]):
    """What a process keeps running of one subject at a time: it ends when another's begins, or with the session."""

    def __init__(self, start: Callable[[Subject], AbstractContextManager[T]]) -> None:
        self.start, self.stack = start, ExitStack()
        self.subject: Subject | None = None
        self.running: T
        at_end.callback(self.end)

    def of(self, subject: Subject) -> T:
        """The subject's own, which is started unless it runs already."""
        if self.subject != subject:
            self.end()
            stack = ExitStack()
            self.take(subject, stack.enter_context(self.start(subject)), stack)
        return self.running

    def take(self, subject: Subject, running: T, stack: ExitStack) -> None:
        """Keep what has been started already, and what the stack ends."""
        self.end()
        self.subject, self.running, self.stack = subject, running, stack

    def end(self) -> None:
        self.subject = None
        self.stack.close()


shared = Kept(Subject.running)  # the container for all checks that leave no trace in it


def subject_of(folder: tutorial.Folder) -> Subject:
    """What is to be tested of a folder: what compose starts."""
    return Subject(folder.name, folder.path, has=folder.has)


def wrong_subject(folder: tutorial.Folder) -> Subject | None:
    """What a folder is compared with besides the folders that it builds on, if there is such a Dockerfile."""
    if not folder.wrong:
        return None
    name = f"{folder.name}/{folder.wrong.dockerfile}"
    return Subject(name, folder.path, folder.wrong.dockerfile, folder.wrong.reachable_with, has=folder.has)
