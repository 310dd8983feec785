"""What runs in a container at the start of each of its Pythons."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..engine import SCRATCH
from ..program import in_container
from ..subject import Subject


@contextmanager
def first_running(subject: Subject, source: str) -> Iterator[dict[str, Any]]:
    """What lets a container run Python source at the start of each of its Pythons, as overrides of its service."""
    path = subject.shared_container().python("import os; print(os.environ.get('PYTHONPATH', ''))")
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        Path(folder).chmod(0o755)
        Path(folder, "sitecustomize.py").write_text(source)
        environment = {**subject.reachable_with, "PYTHONPATH": f"/first:{path}".rstrip(":")}
        yield {"volumes": [f"{folder}:/first:ro"], "environment": environment}


@in_container()
def have_16_cpus() -> None:
    """Run first, it makes a machine with many CPUs, as far as the app can tell."""
    import os

    vars(os).update(sched_getaffinity=lambda _: set(range(16)), cpu_count=lambda: 16, process_cpu_count=lambda: 16)
