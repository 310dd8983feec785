"""A command that handles no signals, such as a script or a migration, also ends at once at `docker stop`."""

from ...engine import wait_until
from ...program import PYTHON
from ...subject import READY_LIMIT
from .. import Subject, Violation, practice

SLEEP = "import time; print('begun', flush=True); time.sleep(600)"


@practice("cost", slow=True, slow_to_fail=True, needs="compose")
def check(subject: Subject) -> None:
    with subject.started(entrypoint=[*PYTHON, SLEEP], command=[], healthcheck={"disable": True}) as running:
        wait_until(lambda: "begun" in running.log, limit=READY_LIMIT)
        took = running.stop()
        killed = running.exit_code == 137  # the engine's patience passes by the wall, and `took` does not
    if killed or took >= 2:
        seen = f"a command that sleeps took {took:.1f} s to stop" + killed * ", and was killed"
        by_hand = 'docker compose run --detach {service} python -c "import time; time.sleep(600)"'
        raise Violation(seen, by_hand, "time docker stop CONTAINER")
