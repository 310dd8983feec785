"""Nothing that only developers need (the dev group) is in the image."""

from ... import locks
from .. import Subject, Violation, practice
from ..installed import installed


@practice("cost")
def check(subject: Subject) -> None:
    if packages := sorted(locks.dev_only(subject.source) & installed(subject).keys()):
        seen = f"in the image: {', '.join(packages)}"
        raise Violation(seen, "docker compose run --rm {service} python -m pytest --version")
