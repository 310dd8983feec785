"""What platforms' files say of an image, and whether it does so."""

import json
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace

from .. import manifests
from ..engine import SCRATCH, docker, last_line, wait_until
from ..manifests import Contract, Manifest
from ..subject import Running, Subject
from . import Violation
from .gunicorn import gunicorn_seconds, gunicorn_settings
from .sockets import wait_until_listening
from .stopping import require_answer_in_flight

RENDER = f"kubectl kustomize {manifests.FOLDER}"
FILES = {"cloudrun.yaml": manifests.cloud_run, "fly.toml": manifests.fly, "containerapp.yaml": manifests.azure}


def rendered(subject: Subject) -> list[Manifest]:
    try:
        return manifests.rendered(subject.path / manifests.FOLDER)
    except subprocess.CalledProcessError as error:
        raise Violation(last_line(error.stderr), RENDER) from error


def contracts(subject: Subject) -> list[Contract]:
    """What the files of all four platforms say, Kubernetes' first."""
    return [manifests.kubernetes(rendered(subject)), *(read(subject.path / name) for name, read in FILES.items())]


def as_contract(subject: Subject, contract: Contract) -> Subject:
    """The subject, run as a platform would run it."""
    file = SCRATCH / f"{contract.file.replace('/', '-')}-{secrets.token_hex(4)}.json"
    file.write_text(json.dumps({"services": {subject.service: contract.service(subject.source)}}))
    return replace(subject, compose=(str(file),), env_files=(), port=contract.port)


def require_contracts(subject: Subject, *contracts: Contract) -> None:
    """Raise a violation where the image does not do what platforms' files say, run with the least that they allow.

    The files start it in the same way: with one port, environment and signal.
    """
    for contract in contracts:
        has_startup = any(probe.kind == "startup" and probe.path for probe in contract.probes)
        # A platform's check is asked from the start, and restarts nothing.
        if not has_startup and {probe.kind for probe in contract.probes} != {"check"}:
            seen = "no startup probe over HTTP; one over TCP passes before the app is there"
            raise Violation(f"{contract.file}: {seen}", f"cat {contract.file}")
    least = {what: min(getattr(contract, what) for contract in contracts) for what in ("memory", "cpus", "grace")}
    with as_contract(subject, replace(contracts[0], **least)).started() as running:
        wait_until_listening(running)
        settings = gunicorn_settings(running)
        for contract in contracts:
            for seen in _broken_by(running, settings, contract):
                raise Violation(f"{contract.file}: {seen}", f"cat {contract.file}")
        if subject.slow:
            try:
                if (took := require_answer_in_flight(running, subject.slow_path(2))) >= 4:
                    raise Violation(f"a stop takes {took:.1f} s, while the last answer takes 2")
            except Violation as violation:
                files = [contract.file for contract in contracts]
                raise Violation(f"{', '.join(files)}: {violation.seen}", f"cat {' '.join(files)}") from violation


def _broken_by(running: Running, settings: Mapping[str, str], contract: Contract) -> Iterator[str]:
    """What a container does otherwise than a platform's file says: probes, memory, times, proxy."""
    for probe in contract.probes:

        def answers(path: str = probe.path or "/", port: int = probe.port) -> bool:
            return port == contract.port and running.answers(path)

        if not wait_until(answers, limit=15):
            asked = f"the {probe.kind} probe asks port {probe.port} for {probe.path}, and is refused"
            yield f"{asked}; the log says:\n{running.log}"
    if contract.memory_expected:
        [stats] = docker.stats([running.container])
        if stats.memory_used > contract.memory_expected:
            yield f"it uses {stats.memory_used / 2**20:.0f} MiB, and requests {contract.memory_expected / 2**20:.0f}"
    times = gunicorn_seconds(settings)
    # What gunicorn would still end, or replace, by itself must not be killed.
    if (patience := times["graceful_timeout"]) >= contract.grace:
        yield f"gunicorn gives requests {patience} s to end, and is killed after {contract.grace:.0f} s"
    for probe in contract.probes:
        if probe.kind == "liveness" and probe.patience <= times["timeout"]:
            yield f"a container is restarted after {probe.patience:.0f} s, a worker replaced after {times['timeout']} s"
    if settings:
        if "*" not in (believed := settings["forwarded_allow_ips"]):
            yield f"gunicorn believes {believed} that a visitor came by HTTPS, and not the proxy"
        if (kept := times["keepalive"]) <= contract.idle:
            yield f"gunicorn closes an idle connection after {kept} s, and a proxy keeps it for {contract.idle:.0f} s"
