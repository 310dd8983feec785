"""Versions of an image that are deployed, and what visitors get meanwhile."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

import httpx

from ..engine import build_recipe, wait_until
from ..subject import Subject
from ..swarm import Stack
from .health import serve_status

LEAST = 100  # requests during each change


@dataclass
class Visits:
    """What visitors saw so far."""

    requests: Counter[str] = field(default_factory=Counter)  # how many there were, by what was happening at their end
    failed: Counter[str] = field(default_factory=Counter)  # those without a 200: by what came instead, and during what
    during: str = ""  # what is happening


@contextmanager
def visitors(
    url: str,
    rate: float = 40,
    number: int = 8,
    timeout: float = 30,
    connect: Callable[[], http.client.HTTPConnection] | None = None,
) -> Iterator[Visits]:
    """Ask for a page from this machine, so many times a second, until the end of the block.

    Half of the visitors keep their connections, the others open one for each request. One that has to wait for an
    answer, at most ``timeout`` seconds, asks more often later. ``connect`` makes another connection than a plain one.
    """
    address, page = urlsplit(url), urlsplit(url).path or "/"
    connect = connect or (lambda: http.client.HTTPConnection(address.netloc, timeout=timeout))
    visits, end, lock, began = Visits(), threading.Event(), threading.Lock(), time.monotonic()

    def visit(which: int) -> None:
        connection: http.client.HTTPConnection | None = None
        keeps = which % 2 == 0
        due = began + which / rate
        while not end.wait(max(0, due - time.monotonic())):
            due += number / rate
            try:
                connection = connection or connect()
                connection.request("GET", page, headers={} if keeps else {"Connection": "close"})
                answer = connection.getresponse()
                answer.read()
                failure = "" if answer.status == http.client.OK else str(answer.status)
                if answer.will_close:  # http.client has closed it
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                failure, connection = type(error).__name__, None
            with lock:
                visits.requests[visits.during] += 1
                if failure:
                    visits.failed[f"{failure} while {visits.during}"] += 1

    threads = [threading.Thread(target=visit, args=[which], daemon=True) for which in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield visits
    finally:
        end.set()
        for thread in threads:
            thread.join(30)


def versions(subject: Subject) -> tuple[str, str, str]:
    """The names of a subject's image, of another one that is as good, and of a broken one."""
    first, second, broken = (f"{subject.built_image()}:{tag}" for tag in ("latest", "second", "broken"))
    build_recipe(f'FROM {first}\nLABEL version="2"\n', second)
    build_recipe(f"FROM {first}\nCMD {json.dumps(serve_status.command(subject.port, 500))}\n", broken)
    return first, second, broken


def roll(stack: Stack, visits: Visits, second: str, broken: str, deploy: Callable[[str, int], object]) -> str:
    """Deploy another version in the place of two replicas, more replicas, and a broken version, while visitors ask.

    What is wrong after the first change that does not end as it should, or nothing. It stops at a lost request.
    """
    for change, image, replicas, state in (
        ("a new version was deployed", second, 2, "completed"),
        ("2 replicas became 4", second, 4, ""),
        ("a broken version was deployed", broken, 4, "rollback_completed"),
    ):
        visits.during = change
        deploy(image, replicas)
        # A minute of it is an update's own: so long Swarm watches a new version.
        if not wait_until(partial(_is_done, stack, visits, (state, [second] * replicas)), limit=150, pause=1):
            now, images = stack.update
            return f"after {change}, the update is {now!r}, and {', '.join(images)} runs"
        if visits.failed:
            break
    return ""


def _is_done(stack: Stack, visits: Visits, update: tuple[str, list[str]]) -> bool:
    """Whether a change is done, and enough visitors have seen it."""
    return visits.requests[visits.during] >= LEAST and stack.update == update


def plain_answer(url: str) -> str:
    """What comes of a plain HTTP request: where it is sent to, or the status, or nothing."""

    def ask() -> str:
        try:
            answer = httpx.get(url, timeout=5, headers={"Host": "localhost"}, trust_env=False)
        except httpx.HTTPError:
            return ""
        return answer.headers.get("Location", "") or f"{answer.status_code}"

    return wait_until(ask, limit=10)
