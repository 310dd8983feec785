"""Neither the app's user nor its group is root, and the user is a number, which Kubernetes can check."""

from ...engine import docker
from ...subject import look
from .. import Sabotage, Subject, Violation, practice
from ..processes import APP_PROCESSES

# Run inside the container: who runs each of the app's processes, the first one first.
WHO = look(
    APP_PROCESSES
    + """
for pid in sorted(app_processes()):
    try:
        status = dict(line.split(":\\t", 1) for line in open(f"/proc/{pid}/status") if ":\\t" in line)
    except OSError:
        continue  # it has just ended
    print(status["Name"].split()[0], status["Uid"].split()[1], status["Gid"].split()[1])
"""
)


@practice("access")
def check(subject: Subject) -> None:
    (first, uid, gid), *others = map(str.split, subject.shared.look(WHO).splitlines())
    if uid == "0":
        accounts = {f"{name} as UID {account}" for name, account, _ in others}
        if any(account != "0" for _, account, _ in others):  # process 1 is a supervisor
            seen = f"process 1, {first}, runs as root (UID 0), and starts {', '.join(sorted(accounts))}"
            raise Violation(seen, "docker compose top web")
        raise Violation("the server runs as root (UID 0)", "docker compose exec web id")
    if gid == "0":
        raise Violation("the server's group is root's (GID 0)", "docker compose exec web id")
    user = docker.image.inspect(subject.image).config.user or ""
    by_hand = "docker inspect --format '{{.Config.User}}' IMAGE"
    if user.partition(":")[0] in ("", "0", "root") and not subject.services()[subject.service].get("user"):
        seen = f"the image starts as root, and process 1, {first}, has become UID {uid} (by gosu, say): what"
        raise Violation(f"{seen} `docker exec` starts has not", by_hand, "docker compose exec web id", weight="taste")
    if not user.partition(":")[0].isdigit():
        raise Violation(f"USER is a name: {user!r}", by_hand, weight="taste")


TURNS_RED = [
    Sabotage("USER removed", "step-4-nontrivial", "Dockerfile", r"\nUSER .*", ""),
    Sabotage("a user without a group", "final", "Dockerfile", r"USER 10001:10001", "USER 10001"),
]
