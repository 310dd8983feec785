"""Machines with an engine of their own: containers, for what would change the engine that everybody uses."""

import secrets
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .engine import SESSION, Completed, NotAsked, docker, one_build_at_a_time, wait_until

LIMIT = 300  # seconds for one command


class NoRunner(NotAsked):
    """This engine cannot run another one; the message says why."""


@cache
def image() -> str:
    """The image of a runner, made once in a process: an engine, compose, curl, and a registry to start instead."""
    if "name=rootless" in (docker.system.info().security_options or ()):
        raise NoRunner("an engine inside a container needs --privileged, which a rootless engine does not have")
    name = f"{SESSION}-runner"
    with one_build_at_a_time():
        docker.build(Path(__file__).with_name("runner_image"), tags=name, progress=False)
    return name


@dataclass(frozen=True)
class Runner:
    """A machine whose engine has built nothing yet."""

    container: str

    def run(self, *command: str, folder: str | Path = "/", environment: Mapping[str, str] | None = None) -> Completed:
        """Run a command on the machine; what it prints is in ``stdout``, in the order in which it came."""
        variables = [f"--env={name}={value}" for name, value in (environment or {}).items()]
        return subprocess.run(
            ["docker", "exec", f"--workdir={folder}", *variables, self.container, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def copy(self, source: Path, target: str) -> None:
        """Put a file or a folder of this machine there."""
        subprocess.run(["docker", "cp", "--quiet", source, f"{self.container}:{target}"], check=True)

    def load(self, images: Collection[str]) -> None:
        """Put images of this engine into that one."""
        if not images:
            return
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saved:
            load = ["docker", "exec", "--interactive", self.container, "docker", "load", "--quiet"]
            subprocess.run(load, stdin=saved.stdout, stdout=subprocess.DEVNULL, check=True)


@contextmanager
def container(command: list[str], alias: str = "runner", **options: Any) -> Iterator[str]:
    """A container of the runner's image, until the end of the block."""
    name = f"{SESSION}-{alias}-{secrets.token_hex(2)}"
    docker.run(image(), command, name=name, detach=True, **options)
    try:
        yield name
    finally:
        docker.remove(name, force=True, volumes=True)


@contextmanager
def started(images: Collection[str], **options: Any) -> Iterator[Runner]:
    """A runner whose engine answers and has these images of this engine; ``options`` are those of `docker run`."""
    with container(["dockerd"], privileged=True, **options) as name:
        runner = Runner(name)
        if not wait_until(lambda: not runner.run("docker", "version").returncode, limit=60):
            raise NoRunner(f"the engine inside a container does not start: {str(docker.logs(name))[-300:]}")
        runner.load(images)
        yield runner
