"""By default, as many workers start as the container's CPUs (affinity, quota) and its memory have room for."""

import tempfile
from pathlib import Path

from ...engine import SCRATCH
from .. import NotAsked, Sabotage, Subject, Violation, practice
from ..gunicorn import gunicorn_command, settings_with
from ..processes import count_workers
from ..startup import first_running, have_16_cpus

# What the kernel says in cpu.max (microseconds of CPU time, of so many) and memory.max (cgroup version 2), and how many
# workers follow on a machine of 16 CPUs: each takes 128 MB, and the rest as much.
LIMITS = (
    ("max 100000", "max", 16),
    ("50000 100000", "max", 1),
    ("150000 100000", "max", 2),  # half a CPU is a worker's, too
    ("100000 100000", str(512 * 2**20), 1),
    ("max 100000", str(512 * 2**20), 3),
    ("max 100000", str(384 * 2**20 - 1), 1),  # a byte less than two workers and the rest take
    ("max 100000", str(100 * 2**20), 1),  # less than a worker takes
)


@practice("ours", slow=True, slow_to_fail=True)
def check(subject: Subject) -> None:
    if not subject.shared_container().look(gunicorn_command):
        with subject.running(cpus=0.5) as running:
            if (workers := count_workers(running, 2)) > 1:
                by_hand = "docker update --cpus 0.5 CONTAINER; docker restart CONTAINER; docker top CONTAINER"
                raise Violation(f"it may use half a CPU, and has {workers} workers", by_hand)
        raise NotAsked("half a CPU has one worker; what other limits lead to, gunicorn alone is asked")
    by_hand = "docker run --rm --cpus 0.5 IMAGE gunicorn --print-config | grep '^workers '"
    with first_running(subject, have_16_cpus.source()) as many, tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        Path(folder).chmod(0o755)
        # Files of cgroup version 2, on a host with version 1, too: what the kernel would show.
        volumes = [tuple(many["volumes"][0].split(":")), (folder, "/sys/fs/cgroup", "ro")]
        for quota, memory, expected in LIMITS:
            Path(folder, "cpu.max").write_text(quota)
            Path(folder, "memory.max").write_text(memory)
            if settings_with(subject, many["environment"], volumes=volumes).get("workers") != str(expected):
                seen = f"16 CPUs, cpu.max says {quota} and memory.max {memory}, and there are not {expected} workers"
                raise Violation(seen, by_hand)
        many["volumes"].append(f"{folder}:/sys/fs/cgroup:ro")
        Path(folder, "memory.max").write_text(str(400 * 2**20))
        with subject.running(**many) as running:
            if (workers := count_workers(running, 2)) != 2:
                raise Violation(f"it may use 16 CPUs and 400 MB, and has {workers} workers", by_hand)
    if settings_with(subject, {}, cpuset_cpus=[0]).get("workers") != "1":
        raise Violation("it may run on CPU 0 only, and has more than one worker", by_hand)


TURNS_RED = [
    Sabotage(
        "as many workers as the machine has CPUs",
        "final/gunicorn.conf.py",
        r"or workers_that_fit\(\)",
        "or os.cpu_count()",
    ),
    Sabotage(
        "memory not looked at", "final/gunicorn.conf.py", r"if memory := limit\(\"memory\.max\"\):", "if memory := []:"
    ),
]
