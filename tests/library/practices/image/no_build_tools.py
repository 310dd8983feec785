from ...subject import Subject
from .. import Violation, practice
from ..installed import programs


@practice("cost")
def no_build_tools(subject: Subject) -> None:
    """No dependency manager (Poetry, uv) is in the image."""
    if found := programs(subject, "poetry", "uv", "pdm", "pipenv"):
        raise Violation(f"in the image: {found}", f"docker compose run --rm web {found.split()[0]} --version")
