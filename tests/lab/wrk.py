"""Load from wrk on one service: how much it answers, how quickly, and what it takes for that.

wrk keeps its connections alive and asks again as soon as it is answered. It asks 127.0.0.1 only. The engine has to run
on this machine: memory and CPU time are read from its list of processes.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from library.subject import Running

MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}


class LoadFailed(Exception):
    """Some request had no answer, or one that is not 2xx or 3xx; the message is what wrk says."""


def require_wrk(who: str) -> None:
    """End with one line if wrk is not installed."""
    if not shutil.which("wrk"):
        sys.exit(f"{who}: wrk is not here, which sends the requests: apt install wrk, or brew install wrk")


def serve(running: Running, seconds: int, *, connections: int = 16) -> dict[str, float]:
    """Ask a service for its page over so many connections for so many seconds.

    Returns:
        ``requests_per_s`` by the clock and ``requests_per_cpu_s`` by the CPU time that its processes took; ``p50_ms``
        and ``p99_ms``, the milliseconds in which half and 99 of 100 answers came; ``memory_mb`` afterwards, millions
        of bytes.

    Raises:
        LoadFailed: a request failed.
    """
    before = _cpu_seconds(running)
    url = running.url() + running.page
    command = ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=10s", url]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent = _cpu_seconds(running) - before
    count, rate = (re.search(pattern, found) for pattern in (r"(\d+) requests in", r"Requests/sec: +([\d.]+)"))
    latency = {share: float(n) * MILLISECONDS[unit] for share, n, unit in re.findall(r"(\d+)% +([\d.]+)(\w+)", found)}
    if not count or not rate or "Non-2xx" in found or "Socket errors" in found:
        raise LoadFailed(found)
    return {
        "requests_per_s": float(rate[1]),
        "requests_per_cpu_s": int(count[1]) / spent,
        "p50_ms": latency["50"],
        "p99_ms": latency["99"],
        "memory_mb": memory_mb(running),
    }


def memory_mb(running: Running) -> float:
    """Millions of bytes that its processes take: the proportional set size, which counts what they share once."""
    rollups = _of_each_process(running, "smaps_rollup")
    return sum(int(re.findall(r"^Pss: +(\d+)", text, re.MULTILINE)[0]) for text in rollups) * 1024 / 1e6


def _of_each_process(running: Running, name: str) -> Iterator[str]:
    """A file that this machine has of each of the container's processes; not of one that ends, as a health check."""
    top = ["docker", "top", running.container.id, "-eo", "pid"]
    for pid in subprocess.run(top, capture_output=True, text=True, check=True).stdout.split()[1:]:
        try:
            text = Path("/proc", pid, name).read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield text


def _cpu_seconds(running: Running) -> float:
    fields = [text.rpartition(")")[2].split() for text in _of_each_process(running, "stat")]
    return sum(int(f[11]) + int(f[12]) for f in fields) / os.sysconf("SC_CLK_TCK")
