"""Neither the app's user nor its group is root, and the user is a number, not a name."""

from ...engine import docker
from .. import Sabotage, Subject, Violation, practice
from ..processes import app_statuses


@practice("access")
def check(subject: Subject) -> None:
    statuses = subject.shared_container().look(app_statuses)
    (first, uid, gid), *others = (
        (one["Name"].split()[0], one["Uid"].split()[1], one["Gid"].split()[1]) for one in statuses
    )
    if uid == "0":
        accounts = {f"{name} as UID {account}" for name, account, _ in others}
        if any(account != "0" for _, account, _ in others):  # process 1 is a supervisor
            seen = f"process 1, {first}, runs as root (UID 0), and starts {', '.join(sorted(accounts))}"
            raise Violation(seen, "docker compose top {service}")
        raise Violation("the server runs as root (UID 0)", "docker compose exec {service} id")
    if gid == "0":
        raise Violation("the server's group is root's (GID 0)", "docker compose exec {service} id")
    user = docker.image.inspect(subject.built_image()).config.user or ""
    by_hand = "docker inspect --format '{{.Config.User}}' IMAGE"
    if user.partition(":")[0] in ("", "0", "root") and not subject.services()[subject.service].get("user"):
        seen = f"the image starts as root, and process 1, {first}, has become UID {uid} (by gosu, say)"
        seen += ": what `docker exec` starts has not"
        raise Violation(seen, by_hand, "docker compose exec {service} id", weight="taste")
    if not user.partition(":")[0].isdigit():
        raise Violation(f"USER is a name: {user!r}", by_hand, weight="taste")


TURNS_RED = [
    # Root may write into /app, so Python saves bytecode there.
    Sabotage("USER removed", "step-4-nontrivial/Dockerfile", r"\nUSER .*", "", also={"writes-nothing"}),
    Sabotage("a user without a group", "final/Dockerfile", r"USER 10001:10001", "USER 10001"),
]
