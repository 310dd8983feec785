"""Any user ID that a platform picks (OpenShift: with group 0) runs the app, with clean logs and a writable home."""

from ...engine import wait_until
from ...program import in_container
from ...subject import Running
from .. import Subject, Violation, practice
from ..health import health_when_looked_at
from ..logs import require_clean
from ..sockets import wait_until_listening

UID = 1234567


@in_container()
def account() -> tuple[int, str, bool]:
    """Who runs the app, and whether it can write to its home directory."""
    import os
    from pathlib import Path

    return Path("/proc/1").stat().st_uid, str(Path.home()), os.access(Path.home(), os.W_OK)


@practice("taste", slow=True, slow_to_fail=True)
def check(subject: Subject) -> None:
    # And as some platforms do, with variables that are there and empty.
    for empty in ((), ("PORT", "WORKERS")):
        options = "".join(f" --env {name}=" for name in empty)
        with subject.started(user=f"{UID}:0", environment=dict.fromkeys(empty, "")) as running:
            _require_clean_run(running, f"docker compose run --rm --user {UID}:0{options} {{service}}")


def _require_clean_run(running: Running, by_hand: str) -> None:
    """Raise a violation where it does not run as this user, healthy, with a writable home and clean logs."""
    wait_until_listening(running)
    if not wait_until(running.answers, limit=10):
        raise Violation(f"it does not answer; its log:\n{running.log}", by_hand)
    if (health := health_when_looked_at(running)) not in ("healthy", "not checked"):
        raise Violation(f"its health is {health}", by_hand)
    ran_as, home, writable = running.run(account)
    if ran_as != UID:
        raise Violation(f"it runs as {ran_as}", by_hand)
    if not writable:
        raise Violation(f"its home directory is {home}, where it cannot write", by_hand)
    running.stop()
    require_clean(running.log)
