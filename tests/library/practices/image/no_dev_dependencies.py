from ... import locks
from ...subject import Subject
from .. import Violation, practice
from ..installed import installed


@practice("cost")
def no_dev_dependencies(subject: Subject) -> None:
    """Nothing that only developers need (the dev group) is in the image."""
    if found := sorted(locks.dev_only(subject.source) & installed(subject).keys()):
        raise Violation(f"in the image: {', '.join(found)}", "docker compose run --rm web python -m pytest --version")
