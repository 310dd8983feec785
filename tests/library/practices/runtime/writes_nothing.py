"""While it serves, the app writes no file into its container: no bytecode, no socket."""

from ...engine import docker
from .. import Subject, Violation, practice


@practice("cost")
def check(subject: Subject) -> None:
    subject.shared.get()
    # With `init: true` the engine puts its own process 1 there.
    engines = ("/usr/sbin/docker-init", "/sbin/docker-init")
    diff = docker.container.diff(subject.shared.container)
    changed = [path for path in diff if not any(file.startswith(path) for file in engines)]
    if changed:
        some = ", ".join(sorted(changed)[:5]) + ", ..." * (len(changed) > 5)
        raise Violation(f"changed since the start: {some}", "docker diff CONTAINER")
    # The engine does not compare what compose mounts there.
    if found := subject.shared.python(IN_TMPFS):
        raise Violation(f"in /tmp since the start: {found}", "docker compose exec web ls -A /tmp")


# Run inside the container: what is in /tmp, where that is a file system in memory.
IN_TMPFS = """
import os
if any(line.split()[1:3] == ["/tmp", "tmpfs"] for line in open("/proc/mounts")):
    print(*os.listdir("/tmp"))
"""
