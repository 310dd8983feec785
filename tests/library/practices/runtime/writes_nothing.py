"""While it serves, the app writes no file into its container: no bytecode, no socket."""

from ...engine import docker
from ...program import in_container
from .. import Subject, Violation, practice


@in_container()
def in_tmpfs() -> list[str]:
    """What is in /tmp, where that is a file system in memory."""
    from pathlib import Path

    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    return [path.name for path in Path("/tmp").iterdir()] if ["/tmp", "tmpfs"] in mounts else []  # noqa: S108


@practice("cost")
def check(subject: Subject) -> None:
    subject.shared_container().get()
    # With `init: true` the engine puts its own process 1 there.
    engines = ("/usr/sbin/docker-init", "/sbin/docker-init")
    diff = docker.container.diff(subject.shared_container().container)
    changed = [path for path in diff if not any(file.startswith(path) for file in engines)]
    if changed:
        some = ", ".join(sorted(changed)[:5]) + ", ..." * (len(changed) > 5)
        raise Violation(f"changed since the start: {some}", "docker diff CONTAINER")
    # The engine does not compare what compose mounts there.
    if files := subject.shared_container().run(in_tmpfs):
        raise Violation(f"in /tmp since the start: {' '.join(files)}", "docker compose exec {service} ls -A /tmp")
