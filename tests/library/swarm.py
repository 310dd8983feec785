"""The engine's swarm mode, for one test at a time: it is the whole engine's, and ends with the test."""

import fcntl
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .engine import SCRATCH, SESSION, docker, wait_until
from .subject import Subject

# Where it is, reaper.py ends swarm mode, should this process not come to it.
MARK = SCRATCH / "swarm"
# Swarm publishes ports through this network, for every address of the machine, unless it was made otherwise before.
GATEWAY = "docker_gwbridge"
LOOPBACK = "com.docker.network.bridge.host_binding_ipv4=127.0.0.1"
DEPLOY_LIMIT = 240  # seconds; a minute is usual, of which a broken version takes half


class NotToBeHad(Exception):
    """The engine is in a swarm of somebody else's, or was, and the message says so."""


def docker_says(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run docker; ``environment`` is added to this process's."""
    return subprocess.run(
        ["docker", *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEPLOY_LIMIT,
        check=False,
    )


def node() -> str:
    """The engine's name in its swarm; empty where it is in none."""
    return docker_says("info", "--format={{.Swarm.NodeID}}").stdout.strip()


@contextmanager
def reserved() -> Iterator[None]:
    """Wait for other tests that use swarm mode, and end what was started in it.

    Raises:
        NotToBeHad: the engine is in a swarm, or has the network that a swarm leaves behind.
    """
    with (Path(tempfile.gettempdir()) / f"tutorial-swarm-{os.getuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        # A session that was killed has left the lock at once, and its reaper ends swarm mode.
        if not wait_until(lambda: not node(), limit=20):
            raise NotToBeHad("the engine is part of a swarm, which stays as it is")
        if not wait_until(lambda: not docker.network.exists(GATEWAY), limit=5):
            raise NotToBeHad(f"a swarm has left its network: docker network rm {GATEWAY}")
        before = _volumes()
        MARK.touch()
        try:
            yield
        finally:
            docker_says("swarm", "leave", "--force")
            docker_says("network", "rm", GATEWAY)
            docker_says("volume", "rm", *(_volumes() - before))
            MARK.unlink()


def _volumes() -> set[str]:
    """The volumes of stacks on this engine."""
    return set(docker_says("volume", "ls", "--quiet", "--filter=label=com.docker.stack.namespace").stdout.split())


@contextmanager
def started() -> Iterator[None]:
    """Swarm mode on this engine alone, which listens on 127.0.0.1, and publishes ports there."""
    with reserved():
        docker_says("network", "create", f"--opt={LOOPBACK}", GATEWAY)
        done = docker_says("swarm", "init", "--advertise-addr=127.0.0.1", "--listen-addr=127.0.0.1")
        if done.returncode:
            raise NotToBeHad(done.stderr.strip())
        yield


@dataclass(frozen=True)
class Stack:
    """What a folder's stack file describes, under a name of this session's, and where it answers."""

    name: str
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def deploy(self, image: str, replicas: int = 2, **environment: str) -> subprocess.CompletedProcess[str]:
        """Deploy an image of this engine, and wait until that is done, or has been rolled back."""
        settings = {"IMAGE": image, "REPLICAS": str(replicas), "PORT": str(self.port), "KEY": f"{self.name}-key"}
        command = ["stack", "deploy", "--detach=false", "--quiet", "--resolve-image=never"]
        file = f"--compose-file={self.folder / 'stack.yaml'}"
        return docker_says(*command, file, self.name, **settings, **environment)

    @property
    def images(self) -> list[str]:
        """The images of the running containers of the service `web`, which are on this engine."""
        label = f"label=com.docker.swarm.service.name={self.name}_web"
        return docker_says("ps", f"--filter={label}", "--format={{.Image}}").stdout.split()

    @property
    def state(self) -> str:
        """How the last update of the service `web` went: "completed", say; empty where only replicas changed since."""
        form = "--format={{with .UpdateStatus}}{{.State}}{{end}}"
        return docker_says("service", "inspect", form, f"{self.name}_web").stdout.strip()


@contextmanager
def stack(subject: Subject) -> Iterator[Stack]:
    """A stack of a folder, to deploy in swarm mode, with the secret that its file names."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = Stack(f"{SESSION}-{secrets.token_hex(2)}", subject.path, port)
    secret = SCRATCH / "key"
    secret.write_text("a secret")
    docker_says("secret", "create", f"{found.name}-key", str(secret))
    try:
        yield found
    finally:
        docker_says("stack", "rm", found.name)
        wait_until(lambda: not docker_says("ps", "--quiet", f"--filter=name={found.name}").stdout, limit=60)
