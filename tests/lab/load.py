"""Clients that ask a service as often as they can, while something happens to it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lab.beside import beside
from library.engine import docker, wait_until
from library.program import in_container
from library.subject import Running


@in_container()
def keep_asking(host: str, port: int, path: str, number: int) -> None:
    """Ask from so many clients until SIGTERM comes, then print what was counted.

    It runs in a container of the same network: the engine's proxy for published ports would accept what nobody answers.
    A line says that every client has had an answer.
    """
    import collections
    import http.client
    import json
    import signal
    import threading
    import time

    count: collections.Counter[str] = collections.Counter()
    going, end = threading.Barrier(number + 1), threading.Event()

    def ask() -> None:
        connection, reused, first = None, False, True
        while not end.is_set():
            try:
                if connection is None:
                    connection, reused = http.client.HTTPConnection(host, port, timeout=2), False
                    connection.connect()
                    connection.sock.settimeout(60)
            except OSError:
                count["refused"] += 1
                connection = None
                time.sleep(0.02)
                continue
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                count["lost, reused" if reused else "lost"] += 1
                connection = None
                continue
            count[str(answer.status)] += 1
            reused = True
            if answer.will_close:
                connection = None
            if first:
                first = False
                going.wait()

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(number)]
    signal.signal(signal.SIGTERM, lambda *_: end.set())
    for thread in threads:
        thread.start()
    going.wait()
    print("going", flush=True)
    end.wait()
    for thread in threads:
        thread.join(5)
    print(json.dumps(count), flush=True)


@dataclass
class Load:
    """What the clients saw, at the end of the load.

    Args:
        counted: answers by their status; "refused": connections that nobody took; "lost": requests on a connection of
            their own without an answer; "lost, reused": those on a connection that had been used before, which a server
            may close at any time (RFC 9112, 9.3.1) and which clients send again.
    """

    counted: dict[str, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        return self.counted.get("200", 0)

    @property
    def lost(self) -> int:
        return sum(number for what, number in self.counted.items() if what.startswith("lost"))


@contextmanager
def load(running: Running, clients: int, path: str = "/") -> Iterator[Load]:
    """Let clients ask a service, each over one connection as long as it lasts, until the end of the block."""
    image = str(running.container.config.image)
    python, *source = keep_asking.command(running.service, running.port, path, clients)
    with beside(running, image, source, entrypoint=python) as container:
        if not wait_until(lambda: "going" in str(docker.logs(container)), limit=30):
            raise RuntimeError(f"not every client was answered: {docker.logs(container)}")
        seen = Load()
        yield seen
        docker.kill(container, signal="SIGTERM")
        docker.wait(container)
        seen.counted = json.loads(str(docker.logs(container)).splitlines()[-1])
