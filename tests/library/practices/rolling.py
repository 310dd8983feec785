"""Versions of an image that are deployed, and what visitors get meanwhile."""

import json

import httpx

from .. import swarm
from ..engine import wait_until
from ..load import Visits
from .health import serve_status

LEAST = 100  # requests during each change


def rolled(stack: swarm.Stack, visits: Visits, update: tuple[str, list[str]]) -> bool:
    """Wait until a change is done and enough visitors have seen it; say whether that is so."""

    def done() -> bool:
        return visits.requests[visits.during] >= LEAST and stack.update == update

    # A minute of it is an update's own: so long Swarm watches a new version.
    return wait_until(done, limit=150, pause=1)


def errors_only(image: str, port: int) -> str:
    """The recipe of a broken version of an image."""
    return f"FROM {image}\nCMD {json.dumps(serve_status.command(port, 500))}\n"


def another(image: str) -> str:
    """The recipe of a new version of an image, which is as good as the old one."""
    return f'FROM {image}\nLABEL version="2"\n'


def plain_answer(url: str) -> str:
    """What comes of a plain HTTP request: where it is sent to, or the status, or nothing."""

    def ask() -> str:
        try:
            answer = httpx.get(url, timeout=5, headers={"Host": "localhost"}, trust_env=False)
        except httpx.HTTPError:
            return ""
        return answer.headers.get("Location", "") or f"{answer.status_code}"

    return wait_until(ask, limit=10)
