from ... import edits
from ...buildlog import INSTALLS
from ...subject import Subject
from .. import Violation, practice


@practice("cost", slow=True, builds=True, needs="test-service")
def tests_after_a_change(subject: Subject) -> None:
    """When the code has changed, its tests can run without anything being installed again."""
    with subject.copied("with other code to test", service="test") as copy:
        copy.build()  # fills the cache
        edits.change_code(copy)
        if again := [name for name in copy.build(alone=True).ran if INSTALLS.search(name)]:
            raise Violation(f"ran again: {'; '.join(again)}", "docker compose build test")
