"""The clock of the limits: slower than the wall where others take the CPU, and never faster."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from library.tutorial import ROOT

# Prints the seconds of the wall and of the clock, while this many others (first argument) work on the same CPU (second
# argument: its place among those that this process may use).
LOOK = """
import os, subprocess, sys, time
from library import clock

cpus = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, {cpus[int(sys.argv[2])]})
others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(int(sys.argv[1]))]
try:
    clock.seconds()
    time.sleep(0.5)  # until it has seen how busy this CPU is
    wall, fair = time.monotonic(), clock.seconds()
    time.sleep(1.5)
    print(time.monotonic() - wall, clock.seconds() - fair)
finally:
    for other in others:
        other.kill()
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux keeps a process on one CPU")
def test_counts_the_share_that_a_process_has() -> None:
    def look(others: str, cpu: str) -> tuple[float, float]:
        run = [sys.executable, "-c", LOOK, others, cpu]
        done = subprocess.run(run, cwd=ROOT / "tests", capture_output=True, text=True, check=True)
        wall, fair = map(float, done.stdout.split())
        return wall, fair

    # Both at once, on the first and on the last CPU: that halves the wait.
    with ThreadPoolExecutor() as pool:
        free, busy = pool.map(look, ["0", "3"], ["0", "-1"])
    for (wall, fair), most in [(free, 1.02), (busy, 0.6)]:
        assert 0 < fair <= most * wall
