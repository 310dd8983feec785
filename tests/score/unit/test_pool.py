"""Processes that share a list of tasks, some of which do not live to its end."""

import subprocess
import sys
from pathlib import Path

from library.tutorial import ROOT

# What ends a process: an error in it, or nothing that it could notice, as when the kernel needs its memory.
SCRIPT = """
import os
from contextlib import contextmanager
from score import pool

@contextmanager
def worker():
    def do(task):
        if task == "raise":
            raise ValueError(task)
        if task == "die":
            os._exit(9)
        return task.upper()
    yield do

if __name__ == "__main__":
    tasks = iter(["a", "raise", "b", "die", "c", "d", "e"])
    pool.work_through(tasks, worker, lambda task, result: print(task, result, flush=True), 3)
"""


def run(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script from a file, as processes that are spawned need it."""
    script = folder / "script.py"
    script.write_text(text)
    return subprocess.run(
        [sys.executable, script], env={"PYTHONPATH": str(ROOT / "tests")}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def test_who_dies_takes_one_task_along_and_nobody_waits_for_it(tmp_path: Path) -> None:
    done = run(SCRIPT, tmp_path)
    assert done.returncode == 0, done.stderr
    results = dict(line.split() for line in done.stdout.splitlines())
    assert results == {"a": "A", "b": "B", "c": "C", "d": "D", "e": "E", "raise": "None", "die": "None"}


def test_an_error_in_the_first_process_ends_the_others(tmp_path: Path) -> None:
    done = run(SCRIPT.replace("print(task, result, flush=True)", "1 / 0"), tmp_path)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
