"""The processes of the app in its container."""

import signal

from python_on_whales.exceptions import DockerException

from ..engine import docker, wait_until
from ..program import in_container, look
from ..subject import Running


@in_container()
def app_processes() -> dict[int, int]:
    """The app's processes and their parents: PID 1 and what is below it.

    What `docker exec` and health checks start is not below it; for a moment it still is the engine's own runc, with all
    rights.
    """
    from pathlib import Path

    parents = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if state != "Z":
            parents[int(process.name)] = int(parent)

    def is_below_main(pid: int) -> bool:
        while pid > 1:
            pid = parents.get(pid, 0)
        return pid == 1

    return {pid: parent for pid, parent in parents.items() if is_below_main(pid)}


@look(app_processes)
def app_statuses() -> list[dict[str, str]]:
    """What the kernel says of each of the app's processes, the first one first: its command, and /proc/PID/status."""
    from pathlib import Path

    statuses = []
    for pid in sorted(app_processes()):
        try:
            command, lines = (Path(f"/proc/{pid}/{name}").read_text() for name in ("cmdline", "status"))
        except OSError:
            continue  # it has just ended
        status = dict(line.split(":\t", 1) for line in lines.splitlines() if ":\t" in line)
        statuses.append({"Command": command.replace("\0", " ").strip(), **status})
    return statuses


@in_container(app_processes)
def signal_from_inside(number: int) -> list[int]:
    """Send a signal to every worker: the app's processes that have no children of their own."""
    import os

    processes = app_processes()
    signalled = []
    for pid in processes:
        if pid > 1 and pid not in processes.values():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue  # it has ended since
            signalled.append(pid)
    return signalled


# For messages: gunicorn and uWSGI say the process ids of their workers when they start them.
WORKER_PIDS = "docker compose logs {service} | grep 'pid: '"


def signal_workers(running: Running, number: int) -> list[int]:
    """Send a signal to every worker, and return their process ids: where the app is one process, that one's."""
    try:
        workers = running.run(signal_from_inside, int(number))
    except DockerException:
        if number not in (signal.SIGKILL, signal.SIGSEGV):
            raise
        return [1]  # the container ended with its worker, and this look into it as well
    if workers:
        return workers
    # From inside, the kernel lets a container's first process have no signal that it does not wait for.
    if number:
        docker.kill(running.container, signal=signal.Signals(number).name)
    return [1]


def count_workers(running: Running, awaited: int) -> int:
    """How many workers there are, once so many are: the first one answers before the last one is there."""
    wait_until(lambda: len(signal_workers(running, 0)) >= awaited, limit=10)
    return len(signal_workers(running, 0))
