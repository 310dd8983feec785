"""Any user ID that a platform picks (OpenShift: with group 0) runs the app, with clean logs and a writable home."""

from ...engine import wait_until
from .. import Subject, Violation, practice
from ..health import health_when_looked_at
from ..logs import require_clean
from ..sockets import wait_until_listening

# Run inside the container: who runs the app, and whether it can write to its home directory.
ACCOUNT = "import os, pathlib; print(os.stat('/proc/1').st_uid, home := pathlib.Path.home(), os.access(home, os.W_OK))"


@practice("taste", slow=True, slow_to_fail=True)
def check(subject: Subject) -> None:
    uid = "1234567"
    by_hand = f"docker compose run --rm --user {uid}:0 web"
    # And as some platforms do, with variables that are there and empty.
    with subject.started(user=f"{uid}:0", environment={"PORT": "", "WORKERS": ""}) as running:
        wait_until_listening(running)
        if not wait_until(running.answers, limit=10):
            raise Violation(f"it does not answer; its log:\n{running.log}", by_hand)
        if (said := health_when_looked_at(running)) not in ("healthy", "not checked"):
            raise Violation(f"its health is {said}", by_hand)
        ran_as, home, writable = running.python(ACCOUNT).split()
        if ran_as != uid:
            raise Violation(f"it runs as {ran_as}", by_hand)
        if writable != "True":
            raise Violation(f"its home directory is {home}, where it cannot write", by_hand)
        running.stop()
        require_clean(running.log)
