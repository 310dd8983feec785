"""A production server serves the app, not a framework's development server."""

import re
from contextlib import suppress

from python_on_whales.exceptions import DockerException

from ...engine import wait_until
from ...program import in_container
from .. import Subject, Violation, practice
from ..processes import app_statuses, signal_workers


@in_container()
def touch_modules() -> None:
    from pathlib import Path

    for path in Path.cwd().rglob("*.py"):
        if "site-packages" not in path.parts:
            path.touch()


@practice("loss")
def check(subject: Subject) -> None:
    server = subject.shared_container().get().headers.get("server", "")
    if re.match("Werkzeug|WSGIServer", server):
        raise Violation(f"the answer's header says Server: {server}", "{curl} --head {url}")
    commands = "\n".join(status["Command"] for status in subject.shared_container().look(app_statuses))
    if command := DEVELOPS.search(commands):
        raise Violation(f"it serves and watches its files: {command[0]}", "docker compose top {service}")
    if scripts := SCRIPT.findall(commands):
        _require_no_reload(subject, scripts[0])


# Servers of frameworks, and options by which any server watches its files: for whoever writes the app.
DEVELOPS = re.compile(
    r"^(?:(?:.*(?:bin/| -m ))?(?:flask|quart)(?: --?\w+(?:[ =]\S+)?)* run\b|.*\bfastapi dev\b|.*\brunserver(?:_plus)?\b"
    r"|.* --(?:auto-|py-auto-?)?reload(?:[ =]|$)|.*\bsanic\b.* (?:--dev|--debug|-d)\b).*$",
    re.MULTILINE,
)
# An app that starts its server itself, by a call that may have `reload=True`.
SCRIPT = re.compile(r"^\S*python[\d.]*(?: -[uBO]+)* (-m \S+|\S+\.py)$", re.MULTILINE)


def _require_no_reload(subject: Subject, script: str) -> None:
    """Raise a violation where the process that serves is another one after a module of the app was touched."""
    with subject.running() as running:
        before = set(signal_workers(running, 0))
        with suppress(DockerException):  # a file system that is read-only has nothing to watch
            running.run(touch_modules, user="0")
            if wait_until(lambda: set(signal_workers(running, 0)) - before, limit=5):
                by_hand = f"docker compose exec --user 0 {{service}} touch {script}; docker compose logs {{service}}"
                raise Violation(f"{script} reloads what changes: its server is a developer's", by_hand)
