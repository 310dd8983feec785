"""What runs in a container at the start of each of its Pythons."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..engine import SCRATCH
from ..subject import Subject


@contextmanager
def first_running(subject: Subject, source: str) -> Iterator[dict[str, Any]]:
    """What lets a container run Python source at the start of each of its Pythons, as overrides of its service."""
    path = subject.shared.python("import os; print(os.environ.get('PYTHONPATH', ''))")
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        Path(folder).chmod(0o755)
        Path(folder, "sitecustomize.py").write_text(source)
        environment = {**subject.reachable_with, "PYTHONPATH": f"/first:{path}".rstrip(":")}
        yield {"volumes": [f"{folder}:/first:ro"], "environment": environment}


# Python reads this module when it starts: a machine with many CPUs, as far as the app can tell.
SIXTEEN_CPUS = """
import os
os.sched_getaffinity = lambda pid: set(range(16))
os.cpu_count = os.process_cpu_count = lambda: 16
"""
