"""No dependency manager (Poetry, uv) is in the image."""

from .. import Subject, Violation, practice
from ..installed import programs


@practice("cost")
def check(subject: Subject) -> None:
    if found := programs(subject, "poetry", "uv", "pdm", "pipenv"):
        raise Violation(f"in the image: {found}", f"docker compose run --rm {{service}} {found.split()[0]} --version")
