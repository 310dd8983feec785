"""The app's tests are not in the image."""

from ...program import look
from .. import Sabotage, Subject, Violation, practice


@look()
def tests_there() -> list[str]:
    """The app's tests: packages bring some of their own, and a virtual environment may lie beside the code."""
    from pathlib import Path

    return [str(path) for path in Path.cwd().rglob("test_*.py") if "site-packages" not in path.parts]


@practice("cost")
def check(subject: Subject) -> None:
    if tests := subject.shared_container().look(tests_there):
        raise Violation(f"in the image: {' '.join(tests)}", "docker compose run --rm {service} ls tests")


TURNS_RED = [Sabotage("tests left in", "final/Dockerfile", r"rm -rf tests ", "rm -rf ")]
