"""Containers beside a service, which reach it by its name."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from python_on_whales import Container

from library.engine import docker
from library.subject import Running


@contextmanager
def beside(running: Running, image: str, command: Sequence[str] = (), **options: Any) -> Iterator[Container]:
    """A container in a service's network, with options of `docker run`, until the end of the block."""
    network = next(iter(running.container.network_settings.networks or {}))
    name = f"{running.project.client_config.compose_project_name}-beside-{secrets.token_hex(2)}"
    container = docker.run(image, list(command), name=name, detach=True, networks=[network], **options)
    try:
        yield container
    finally:
        docker.remove(container, force=True)
