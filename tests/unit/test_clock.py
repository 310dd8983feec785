"""The clock of the limits: slower than the wall where others take the CPU, and never faster."""

import os
import subprocess
import sys

import pytest

from library.tutorial import ROOT

# Prints the seconds of the wall and of the clock, while this many others work on the same CPU.
LOOK = """
import os, subprocess, sys, time
from library import clock

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
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
@pytest.mark.parametrize(("others", "most"), [(0, 1.02), (3, 0.6)])
def test_counts_the_share_that_a_process_has(others: int, most: float) -> None:
    run = [sys.executable, "-c", LOOK, str(others)]
    done = subprocess.run(run, cwd=ROOT / "tests", capture_output=True, text=True, check=True)
    wall, fair = map(float, done.stdout.split())
    assert 0 < fair <= most * wall
