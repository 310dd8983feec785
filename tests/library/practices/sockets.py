"""What the kernel says of a container's sockets: who listens, and which requests are under way."""

import subprocess
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
from python_on_whales.exceptions import DockerException

from ..engine import NotReady, wait_until
from ..subject import PYTHON, READY_LIMIT, Running

# Run inside the container: print a line when it looks, and another one as soon as the server has accepted and read so
# many requests, and not answered them yet; end after some seconds. What comes from 127.0.0.1 is a health check.
REQUESTS_IN_FLIGHT = """
import sys, time
port, wanted, seconds = f":{int(sys.argv[1]):04X}", int(sys.argv[2]), int(sys.argv[3])
def in_flight():
    lines = [line.split() for name in ("tcp", "tcp6") for line in open(f"/proc/net/{name}").readlines()[1:]]
    lines = [f for f in lines if f[1].endswith(port) and not f[2].partition(":")[0].endswith("0100007F")]
    return sum(f[3] == "01" and f[4].endswith(":00000000") for f in lines)
print("looking", flush=True)
for _ in range(100 * seconds):
    if in_flight() >= wanted:
        print("seen", flush=True)
        break
    time.sleep(0.01)
"""
# The beginning of scripts that run inside the container: the addresses that something listens on. Docker's own name
# server has a port, too.
LISTENING = """
def listening():
    lines = [line.split() for name in ("tcp", "tcp6") for line in open(f"/proc/net/{name}").readlines()[1:]]
    return [f[1] for f in lines if f[3] == "0A" and not f[1].startswith("0B00007F")]
"""
# One look that waits: each `docker exec` costs more than the app needs meanwhile to start.
WAIT_FOR_LISTENING = (
    LISTENING
    + """
import time
end = time.monotonic() + 5
while not listening() and time.monotonic() < end:
    time.sleep(0.05)
print(*listening())
"""
)


def wait_until_listening(running: Running) -> None:
    """Wait until the app has bound its port, wherever that is: from then on an answer may be expected at once."""

    def listens() -> bool:
        try:
            return bool(running.python(WAIT_FOR_LISTENING))
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
    look = ["docker", "exec", running.container.id, *PYTHON, REQUESTS_IN_FLIGHT]
    look += map(str, (running.port, number, seconds))
    with subprocess.Popen(look, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as looks:
        assert looks.stdout  # noqa: S101
        if not looks.stdout.readline():
            raise NotReady(running.log, running.by_hand)
        answers = tuple(pool.submit(running.get, path, timeout=60) for _ in range(number))
        for answer in answers:
            answer.add_done_callback(lambda _: looks.kill())
        looks.stdout.readline()
        looks.kill()
    return answers
