"""When the code has changed, its tests can run without anything being installed again."""

from ... import edits
from ...buildlog import INSTALLS
from .. import Sabotage, Subject, Violation, practice


@practice("cost", slow=True, builds=True, needs="test-service")
def check(subject: Subject) -> None:
    with subject.copied("with other code to test", service="test") as copy:
        copy.build()  # fills the cache
        edits.change_code(copy)
        if again := [name for name in copy.build().ran if INSTALLS.search(name)]:
            raise Violation(f"ran again: {'; '.join(again)}", "docker compose build test")


TURNS_RED = [
    Sabotage(
        "packages of the tests after the code",
        "final/Dockerfile",
        "FROM build AS test-packages",
        "FROM code AS test-packages",
    )
]
