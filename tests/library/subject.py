"""What is tested: a folder, another Dockerfile of it, or a changed copy; how it is built and started."""

import itertools
import json
import re
import secrets
import shutil
import ssl
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import httpx
from python_on_whales import Container, DockerClient
from python_on_whales.exceptions import DockerException

from . import clock, tutorial
from .buildlog import Build
from .dockerfile import Dockerfile
from .engine import SCRATCH, SESSION, BuildFailed, NotReady, at_end, docker, one_build_at_a_time, wait_until

READY_LIMIT = 60.0  # seconds; generous, a start takes about one


@cache
def tls() -> ssl.SSLContext:
    """Made once: httpx would read all certificates for each request."""
    return ssl.create_default_context()


@dataclass
class Running:
    """A service that compose started, or one of its replicas, which compose counts from 1."""

    project: DockerClient
    service: str
    by_hand: str
    index: int = 1
    _urls: dict[int, str] = field(default_factory=dict)

    @cached_property
    def container(self) -> Container:
        return self.project.compose.ps([self.service], all=True)[self.index - 1]

    def url(self, port: int = 8000) -> str:
        """Where the engine publishes a port; it may be another one after the container has stopped."""
        if port not in self._urls:
            _, host_port = self.project.compose.port(self.service, port, index=self.index)
            self._urls[port] = f"http://127.0.0.1:{host_port}"
        return self._urls[port]

    def get(self, path: str, port: int = 8000, timeout: float = 10, accept: str = "*/*") -> httpx.Response:
        return httpx.get(self.url(port) + path, timeout=timeout, headers={"Accept": accept}, verify=tls())

    def answers(self, path: str = "/", port: int = 8000) -> bool:
        try:
            return self.get(path, port, timeout=2).status_code == 200
        except (httpx.HTTPError, DockerException):
            return False

    def wait_until_ready(self, port: int = 8000, path: str = "/", limit: float = READY_LIMIT) -> None:
        """Wait for the first 200, for ``limit`` seconds.

        Raises:
            NotReady: none came, or the container ended.
        """
        self._urls.clear()
        polls = itertools.count(1)

        def done() -> bool:
            return self.answers(path, port) or (next(polls) % 10 == 0 and not self.is_up)

        if not (wait_until(done, limit) and self.is_up):
            raise NotReady(f"no answer from the container; its log:\n{self.log[-3000:]}\nBy hand:\n  {self.by_hand}")

    @property
    def is_up(self) -> bool:
        self.container.reload()
        return bool(self.container.state.running)

    @property
    def log(self) -> str:
        return str(docker.logs(self.container))

    def python(self, source: str, *arguments: str) -> str:
        """Run Python source inside the container, as the app's user, and return what it prints."""
        output = docker.execute(self.container, ["python", "-c", source, *arguments])
        return str(output)

    def stop(self) -> float:
        """Stop the container as `docker compose stop` does; return how many seconds it took (see `clock`)."""
        self._urls.clear()
        start = clock.seconds()
        self.project.compose.stop(self.service)
        return clock.seconds() - start


@dataclass(frozen=True)
class Subject:
    """One thing under test: a folder, another Dockerfile of it, or a changed copy.

    Args:
        name: what it is called in messages.
        path: the folder.
        dockerfile: a Dockerfile that compose would not choose.
        reachable_with: environment without which the app cannot be reached from outside.
        service: the compose service, whose profile (if it has one) has the same name.
    """

    name: str
    path: Path
    dockerfile: str | None = None
    reachable_with: Mapping[str, str] = field(default_factory=dict)
    service: str = "web"

    @property
    def slug(self) -> str:
        return re.sub(r"\W+", "-", self.name.lower())

    def read(self, file: str) -> str:
        return (self.path / file).read_text()

    @property
    def code(self) -> Path:
        """The directory of the app's own modules."""
        return next(path for path in (self.path / "src", self.path / "hello") if path.is_dir())

    @property
    def parsed(self) -> Dockerfile:
        return Dockerfile(self.read(self.dockerfile or "Dockerfile"))

    def by_hand(self, *commands: str) -> str:
        if self.service != "web":
            commands = (
                f"export COMPOSE_PROFILES={self.service}",
                *(re.sub(r"\bweb\b", self.service, c) for c in commands),
            )
        return "\n  ".join((f"cd {self.path.name}", *commands))

    def _project(self, name: str, **overrides: Any) -> DockerClient:
        """A compose client for this folder, with overrides for its service merged into its compose file."""
        build = {"dockerfile": self.dockerfile} if self.dockerfile else {}
        service = {"image": self.image_name, "build": build, **overrides}
        file = SCRATCH / f"{name}.json"
        file.write_text(json.dumps({"services": {self.service: service}}))
        return DockerClient(
            compose_files=[self.path / "compose.yaml", file],
            compose_project_name=name,
            compose_project_directory=self.path,
            compose_profiles=[self.service],
        )

    @property
    def image_name(self) -> str:
        return f"{SESSION}-{self.slug}"

    def build(self, *, cache: bool = True, mounts: str = "") -> Build:
        """Build the image.

        Args:
            cache: use what the layer cache holds; otherwise the cache mounts are emptied, too.
            mounts: a name that keeps this build's cache mounts apart from those of builds that give another name.

        Raises:
            BuildFailed: the build stopped.
        """
        lines = []
        project = self._project(self.image_name)
        try:
            arguments = {"BUILDKIT_CACHE_MOUNT_NS": mounts} if mounts else {}
            with one_build_at_a_time():
                start = time.monotonic()
                log = project.compose.build(self.service, arguments, cache, progress="plain", stream_logs=True)
                for _, line in log or ():
                    lines.append(line.decode(errors="replace"))
        except DockerException as error:
            output = "".join(lines) or str(error)
            raise BuildFailed(output, self.name, self.by_hand("docker compose build")) from error
        return Build("".join(lines), time.monotonic() - start)

    @property
    def image(self) -> str:
        """The name of the image, which is built once in a process."""
        if self.key not in _built:
            self.build()
            _built.add(self.key)
        return self.image_name

    @property
    def key(self) -> tuple[object, ...]:
        """What tells one subject from another: its folder, Dockerfile and service."""
        return self.path, self.dockerfile, self.service

    @contextmanager
    def running(self, *, port: int = 8000, **overrides: Any) -> Iterator[Running]:
        """Start a container of its own, ready to answer, and remove it afterwards."""
        environment = {**self.reachable_with, **overrides.pop("environment", {})}
        with self.started(environment=environment, **overrides) as running:
            running.wait_until_ready(port)
            yield running

    @contextmanager
    def started(self, **overrides: Any) -> Iterator[Running]:
        """Start a container as written, without waiting for an answer, and remove it afterwards."""
        name = f"{SESSION}-{self.slug}-{secrets.token_hex(2)}"
        _ = self.image  # builds it
        project = self._project(name, **overrides)
        try:
            project.compose.up(self.service, detach=True, no_build=True, quiet=True)
            yield Running(project, self.service, self.by_hand("docker compose up --build"))
        finally:
            project.compose.down(timeout=0, volumes=True, quiet=True)

    @property
    def shared(self) -> Running:
        """A container for all checks that leave no trace in it; another subject's ends when this one's begins."""
        if _shared.subject != self:
            _shared.end()
            _shared.start(self)
        return _shared.running

    @contextmanager
    def copied(self, what: str, **changes: Any) -> Iterator["Subject"]:
        """A copy of the folder to change; ``what`` says in messages why it is not the folder itself."""
        with tempfile.TemporaryDirectory(dir=SCRATCH) as parent:
            path = Path(parent) / self.path.name
            shutil.copytree(self.path, path, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
            copy = replace(self, name=f"{self.name} {what}", path=path, **changes)
            try:
                yield copy
            finally:
                if _shared.subject == copy:
                    _shared.end()


_built: set[tuple[object, ...]] = set()  # the keys of what Subject.image has built


class _Shared:
    """The one shared container of this process, and whose it is."""

    subject: Subject | None = None
    running: Running

    def __init__(self) -> None:
        self.stack = ExitStack()
        at_end.callback(self.end)

    def start(self, subject: Subject) -> None:
        self.running = self.stack.enter_context(subject.running())
        self.subject = subject

    def end(self) -> None:
        self.subject = None
        self.stack.close()


_shared = _Shared()


def subjects(folder: tutorial.Folder) -> list[Subject]:
    """What is to be tested of a folder: what compose starts, and its variants."""
    variants = (
        Subject(f"{folder.name}/{variant.dockerfile}", folder.path, variant.dockerfile, service=variant.service)
        for variant in folder.variants
    )
    return [Subject(folder.name, folder.path), *variants]


def wrong_subject(folder: tutorial.Folder) -> Subject | None:
    """What a folder is compared with besides the folders that it builds on, if there is such a Dockerfile."""
    if not folder.wrong:
        return None
    name = f"{folder.name}/{folder.wrong.dockerfile}"
    return Subject(name, folder.path, folder.wrong.dockerfile, folder.wrong.reachable_with)
