"""Swarm mode, on a machine of its own.

Not on the engine that everybody uses: one that leaves a swarm forgets the names of all containers in all its networks
(`cleanupServiceDiscovery("")` in https://github.com/moby/moby/blob/v26.1.5/libnetwork/agent.go; seen: a build that did
not find its registry any more).
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from . import runner
from .engine import SESSION, Completed, free_port
from .subject import Subject

FOLDER = "/stack"  # where a folder is on the machine
SETTINGS = {"SITE": ":80", "PORT": "8000", "REPLICAS": "2", "KEY": "hello-key-1"}  # what its stack file demands


@dataclass(frozen=True)
class Stack:
    """What a folder's stack file describes, on a machine in swarm mode, and where it answers."""

    machine: runner.Runner
    name: str
    port: int
    tls_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def docker(self, *arguments: str, **environment: str) -> Completed:
        """Run docker on the machine, in the folder."""
        return self.machine.run("docker", *arguments, folder=FOLDER, environment=environment)

    def deploy(self, image: str, replicas: int = 2, more: tuple[str, ...] = (), **environment: str) -> Completed:
        """Begin to deploy an image, by more stack files if given: `update` says when it is done."""
        settings = SETTINGS | {"IMAGE": image, "REPLICAS": str(replicas), "KEY": f"{self.name}-key"} | environment
        command = ["stack", "deploy", "--detach=true", "--resolve-image=never"]
        files = [f"--compose-file={file}" for file in ("stack.yaml", *more)]
        return self.docker(*command, *files, self.name, **settings)

    @property
    def update(self) -> tuple[str, list[str]]:
        """How the last update of the service `web` went, and the images of its healthy containers.

        That is "completed", say; nothing where only replicas changed since.
        """
        state = f"docker service inspect --format '{{{{with .UpdateStatus}}}}{{{{.State}}}}{{{{end}}}}' {self.name}_web"
        of = f"--filter label=com.docker.swarm.service.name={self.name}_web --filter health=healthy"
        printed = self.machine.run("sh", "-c", f"{state}; docker ps {of} --format '{{{{.Image}}}}'").stdout
        return printed.partition("\n")[0], printed.split("\n")[1:-1]


def services(subject: Subject) -> dict[str, Any]:
    """The services of a folder's stack file, by name, with its variables as they stand there."""
    return dict(yaml.safe_load((subject.path / "stack.yaml").read_text())["services"])


def images_of(subject: Subject) -> set[str]:
    """The images that a folder's stack file names itself."""
    return {service["image"] for service in services(subject).values() if "$" not in service["image"]}


@contextmanager
def stack(subject: Subject, images: Iterable[str]) -> Iterator[Stack]:
    """A stack of a folder, to deploy in swarm mode, with the secret that its file names, and these images."""
    port, tls_port = free_port(), free_port()
    published = [(f"127.0.0.1:{port}", 8000), (f"127.0.0.1:{tls_port}", 443)]
    with runner.started({*images, *images_of(subject)}, publish=published) as machine:
        machine.copy(subject.path, FOLDER)
        prepared = Stack(machine, f"{SESSION}-{secrets.token_hex(2)}", port, tls_port)
        init = prepared.docker("swarm", "init", "--advertise-addr=127.0.0.1", "--listen-addr=127.0.0.1")
        if init.returncode:
            raise runner.NoRunner(init.stdout.strip())
        node = prepared.docker("info", "--format={{.Swarm.NodeID}}").stdout.strip()
        prepared.docker("node", "update", "--label-add=proxy=true", node)
        prepared.machine.run("sh", "-c", f"echo a secret | docker secret create {prepared.name}-key -")
        yield prepared
