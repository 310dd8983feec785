"""Whatever differs between two places of deployment comes from environment variables."""

import os
from unittest.mock import patch

from ...engine import wait_until
from ...subject import published
from .. import Sabotage, Subject, Violation, practice
from ..gunicorn import gunicorn_command, settings_with
from ..processes import count_workers
from ..sockets import wait_until_listening

# The variables that a server reads, with a value that is not the default, and how gunicorn reports the setting.
CONFIGURED = {
    "WORKER_CLASS": ("gthread", "worker_class", "gthread"),
    "PORT": ("65535", "bind", "['0.0.0.0:65535']"),
    "WEB_CONCURRENCY": ("7", "workers", "7"),
    "THREADS": ("3", "threads", "3"),
    "TIMEOUT": ("77", "timeout", "77"),
    "GRACEFUL_TIMEOUT": ("11", "graceful_timeout", "11"),
    "KEEP_ALIVE": ("66", "keepalive", "66"),
    "LOG_LEVEL": ("DEBUG", "loglevel", "DEBUG"),
    "ACCESS_LOG": ("/dev/null", "accesslog", "/dev/null"),
    "FORWARDED_ALLOW_IPS": ("10.0.0.1", "forwarded_allow_ips", "['10.0.0.1']"),
    "GUNICORN_CMD_ARGS": ("--max-requests=1000 --backlog=99", "backlog", "99"),
}
# What gunicorn reports where no variable is set: the table in final's reference.
DEFAULTS = {
    "bind": "['0.0.0.0:8000']", "threads": "4", "timeout": "30", "graceful_timeout": "30", "keepalive": "5",
    "loglevel": "info", "accesslog": "None",
}  # fmt: skip
# Another way to say the same, which goes before it; and no limit at all.
BEFORE = {"WORKERS": ("5", "workers", "5"), "TIMEOUT": ("0", "timeout", "0"), "KEEP_ALIVE": ("0", "keepalive", "0")}


@practice("ours", slow=True, slow_to_fail=True)
def check(subject: Subject) -> None:
    # What gunicorn reports is quicker to be asked than containers; another server's settings nobody can ask for.
    both = (_require_settings, _require_deployments)
    for require in both if subject.shared_container().look(gunicorn_command) else reversed(both):
        require(subject)


def _require_settings(subject: Subject) -> None:
    """Raise a violation where gunicorn's settings do not follow from the variables."""
    ignored = []
    for before, asked in (({}, CONFIGURED), (CONFIGURED, BEFORE)):
        reported = settings_with(subject, {name: value for name, (value, *_) in (before | asked).items()})
        ignored += [name for name, (_, setting, value) in asked.items() if reported.get(setting) != value]
    if ignored:
        by_hand = f"docker compose run --rm --env {ignored[0]}=... {{service}} gunicorn --print-config"
        raise Violation(f"makes no difference: {', '.join(ignored)}", by_hand)
    # An empty variable is as good as none, but for those that gunicorn itself reads.
    of_gunicorn = ("FORWARDED_ALLOW_IPS", "GUNICORN_CMD_ARGS", "WEB_CONCURRENCY")
    empty = {name: "" for name in CONFIGURED if name not in of_gunicorn}
    for given in ({}, empty):
        reported = settings_with(subject, given)
        if other := [f"{name} = {value}" for name, value in DEFAULTS.items() if reported.get(name) != value]:
            seen = f"without a variable it is not so: {', '.join(other)}"
            raise Violation(seen, "docker compose run --rm {service} gunicorn --print-config")


def _require_deployments(subject: Subject) -> None:
    """Raise a violation where containers that get these variables do not run accordingly."""
    environment = {"WORKERS": "3", "ACCESS_LOG": "-", "PORT": "9000"}
    with subject.started(environment=environment, ports=["9000"]) as running:
        wait_until_listening(running)
        if not wait_until(lambda: running.answers(port=9000), limit=15):
            seen = "PORT=9000, but nothing answers there"
            raise Violation(seen, "docker compose run --rm --env PORT=9000 --publish 9000:9000 {service}")
        request = f"GET {subject.page} "
        running.get(port=9000)
        if not wait_until(lambda: request in running.log, limit=5):
            seen = "ACCESS_LOG=-, and the log does not show the request"
            raise Violation(seen, "docker compose run --rm --env ACCESS_LOG=- {service}")
        if (workers := count_workers(running, 3)) != 3:
            raise Violation(f"WORKERS=3, and {workers} run", "docker compose run --rm --env WORKERS=3 {service}")
    if "compose" in subject.has:
        with patch.dict(os.environ, {"ADDRESS": "127.0.0.2"}), subject.started() as running:
            if {address for _, address, _ in published(running.container)} != {"127.0.0.2"}:
                seen = "ADDRESS=127.0.0.2, and it is published elsewhere"
                raise Violation(seen, "docker compose port {service} {port}")


TURNS_RED = [
    Sabotage(
        "a setting that nobody can set",
        "final/gunicorn.conf.py",
        r"os\.environ\.get\(\"KEEP_ALIVE\"\) or 5",
        "5",
        also={"bad-config-refused"},
        symptom="Behind the load balancer, now and then a visitor gets error 502: the app closes connections that the"
        " balancer still uses. We have set the time to 65 seconds, as its manual says, and nothing has changed.",
    )
]
