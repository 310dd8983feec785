"""The app has a directory of its own, so that its files replace none of the system's."""

from ...subject import look
from .. import Sabotage, Subject, Violation, practice

# Run inside the container: where the app works.
DIRECTORY = look("import os; print(os.getcwd())")


@practice("taste")
def check(subject: Subject) -> None:
    if (where := subject.shared.look(DIRECTORY)) in ("/", "/root"):
        raise Violation(f"it works in {where}", "docker compose exec web pwd")


TURNS_RED = [Sabotage("no WORKDIR", "step-1-kiss", "Dockerfile", r"\nWORKDIR .*", "")]
