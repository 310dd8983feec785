"""A client that says to a server what no HTTP library would say."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


@dataclass(frozen=True)
class Said:
    """What a server said on one connection.

    Args:
        statuses: of its answers, in order; "100 Continue" is none.
        text: all of it.
        closed: whether the server closed the connection.
    """

    statuses: list[int]
    text: bytes
    closed: bool


def connect(url: str, limit: float = 10) -> socket.socket:
    """A connection to the server of a URL; each wait on it ends after ``limit`` seconds with TimeoutError."""
    where = urlsplit(url)
    return socket.create_connection((where.hostname, where.port), timeout=limit)


def talk(url: str, sent: bytes, limit: float = 20, silence: float = 0.5) -> Said:
    """Send bytes over a connection of their own, and listen until the server closes it.

    Args:
        url: of the server; its path is not used.
        sent: all that is sent.
        limit: seconds to wait for the first answer.
        silence: seconds after an answer without another one that end the talk on a connection that is kept alive.
    """
    text = b""
    with connect(url, limit) as connection:
        # A server may close while it still gets more than it wants to know.
        with suppress(ConnectionError, TimeoutError):
            connection.sendall(sent)
        try:
            while received := connection.recv(65536):
                text += received
                if _statuses(text):
                    connection.settimeout(silence)
            closed = True
        except TimeoutError:
            closed = False
        except ConnectionError:
            closed = True
    return Said(_statuses(text), text, closed)


SLOW_HEADER = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


@contextmanager
def slow_clients(url: str, count: int, first: bytes = SLOW_HEADER) -> Iterator[None]:
    """As many clients that send the beginning of a request, and then a byte each second, until the end of the block."""
    end = threading.Event()

    def dribble(connections: list[socket.socket]) -> None:
        while not end.wait(1):
            for connection in connections:
                with suppress(OSError):  # the server has had enough
                    connection.sendall(b"a")

    with ExitStack() as stack:
        connections = [stack.enter_context(connect(url)) for _ in range(count)]
        for connection in connections:
            connection.sendall(first)
        thread = threading.Thread(target=dribble, args=(connections,))
        thread.start()
        stack.callback(thread.join)
        stack.callback(end.set)
        yield


def send_until_refused(url: str, first: bytes, piece: bytes, most: int) -> int:
    """Send a request that does not end; return how many bytes the server took before it refused, or all of ``most``."""
    sent = 0
    with connect(url) as connection, suppress(OSError):
        connection.sendall(first)
        while sent < most:
            connection.sendall(piece)
            sent += len(piece)
    return sent


def _statuses(text: bytes) -> list[int]:
    return [int(status) for status in STATUS.findall(text) if status != b"100"]
