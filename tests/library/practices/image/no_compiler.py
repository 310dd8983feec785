from ...subject import Subject
from .. import Violation, practice
from ..installed import programs


@practice("cost")
def no_compiler(subject: Subject) -> None:
    """No C compiler is in the image."""
    if found := programs(subject, "cc", "gcc", "g++", "clang"):
        raise Violation(f"in the image: {found}", "docker compose run --rm web gcc --version")
