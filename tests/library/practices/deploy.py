"""What visitors notice when another version is deployed."""

import json
import os
import secrets
from dataclasses import replace
from unittest.mock import patch

import httpx

from .. import runner, swarm
from ..engine import another_address, build_recipe, last_line, wait_until
from ..load import Visits, visitors
from ..subject import Subject
from . import NotAsked, Violation, practice
from .gunicorn import gunicorn_seconds

STACK, TLS = "stack.yaml", "compose.tls.yaml"
TLS_ONLY = "400"  # what a port that speaks TLS answers to plain HTTP, if anything
LEAST = 100  # requests during each change
# In the place of the app: a server that starts, and has nothing but errors.
ERRORS_ONLY = """
import http.server
class Errors(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(500)
http.server.ThreadingHTTPServer(("", PORT), Errors).serve_forever()
"""


@practice("loss", slow=True, slow_to_fail=True, builds=True, needs="stack")
def rolls_without_loss(subject: Subject) -> None:
    """Visitors lose no request while replicas are added, a new version starts, or a broken one is rolled back."""
    patience, grace = gunicorn_seconds(subject.shared.container)["graceful_timeout"], swarm.stop_grace(subject)
    if patience >= grace:
        seen = f"gunicorn gives requests {patience} s to end, and is killed after {grace:.0f} s"
        raise Violation(seen, f"grep stop_grace_period {STACK}")
    first, second, broken = (f"{subject.image}:{tag}" for tag in ("latest", "second", "broken"))
    build_recipe(another(first), second)
    build_recipe(errors_only(first, subject.port), broken)
    changes = (
        ("a new version was deployed", second, 2, second, "completed"),
        ("2 replicas became 4", second, 4, second, ""),
        ("a broken version was deployed", broken, 4, second, "rollback_completed"),
    )
    by_hand = f"IMAGE=shop:2 docker stack deploy --detach=false --resolve-image never --compose-file {STACK} shop"
    try:
        with swarm.stack(subject, (first, second, broken)) as stack:
            done = stack.deploy(first)
            if done.returncode or not wait_until(lambda: stack.update == ("", [first] * 2), limit=60, pause=1):
                raise NotAsked(f"docker stack deploy: {last_line(done.stdout)}")
            wait_until(lambda: _plain_answer(stack.url + subject.page) == "200", limit=30)
            with visitors(stack.url + subject.page) as visits:
                for what, image, replicas, left, state in changes:
                    visits.during = what
                    stack.deploy(image, replicas)
                    if not rolled(stack, visits, (state, [left] * replicas)):
                        now, images = stack.update
                        seen = f"after {what}, the update is {now!r}, and {', '.join(images)} runs"
                        raise Violation(seen, by_hand, "docker stack ps shop")
                    if visits.failed:
                        break
        if visits.failed:
            what = "; ".join(f"{number} {kind}" for kind, number in visits.failed.most_common())
            raise Violation(f"{visits.failed.total()} of {visits.requests.total()} requests failed: {what}", by_hand)
    except runner.NoRunner as reason:
        raise NotAsked(str(reason)) from reason


def rolled(stack: swarm.Stack, visits: Visits, update: tuple[str, list[str]]) -> bool:
    """Wait until a change is done and enough visitors have seen it; say whether that is so."""

    def done() -> bool:
        return visits.requests[visits.during] >= LEAST and stack.update == update

    return wait_until(done, limit=60, pause=1)


def errors_only(image: str, port: int) -> str:
    """The recipe of a broken version of an image."""
    return f"FROM {image}\nCMD {json.dumps(['python3', '-c', ERRORS_ONLY.replace('PORT', str(port))])}\n"


def another(image: str) -> str:
    """The recipe of a new version of an image, which is as good as the old one."""
    return f'FROM {image}\nLABEL version="2"\n'


@practice("access", slow=True, builds=True, needs="stack")
def proxy_alone(subject: Subject) -> None:
    """Where `compose.tls.yaml` publishes to everybody, plain HTTP answers nothing but a redirect to HTTPS."""
    address = another_address()
    if address is None:
        raise NotAsked("this machine has no address but loopback, so nobody can ask as another machine does")
    settings = {"ADDRESS": "0.0.0.0", "HTTP_PORT": "0", "HTTPS_PORT": "0", "EDGE": f"172.16.{secrets.randbelow(254)}"}  # noqa: S104
    by_hand = f"ADDRESS=0.0.0.0 docker compose --file compose.yaml --file {TLS} up --detach; docker compose ps"
    both = replace(subject, compose=(*subject.compose, TLS))
    with patch.dict(os.environ, settings), both.started() as running:
        project = running.project.compose
        project.up(["proxy"], detach=True, quiet=True)
        answers = {}
        for container in project.ps():
            for inside, bindings in (container.network_settings.ports or {}).items():
                if inside.endswith("/tcp"):
                    for port in {int(binding["HostPort"]) for binding in bindings or ()}:
                        name = f"port {inside.removesuffix('/tcp')} of {container.name}"
                        answers[name] = _plain_answer(f"http://{address}:{port}{subject.page}")
    if "https" not in "".join(answers.values()):
        raise Violation(f"the proxy sends nobody to HTTPS: {answers}", by_hand)
    for name, answer in answers.items():
        if not answer.startswith("https://") and answer not in ("", TLS_ONLY):
            raise Violation(f"{name} answers everybody over plain HTTP: {answer}", by_hand)


def _plain_answer(url: str) -> str:
    """What comes of a plain HTTP request: where it is sent to, or the status, or nothing."""

    def ask() -> str:
        try:
            answer = httpx.get(url, timeout=5, headers={"Host": "localhost"}, trust_env=False)
        except httpx.HTTPError:
            return ""
        return answer.headers.get("Location", "") or f"{answer.status_code}"

    return wait_until(ask, limit=10)
