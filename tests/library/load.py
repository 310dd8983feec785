"""Visitors of a site, while something happens to it."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Visits:
    """What visitors saw so far.

    Args:
        requests: how many there were, by what was happening at their end.
        failed: those that were not answered with 200, by what came in the place of that, and what was happening.
        during: what is happening.
    """

    requests: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    during: str = ""


@contextmanager
def visitors(
    url: str, rate: float = 40, number: int = 8, connect: Callable[[], http.client.HTTPConnection] | None = None
) -> Iterator[Visits]:
    """Ask for a page from this machine, so many times a second, until the end of the block.

    Half of the visitors keep their connections, the others open one for each request. One that has to wait for an
    answer asks more often later. ``connect`` makes another connection than a plain one to the address.
    """
    address, page = urlsplit(url), urlsplit(url).path or "/"
    connect = connect or (lambda: http.client.HTTPConnection(address.netloc, timeout=30))
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
                seen = "" if answer.status == http.client.OK else str(answer.status)
                if answer.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                seen, connection = type(error).__name__, None
            with lock:
                visits.requests[visits.during] += 1
                if seen:
                    visits.failed[f"{seen} while {visits.during}"] += 1

    threads = [threading.Thread(target=visit, args=[which], daemon=True) for which in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield visits
    finally:
        end.set()
        for thread in threads:
            thread.join(30)
