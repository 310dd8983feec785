"""The app's tests are not in the image."""

from ...program import look
from .. import Sabotage, Subject, Violation, practice


@look()
def tests_there() -> list[str]:
    """The app's tests: packages and a Python bring some of their own, and either may lie below the app's directory."""
    import re
    from pathlib import Path

    tests = map(str, Path.cwd().rglob("test_*.py"))
    return [path for path in tests if not re.search("/(site-packages|lib(64)?/python3[^/]*)/", path)]


@practice("cost")
def check(subject: Subject) -> None:
    if tests := subject.shared_container().look(tests_there):
        raise Violation(f"in the image: {' '.join(tests)}", "docker compose run --rm {service} ls tests")


TURNS_RED = [Sabotage("tests left in", "final/Dockerfile", r"rm -rf tests && ", "")]
