"""The clock of the limits: slower than the wall where others take the CPU, and never faster."""

import os
import subprocess
import sys
from subprocess import PIPE

import pytest

from library.tutorial import ROOT

# Prints the seconds of the wall and of the clock, while this many others work on the same CPU.
# The second argument is its place among those that there are.
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
    # Both at once, on the first and on the last CPU: each looks for seconds, and hardly works.
    looks = [
        (most, subprocess.Popen([sys.executable, "-c", LOOK, others, cpu], cwd=ROOT / "tests", stdout=PIPE, text=True))
        for others, cpu, most in [("0", "0", 1.02), ("3", "-1", 0.6)]
    ]
    for most, look in looks:
        wall, fair = map(float, look.communicate()[0].split())
        assert 0 < fair <= most * wall
