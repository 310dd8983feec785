"""What an attacker would like to find otherwise."""

from engine import Subject, docker

from . import Violation, practice


@practice
def non_root(subject: Subject) -> None:
    """The app does not run as root, and its user is a number, which Kubernetes can check."""
    uid = subject.shared.python("import os; print(os.stat('/proc/1').st_uid)")
    if uid == "0":
        raise Violation("the server runs as root (UID 0)", "docker compose exec web id")
    user = docker.image.inspect(subject.image).config.user or ""
    if not user.partition(":")[0].isdigit():
        raise Violation(f"USER is a name: {user!r}", "docker inspect --format '{{.Config.User}}' IMAGE")
