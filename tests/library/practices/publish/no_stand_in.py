"""An image built on a stand-in, which contains your network's addresses, is never pushed."""

from .. import Sabotage, Subject, Violation, practice
from ..publisher import NAME, SCRIPT, shared_publisher


@practice("access", builds=True, needs="release")
def check(subject: Subject) -> None:
    publisher = shared_publisher.of(subject)
    done = publisher.publish("on-a-stand-in", stand_in="python:3.14-slim-trixie")
    if done.returncode == 0 or "on-a-stand-in" in publisher.tags():
        raise Violation("it was pushed", f"./{SCRIPT} localhost:5001/{NAME}:1.0; docker pull localhost:5001/{NAME}:1.0")
    if "stand-in" not in done.stderr:
        raise Violation(f"it stopped for another reason: {done.stderr[-300:]}", f"./{SCRIPT} localhost:5001/{NAME}:1.0")
    _ = publisher.image  # without the label it is pushed


TURNS_RED = [
    Sabotage(
        "published whatever it is built on", "extra-5-publishing/publish.sh", r'\[ -z "\$stand_in" \] \|\|', "true ||"
    )
]
