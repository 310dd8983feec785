"""What the kernel says of a container's sockets: who listens, and which requests are under way."""

import subprocess
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
from python_on_whales.exceptions import DockerException

from ..engine import NotReady, wait_until
from ..program import in_container
from ..subject import READY_LIMIT, Running


@in_container()
def tcp_sockets() -> list[list[str]]:
    """The columns of what the kernel says of each socket, as in https://docs.kernel.org/networking/proc_net_tcp.html."""
    from pathlib import Path

    return [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]


@in_container(tcp_sockets)
def listening() -> list[str]:
    """The addresses that something listens on, but for Docker's own name server."""
    return [columns[1] for columns in tcp_sockets() if columns[3] == "0A" and not columns[1].startswith("0B00007F")]


@in_container(listening)
def waited_for_listening() -> bool:
    """Look for five seconds: each `docker exec` costs more than the app needs meanwhile to start."""
    import time

    end = time.monotonic() + 5
    while not listening() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(listening())


@in_container(tcp_sockets)
def watch_requests(port: int, number: int, seconds: int) -> None:
    """Print a line, and another one as soon as the server has read so many requests and answered none of them yet.

    What comes from 127.0.0.1 is a health check.
    """
    import time

    def in_flight() -> int:
        to_port = [columns for columns in tcp_sockets() if columns[1].endswith(f":{port:04X}")]
        others = [columns for columns in to_port if not columns[2].partition(":")[0].endswith("0100007F")]
        return sum(columns[3] == "01" and columns[4].endswith(":00000000") for columns in others)

    print("looking", flush=True)
    for _ in range(100 * seconds):
        if in_flight() >= number:
            print("seen", flush=True)
            break
        time.sleep(0.01)


def wait_until_listening(running: Running) -> None:
    """Wait until the app has bound its port, wherever that is: from then on an answer may be expected at once."""

    def listens() -> bool:
        try:
            return running.run(waited_for_listening)
        except DockerException:
            if not running.ends():
                raise
            return True

    wait_until(lambda: not running.is_up or listens(), READY_LIMIT)


def in_flight(
    running: Running, pool: ThreadPoolExecutor, path: str, number: int = 1, seconds: int = 30
) -> tuple[Future[httpx.Response], ...]:
    """Send requests that take a while, and return when the server works on all of them or has answered one, or later.

    Somebody looks already when they are sent: to start one who looks may take longer than a request.
    """
    watch = ["docker", "exec", running.container.id, *watch_requests.command(running.port, number, seconds)]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as watches:
        assert watches.stdout  # noqa: S101
        if not watches.stdout.readline():
            raise NotReady(running.log, running.by_hand)
        answers = tuple(pool.submit(running.get, path, timeout=60) for _ in range(number))
        for answer in answers:
            answer.add_done_callback(lambda _: watches.kill())
        watches.stdout.readline()
        watches.kill()
    return answers
