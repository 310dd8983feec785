"""What a container's log says."""

import re

from . import Violation

COLOURS = re.compile(r"\x1b\[[\d;]*m")
NOT_CLEAN = re.compile(r".*(?:\b(?:ERROR|WARNING|CRITICAL|Traceback)\b|[Dd]eprecat|Control server).*")


def require_clean(log: str) -> None:
    """Raise a violation where the log of a container complains."""
    if line := NOT_CLEAN.search(COLOURS.sub("", log)):
        raise Violation(f"the log says: {line[0].strip()}", "docker compose logs")
