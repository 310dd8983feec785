"""No dependency manager (Poetry, uv) is in the image."""

from .. import Subject, Violation, practice
from ..installed import programs


@practice("cost")
def check(subject: Subject) -> None:
    if tools := programs(subject, "poetry", "uv", "pdm", "pipenv"):
        raise Violation(f"in the image: {tools}", f"docker compose run --rm {{service}} {tools.split()[0]} --version")
