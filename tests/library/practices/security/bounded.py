"""Started by compose, the app has limits of memory, CPUs and processes, which variables set, and one of its log."""

import os
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

from ...engine import inspect
from ...program import in_container
from .. import Sabotage, Subject, Violation, practice


@in_container()
def limits() -> tuple[int, int, int]:
    """The limits that the kernel holds the processes to: bytes, processes and microseconds of CPU time; 0 is none."""
    from pathlib import Path

    def limit(*files: str) -> int:
        for file in files:
            try:
                value = Path("/sys/fs/cgroup", file).read_text().split()[0]
            except OSError:
                continue  # another version of cgroups
            return int(value) if value.isdigit() and int(value) < 2**62 else 0
        return 0

    memory = limit("memory.max", "memory/memory.limit_in_bytes")
    return memory, limit("pids.max", "pids/pids.max"), limit("cpu.max", "cpu/cpu.cfs_quota_us")


def grows_without_end(log: Mapping[str, Any]) -> bool:
    """Whether the engine keeps all that is logged, by its own ``LogConfig``: json-file does, where it has no size."""
    return bool(log["Type"] == "json-file" and (log["Config"] or {}).get("max-size", "-1") == "-1")


@practice("loss", slow=True, needs="compose")
def check(subject: Subject) -> None:
    by_hand = ("docker compose up --detach", "docker stats --no-stream")
    memory, processes, cpus = subject.shared_container().run(limits)
    if not memory or memory > 4 * 2**30:
        raise Violation("it may take all memory of the machine", *by_hand)
    if not processes or processes > 4096:
        raise Violation("it may start as many processes as the machine can", *by_hand)
    if not cpus:
        raise Violation("it may use all CPUs of the machine", *by_hand)
    if grows_without_end(inspect(subject.shared_container().container.id, "HostConfig.LogConfig")):
        raise Violation(
            "its log may fill the disk of the machine",
            by_hand[0],
            "docker inspect --format '{{.HostConfig.LogConfig}}' $(docker compose ps --quiet {service})",
        )
    if not subject.ours:  # other projects' variables have other names
        return
    with patch.dict(os.environ, {"CPUS": "0.5", "MEMORY": "300m"}), subject.running() as running:
        memory, _, cpus = running.run(limits)
        if (memory, cpus) != (300 * 2**20, 50_000):
            seen = "CPUS=0.5 and MEMORY=300m make no difference"
            raise Violation(seen, "CPUS=0.5 MEMORY=300m docker compose up", *by_hand)


TURNS_RED = [Sabotage("a log that Docker keeps for ever", "final/compose.yaml", r"  logging: .*\n", "")]
