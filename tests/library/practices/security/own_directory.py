from ...subject import Subject, look
from .. import Violation, practice

# Run inside the container: where the app works.
DIRECTORY = look("import os; print(os.getcwd())")


@practice("taste")
def own_directory(subject: Subject) -> None:
    """The app has a directory of its own, so that its files replace none of the system's."""
    if (where := subject.shared.look(DIRECTORY)) in ("/", "/root"):
        raise Violation(f"it works in {where}", "docker compose exec web pwd")
