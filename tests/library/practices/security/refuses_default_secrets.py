"""In production, the app refuses to start with a default secret, and says in one line which one it is."""

import os
import re
import secrets
from unittest.mock import patch

from ...engine import run_to_its_end
from .. import Sabotage, Subject, Violation, practice


@practice("access", slow=True, needs="database")
def check(subject: Subject) -> None:
    own: dict[str, str] = {}  # the image itself is for production: only compose says that it is not
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD"):
        # What is not refused would wait for a database.
        given = {**own, name: "development-only", "DATABASE_WAIT": "0"}
        ended = run_to_its_end(subject.built_image(), envs=given, check=False)
        if ended.returncode == 0 or not re.fullmatch(rf".*{name} is the development default.*\n", ended.stderr):
            seen = f"exit code {ended.returncode} with the default {name}, and it says:\n{ended.stdout}{ended.stderr}"
            raise Violation(seen, f"docker run --rm --env {name}=development-only IMAGE")
        own[name] = secrets.token_hex()
    with patch.dict(os.environ, own, ENVIRONMENT="production"), subject.running():
        pass  # it started


TURNS_RED = [
    Sabotage(
        "secrets not looked at",
        "step-5-larger/src/config/settings.py",
        "if not DEVELOPMENT and",
        "if False and",
        also={"test-target"},  # the project's own tests see it, too
    )
]
