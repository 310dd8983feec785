"""The processes of the app in its container."""

import signal

from python_on_whales.exceptions import DockerException

from ..engine import docker
from ..subject import Running

# The beginning of scripts that run inside the container: {pid: parent} of the app's processes, PID 1 and what is below
# it. What `docker exec` and health checks start is not below it; for a moment it still is the engine's own runc, with
# all rights.
APP_PROCESSES = """
import os, sys

def app_processes():
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            state, parent = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if state != "Z":
            parents[int(pid)] = int(parent)
    def is_below_main(pid):
        while pid > 1:
            pid = parents.get(pid, 0)
        return pid == 1
    return {pid: parent for pid, parent in parents.items() if is_below_main(pid)}
"""


# Run inside the container: send a signal to every worker and print their process ids. Workers are the app's processes
# that have no children of their own; one that has ended since is none.
SIGNAL_WORKERS = (
    APP_PROCESSES
    + """
processes = app_processes()
for pid in processes:
    if pid > 1 and pid not in processes.values():
        try:
            os.kill(pid, int(sys.argv[1]))
        except ProcessLookupError:
            continue
        print(pid)
"""
)
# For messages: gunicorn and uWSGI say the process ids of their workers when they start them.
WORKER_PIDS = "docker compose logs web | grep 'pid: '"


def signal_workers(running: Running, number: int) -> list[str]:
    """Send a signal to every worker, and return their process ids: where the app is one process, that one's."""
    try:
        workers = running.python(SIGNAL_WORKERS, str(int(number))).split()
    except DockerException:
        if number not in (signal.SIGKILL, signal.SIGSEGV):
            raise
        return ["1"]  # the container ended with its worker, and this look into it as well
    if workers:
        return workers
    # From inside, the kernel lets a container's first process have no signal that it does not wait for.
    if number:
        docker.kill(running.container, signal=signal.Signals(number).name)
    return ["1"]
