"""Started by compose, the app has limits of memory, CPUs and processes, which variables set."""

import os
from unittest.mock import patch

from .. import Subject, Violation, practice

# Run inside the container: the limits that the kernel holds its processes to; "max" and huge numbers are none.
CGROUP = """
import os
def first(*files):
    for file in files:
        try:
            return open("/sys/fs/cgroup/" + file).read().split()
        except OSError:
            pass
    return ["max"]
cpu = first("cpu.max", "cpu/cpu.cfs_quota_us")
print(*(value if value.isdigit() and int(value) < 2**62 else "max" for value in (
    first("memory.max", "memory/memory.limit_in_bytes")[0], first("pids.max", "pids/pids.max")[0], cpu[0],
)))
"""


@practice("loss", slow=True, needs="compose")
def check(subject: Subject) -> None:
    by_hand = ("docker compose up --detach", "docker stats --no-stream")
    found = subject.shared.python(CGROUP).split()
    memory, processes, cpus = (int(value) if value.isdigit() else 0 for value in found)
    if not memory or memory > 4 * 2**30:
        raise Violation("it may take all memory of the machine", *by_hand)
    if not processes or processes > 4096:
        raise Violation("it may start as many processes as the machine can", *by_hand)
    if not cpus:
        raise Violation("it may use all CPUs of the machine", *by_hand)
    if not subject.ours:  # other projects' variables have other names
        return
    with patch.dict(os.environ, {"CPUS": "0.5", "MEMORY": "300m"}), subject.running() as running:
        other, _, half = running.python(CGROUP).split()
        if (other, half) != (str(300 * 2**20), "50000"):
            raise Violation(
                "CPUS=0.5 and MEMORY=300m make no difference", "CPUS=0.5 MEMORY=300m docker compose up", *by_hand
            )
