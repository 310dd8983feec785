from ...subject import Subject, look
from .. import Violation, practice

# Run inside the container: the mount options of the root file system.
ROOT_OPTIONS = look("print(next(m.split()[3] for m in open('/proc/mounts') if m.split()[1] == '/'))")


@practice("access", needs="compose")
def read_only_rootfs(subject: Subject) -> None:
    """Started by compose, the app has a read-only root file system, and serves all the same."""
    options = subject.shared.look(ROOT_OPTIONS).split(",")
    if "ro" not in options:
        raise Violation(
            f"the root file system is mounted {options[0]}", "docker compose exec web grep ' / ' /proc/mounts"
        )
    if not subject.shared.answers():
        raise Violation("it no longer answers", "curl localhost:8000")
