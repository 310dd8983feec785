"""What gunicorn in a container is set to."""

import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from typing import Any

from python_on_whales import Container
from python_on_whales.exceptions import DockerException

from ..engine import docker, last_line, run_to_its_end
from ..subject import Subject
from . import NotAsked, Violation
from .installed import programs


def gunicorn_settings(container: Container) -> dict[str, str]:
    """What gunicorn in a container is set to, as it prints it; nothing where there is no gunicorn."""
    try:
        config = str(docker.execute(container, ["gunicorn", "--print-config"]))
    except DockerException:
        return {}
    return dict(re.findall(r"^(\w+) += (.*)$", config, re.MULTILINE))


def gunicorn_seconds(settings: Mapping[str, str]) -> Counter[str]:
    """The seconds among gunicorn's settings, by name; 0 where there is no gunicorn."""
    return Counter({name: int(settings.get(name, 0)) for name in ("timeout", "graceful_timeout", "keepalive")})


def print_config(subject: Subject, environment: dict[str, str], **options: Any) -> str:
    """Gunicorn's settings, one a line, as it sees them when it starts with this environment."""
    # It loads the app, which may want what the compose file gives it.
    given = dict(line.partition("=")[::2] for line in subject.shared_container().container.config.env or ())
    environment = {**given, **environment}
    command = ["gunicorn", "--print-config"]
    try:
        if options:
            config = run_to_its_end(subject.built_image(), *command, envs=environment, **options).stdout
        else:
            config = str(docker.execute(subject.shared_container().container, command, envs=environment))
    except (DockerException, subprocess.CalledProcessError) as refused:
        if not programs(subject, "gunicorn"):
            raise NotAsked("the image has no gunicorn, which is asked for its settings") from refused
        reason = last_line(refused.stderr or "") or str(refused)
        raise Violation(
            f"gunicorn --print-config: {reason}", "docker compose run --rm {service} gunicorn --print-config"
        ) from refused
    return re.sub(" += ", " = ", config)
