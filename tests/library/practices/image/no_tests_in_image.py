"""The app's tests are not in the image."""

from ...subject import look
from .. import Sabotage, Subject, Violation, practice

# Run inside the container. Packages bring tests of their own, and a virtual environment may lie beside the code.
TESTS = look(
    "import pathlib; print(*(p for p in pathlib.Path.cwd().rglob('test_*.py') if 'site-packages' not in p.parts))"
)


@practice("cost")
def check(subject: Subject) -> None:
    if found := subject.shared.look(TESTS):
        raise Violation(f"in the image: {found}", "docker compose run --rm web ls tests")


TURNS_RED = [Sabotage("tests left in", "final", "Dockerfile", r"rm -rf tests ", "rm -rf ")]
