"""What visitors notice when another version is deployed."""

import json
import os
from dataclasses import replace
from unittest.mock import patch

from .. import runner, swarm
from ..engine import build_recipe, free_port, last_line, wait_until
from ..load import Visits, visitors
from ..subject import Subject
from . import NotAsked, Violation, practice

STACK = "stack.yaml"
LEAST = 100  # requests during each change; a busy machine has fewer a second, and takes longer
# In the place of the app: a server that starts, and has nothing but errors.
ERRORS_ONLY = """
import http.server
class Errors(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(500)
http.server.ThreadingHTTPServer(("", PORT), Errors).serve_forever()
"""


@practice(slow=True, slow_to_fail=True, builds=True, needs="stack")
def rolls_without_loss(subject: Subject) -> None:
    """More replicas, a new version, a broken one that is rolled back by itself: visitors lose no request."""
    if (subject.path / STACK).exists():
        _require_rolling(subject)
    else:
        _require_replacing(subject)


def _require_replacing(subject: Subject) -> None:
    """Raise a violation where compose loses requests when it replaces the container by one of another image."""
    port = patch.dict(os.environ, PORT=str(free_port()))  # the same one after compose has replaced the container
    with subject.copied("in two versions") as copy, port, copy.running() as running:
        with visitors(running.url() + running.page) as visits:
            visits.during = change = "compose replaced the container"
            build_recipe(_another(copy.image), copy.image_name)
            running.project.compose.up(copy.service, detach=True, no_build=True, quiet=True)
            # Not the container that `running` knows.
            replace(running).wait_until_ready()
        _require_no_loss(visits, [change], "docker compose up --build --detach")


def _require_rolling(subject: Subject) -> None:
    """Raise a violation where the stack loses requests, or keeps a version that answers with errors alone."""
    first, second, broken = (f"{subject.image}:{tag}" for tag in ("latest", "second", "broken"))
    build_recipe(_another(first), second)
    server = ["python3", "-c", ERRORS_ONLY.replace("PORT", str(subject.port))]
    build_recipe(f"FROM {first}\nCMD {json.dumps(server)}\n", broken)
    changes = (
        ("a new version was deployed", second, 2, second, "completed"),
        ("2 replicas became 4", second, 4, second, ""),
        ("a broken version was deployed", broken, 4, second, "rollback_completed"),
    )
    by_hand = f"IMAGE=shop:2 docker stack deploy --detach=false --resolve-image never --compose-file {STACK} shop"
    try:
        with swarm.stack(subject, (first, second, broken)) as stack:
            done = stack.deploy(first)
            if done.returncode or not stack.images:
                raise NotAsked(f"docker stack deploy: {last_line(done.stdout)}")
            with visitors(stack.url + subject.page) as visits:
                for what, image, replicas, left, state in changes:
                    visits.during = what
                    stack.deploy(image, replicas)
                    if not wait_until(lambda: (stack.state, stack.images) == (state, [left] * replicas), limit=60):  # noqa: B023
                        seen = f"after {what}, the update is {stack.state!r}, and {', '.join(stack.images)} runs"
                        raise Violation(seen, by_hand, "docker stack ps shop")
            _require_no_loss(visits, [what for what, *_ in changes], by_hand)
    except runner.NoRunner as reason:
        raise NotAsked(str(reason)) from reason


def _require_no_loss(visits: Visits, changes: list[str], by_hand: str) -> None:
    if visits.failed:
        what = "; ".join(f"{number} {kind}" for kind, number in visits.failed.most_common())
        raise Violation(f"{visits.failed.total()} of {visits.requests.total()} requests failed: {what}", by_hand)
    for change in changes:
        if (number := visits.requests[change]) < LEAST:
            raise NotAsked(f"{number} requests is all that this machine had time for while {change}")


def _another(image: str) -> str:
    """The recipe of a new version of an image, which is as good as the old one."""
    return f'FROM {image}\nLABEL version="2"\n'
