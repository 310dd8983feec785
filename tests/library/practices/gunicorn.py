"""What gunicorn in a container is set to."""

import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from typing import Any

from python_on_whales.exceptions import DockerException

from ..engine import docker, last_line, run_to_its_end
from ..program import look
from ..subject import Running, Subject
from . import NotAsked, Violation
from .processes import app_processes

SETTING = re.compile(r"^(\w+) += (.*)$", re.MULTILINE)  # a line of `gunicorn --print-config`


@look(app_processes)
def gunicorn_command() -> list[str]:
    """What gunicorn was started with, which may be one in a virtual environment, or else the gunicorn on PATH, if any.

    With its own arguments it says what it is set to here, and loads the app that it serves.
    """
    import shutil
    from pathlib import Path

    for pid in sorted(app_processes()):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
        except OSError:
            continue  # it has just ended
        for position, word in enumerate(words):
            if word.endswith("/gunicorn"):
                return words[position:]
    return [path for path in [shutil.which("gunicorn")] if path]


def gunicorn_settings(running: Running) -> dict[str, str]:
    """What gunicorn in a container is set to, as it prints it; nothing where there is no gunicorn."""
    try:
        command = running.look(gunicorn_command)
        config = str(docker.execute(running.container, [*command, "--print-config"])) if command else ""
    except DockerException:
        return {}
    return dict(SETTING.findall(config))


def gunicorn_seconds(settings: Mapping[str, str]) -> Counter[str]:
    """The seconds among gunicorn's settings, by name; 0 where there is no gunicorn."""
    return Counter({name: int(settings.get(name, 0)) for name in ("timeout", "graceful_timeout", "keepalive")})


def settings_with(subject: Subject, environment: dict[str, str], **options: Any) -> dict[str, str]:
    """What gunicorn is set to when it starts with this environment; in another container, if that takes options."""
    running = subject.shared_container()
    if not (gunicorn := running.look(gunicorn_command)):
        raise NotAsked("the image has no gunicorn, which is asked for its settings")
    command = [*gunicorn, "--print-config"]
    try:
        if options:
            # It loads the app, which may want what the compose file gives it.
            given = dict(line.partition("=")[::2] for line in running.container.config.env or ())
            config = run_to_its_end(subject.built_image(), *command, envs=given | environment, **options).stdout
        else:
            config = str(docker.execute(running.container, command, envs=environment))
    except (DockerException, subprocess.CalledProcessError) as refused:
        reason = last_line(refused.stderr or "") or str(refused)
        seen = f"gunicorn --print-config: {reason}"
        raise Violation(seen, "docker compose run --rm {service} gunicorn --print-config") from refused
    return dict(SETTING.findall(config))
