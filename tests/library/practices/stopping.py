"""How an app stops: idle, and while it answers."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import httpx

from ..engine import NotReady, docker
from ..subject import Running, Subject, shared
from . import NotAsked, Violation
from .health import health_when_looked_at
from .sockets import in_flight


@dataclass(frozen=True)
class Life:
    """What was seen of a container that nobody disturbed, from its start over one ``GET /`` to its stop."""

    health: str
    log: str
    stop_seconds: float
    exit_code: int


_lives: dict[str, Life] = {}


def undisturbed_life(subject: Subject) -> Life:
    """The life of one container of a subject, which several practices look at.

    Where nobody has begun to look at the subject's shared container, this one is started again to be that: to start
    again costs less of a CPU than another container does.
    """
    if subject.image_name not in _lives:
        with ExitStack() as stack:
            running = stack.enter_context(subject.running())
            running.get()
            health = health_when_looked_at(running)
            took = running.stop()
            _lives[subject.image_name] = Life(health, running.log, took, running.exit_code)
            if shared.subject != subject:
                docker.start(running.container)
                with suppress(NotReady):  # an app that cannot be started again in its container
                    running.wait_until_ready()
                    shared.take(subject, running, stack.pop_all())
    return _lives[subject.image_name]


def require_answer_in_flight(running: Running, path: str) -> float:
    """Raise a violation where a stop loses the answer to ``path``, or is unclean; else, the seconds that it took."""
    by_hand = f"{{curl}} '{{address}}{path}' & sleep 1; docker compose stop; docker compose ps --all"
    with ThreadPoolExecutor() as pool:
        (answer,) = in_flight(running, pool, path)
        if answer.done():
            status = answer.result().status_code
            if status >= 400:
                raise NotAsked(f"GET {path} says {status}: name another path that takes a while")
            raise NotAsked(f"GET {path} is answered at once: name a path that takes 2 s or so")
        took = running.stop()
        try:
            status = answer.result().status_code
        except httpx.HTTPError as error:
            seen = f"the stop took {took:.1f} s and the request in flight was lost: {error}"
            raise Violation(seen, by_hand) from error
        if status >= 400:
            raise Violation(f"the request in flight was answered with {status}", by_hand)
        require_exit_code_0(running.exit_code, by_hand)
        return took


def require_quick(took: float) -> None:
    if took >= 2:
        raise Violation(f"an idle container took {took:.1f} s to stop", "time docker compose stop")


def require_exit_code_0(code: int, by_hand: str) -> None:
    if code:
        raise Violation(f"exit code {code}" + " (killed: it did not react to SIGTERM)" * (code == 137), by_hand)
