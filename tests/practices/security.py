"""What an attacker would like to find otherwise."""

import os
import secrets
import subprocess
from unittest.mock import patch

from engine import Subject, docker

from . import Violation, practice


@practice
def non_root(subject: Subject) -> None:
    """The app does not run as root, and its user is a number, which Kubernetes can check."""
    uid = subject.shared.python("import os; print(os.stat('/proc/1').st_uid)")
    if uid == "0":
        raise Violation("the server runs as root (UID 0)", "docker compose exec web id")
    user = docker.image.inspect(subject.image).config.user or ""
    if not user.partition(":")[0].isdigit():
        raise Violation(f"USER is a name: {user!r}", "docker inspect --format '{{.Config.User}}' IMAGE")


@practice
def refuses_default_secrets(subject: Subject) -> None:
    """In production the app starts with secrets of its own only: with a default it ends, and one line says which."""
    own: dict[str, str] = {"ENVIRONMENT": "production"}
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD"):
        variables = [f"--env={key}={value}" for key, value in {**own, name: "development-only"}.items()]
        run = ["docker", "run", "--rm", *variables, subject.image]
        ended = subprocess.run(run, capture_output=True, text=True, check=False, timeout=60)
        if (
            ended.returncode == 0
            or f"{name} is the development default" not in ended.stderr
            or ended.stderr.count("\n") != 1
        ):
            raise Violation(
                f"exit code {ended.returncode} with the default {name}, and it says:\n{ended.stdout}{ended.stderr}",
                f"{' '.join(f'{key}=...' for key in own)} docker compose up",
            )
        own[name] = secrets.token_hex()
    with patch.dict(os.environ, own), subject.running():
        pass  # it started
