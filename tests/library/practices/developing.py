"""A service whose files compose watches."""

import json
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..engine import SCRATCH, wait_until
from ..subject import Running, Subject
from . import Violation


def services_that_watch(subject: Subject) -> dict[str, Any]:
    """The services for which compose watches files, by name."""
    services = subject.services()
    if watching := {name: s for name, s in services.items() if (s.get("develop") or {}).get("watch")}:
        return watching
    raise Violation("no service of the compose file watches your files", "docker compose watch")


@contextmanager
def while_watching(running: Running) -> Iterator[None]:
    """Let compose watch the files of a service that runs: it has begun, and sees what is saved from now on."""
    command = [*map(str, running.project.client_config.docker_compose_cmd), "watch", "--no-up", running.service]
    with tempfile.NamedTemporaryFile(dir=SCRATCH) as file:
        watch = subprocess.Popen(command, stdout=file, stderr=file)
        try:
            wait_until(lambda: b"Watch enabled" in Path(file.name).read_bytes() or watch.poll() is not None, limit=30)
            yield
        finally:
            watch.terminate()
            watch.wait()


def save_in_modules(copy: Subject, save: Callable[[Path, str], object] = Path.write_text) -> str:
    """Save each of the app's own modules with a line that says a word when it is imported; return the word."""
    word = secrets.token_hex()
    for module in copy.modules():
        save(module, f'{module.read_text()}\nprint("{word}", flush=True)\n')
    return word


def on_free_ports(copy: Subject, name: str, service: Mapping[str, Any]) -> Subject:
    """A service of a copy as a subject: what it publishes is where the compose file says, but on free ports."""
    ports = [{key: value for key, value in port.items() if key != "published"} for port in service.get("ports") or ()]
    port = copy.port if any(port["target"] == copy.port for port in ports) else int(ports[0]["target"]) if ports else 0
    if not port:
        raise Violation(f"`{name}` publishes no port", f"docker compose port {name} {copy.port}")
    file = copy.path.parent / "free-ports.yaml"
    file.write_text(f"services:\n  {name}:\n    ports: !override {json.dumps(ports)}\n")
    target = (service.get("build") or {}).get("target")
    return replace(copy, service=name, port=port, target=target, compose=(*copy.compose, str(file)))
