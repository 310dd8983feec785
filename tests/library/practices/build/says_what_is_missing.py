"""A package list that brings no server, such as one made for another Python, stops the build."""

import re
from collections.abc import Callable
from pathlib import Path

from .. import Subject, Violation, practice


@practice("ours", slow=True, slow_to_fail=True, builds=True)
def check(subject: Subject) -> None:
    changes: tuple[Callable[[str], str], ...] = (
        # What depends on it would bring it along.
        lambda text: re.sub(r"^(?:gunicorn|uvicorn-worker)==(?:.*\\\n)*.*\n", "", text, flags=re.MULTILINE),
        lambda text: re.sub(r"^(\S+==[^\s;]+).*?( \\)?$", r'\1 ; python_version == "3.0"\2', text, flags=re.MULTILINE),
    )
    for change in changes:
        with subject.copied("with another list") as copy:
            for path in filter(Path.exists, (copy.source / "requirements.txt", copy.source / "poetry.lock")):
                path.write_text(change(path.read_text()))
            if not (stopped := copy.stopped_build()):
                raise Violation("it is built, and has no server", "docker compose build")
            if not re.search(r"^#\d+ [\d.]+ .*gunicorn", stopped.output, re.MULTILINE):
                raise Violation(f"the build stops, and says:\n{stopped}", "docker compose build")
