"""What can be seen while the container runs."""

import json
import re
import signal
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
from python_on_whales.exceptions import DockerException

from engine import READY_LIMIT, Running, Subject, docker, wait_until

from . import Violation, practice

# Run inside the container: send a signal to every worker and print their process ids. Workers are the processes below
# PID 1 that have no children of their own; what `docker exec` and health checks start is not below PID 1.
SIGNAL_WORKERS = """
import os, sys
parents = {}
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        state, parent = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[:2]
    except FileNotFoundError:
        continue
    if state != "Z":
        parents[int(pid)] = int(parent)
def below_main(pid):
    while pid > 1:
        pid = parents.get(pid, 0)
    return pid == 1
workers = [pid for pid in parents if pid > 1 and below_main(pid) and pid not in parents.values()]
for pid in workers:
    os.kill(pid, int(sys.argv[1]))
print(*workers)
"""

# Run inside the container: print the requests that the server has accepted and read, and not answered yet.
REQUESTS_IN_FLIGHT = """
import sys
port = f":{int(sys.argv[1]):04X}"
lines = [line.split() for name in ("tcp", "tcp6") for line in open(f"/proc/net/{name}").readlines()[1:]]
print(sum(f[1].endswith(port) and f[3] == "01" and f[4].endswith(":00000000") for f in lines))
"""

# Run inside the container: print the addresses that something listens on. Docker's own name server has a port, too.
LISTENING = """
lines = [line.split() for name in ("tcp", "tcp6") for line in open(f"/proc/net/{name}").readlines()[1:]]
print(*(f[1] for f in lines if f[3] == "0A" and not f[1].startswith("0B00007F")))
"""

COLOURS = re.compile(r"\x1b\[[\d;]*m")
NOT_CLEAN = re.compile(r".*(?:\b(?:ERROR|WARNING|CRITICAL|Traceback)\b|[Dd]eprecat|Control server).*")


def _wait_until_listening(running: Running) -> None:
    """Wait until the app has bound its port, wherever that is: from then on an answer may be expected at once."""
    wait_until(lambda: not running.is_up or running.python(LISTENING), READY_LIMIT)


def _signal_workers(running: Running, number: signal.Signals) -> list[str]:
    return running.python(SIGNAL_WORKERS, str(int(number))).split()


def _in_flight(running: Running, pool: ThreadPoolExecutor, seconds: float) -> Future[httpx.Response]:
    """Send a request that takes a while, and return when the server works on it."""
    answer = pool.submit(running.get, f"/slow?seconds={seconds}", timeout=seconds + 20)
    wait_until(lambda: answer.done() or running.python(REQUESTS_IN_FLIGHT, "8000") != "0", limit=10)
    return answer


@practice
def answers_curl(subject: Subject) -> None:
    """`docker compose up` answers a `curl` from outside the container."""
    with subject.started() as running:
        command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "2", running.url() + "/"]

        def curl() -> subprocess.CompletedProcess[str]:
            return subprocess.run(command, capture_output=True, text=True, check=False)

        _wait_until_listening(running)
        wait_until(lambda: curl().returncode == 0, limit=3)
        answer = curl()
        if answer.returncode != 0:
            raise Violation(answer.stderr.strip(), "curl localhost:8000")
        if json.loads(answer.stdout)["step"] != subject.path.name:
            raise Violation(f"another app's answer: {answer.stdout}", "curl localhost:8000")


@practice
def production_server(subject: Subject) -> None:
    """A production server serves the app, not a framework's development server."""
    server = subject.shared.get("/").headers.get("server", "")
    if re.match("Werkzeug|WSGIServer", server):
        raise Violation(f"the answer's header says Server: {server}", "curl --head localhost:8000")


@practice
def port_from_env(subject: Subject) -> None:
    """The port in the container comes from the environment variable `PORT`, as many platforms demand."""
    with subject.started(environment={**subject.reachable_with, "PORT": "9001"}, ports=["9001"]) as running:
        _wait_until_listening(running)
        if not wait_until(lambda: running.answers("/", 9001), limit=3):
            raise Violation(
                f"PORT=9001, but nothing answers there; the log says:\n{running.log}",
                "docker compose run --rm --env PORT=9001 --publish 9001:9001 web",
                "curl localhost:9001",
            )


@practice
def graceful_stop(subject: Subject) -> None:
    """On `docker stop`, a request in flight is answered; exit code 0; an idle container stops in under 2 seconds."""
    by_hand = "curl 'localhost:8000/slow?seconds=3' & sleep 1; docker compose stop; docker compose ps --all"
    with subject.running() as running, ThreadPoolExecutor() as pool:
        answer = _in_flight(running, pool, 3)
        took = running.stop()
        try:
            status = answer.result().status_code
        except httpx.HTTPError as error:
            raise Violation(
                f"the stop took {took:.1f} s and the request in flight was lost: {error}", by_hand
            ) from error
        if status != 200:
            raise Violation(f"the request in flight was answered with {status}", by_hand)
        _require_exit_code_0(running, by_hand)

        for _ in range(3):  # a busy machine only ever makes it slower: the fastest counts
            running.project.compose.start(running.service)
            running.wait_until_ready()
            took = running.stop()
            _require_exit_code_0(running, by_hand)
            if took < 2:
                return
        raise Violation(f"an idle container took {took:.1f} s to stop", "time docker compose stop")


def _require_exit_code_0(running: Running, by_hand: str) -> None:
    running.container.reload()
    if code := running.container.state.exit_code:
        raise Violation(f"exit code {code}" + " (killed: it did not react to SIGTERM)" * (code == 137), by_hand)


@practice
def survives_worker_kill(subject: Subject) -> None:
    """When the process that serves requests dies, another takes its place within 3 seconds, without a restart."""
    by_hand = ("docker compose top", "sudo kill -9 WORKER_PID ...", "curl localhost:8000")
    with subject.running() as running:
        try:
            killed = _signal_workers(running, signal.SIGKILL)
        except DockerException:
            killed = ["1"]  # the container ended with its worker, and this look into it as well
        if not killed:
            docker.kill(running.container)
        if not wait_until(running.answers, limit=3):
            running.container.reload()
            raise Violation(
                f"killed {len(killed) or 'the only'} process(es); 3 s later nothing answers "
                f"(the container is {running.container.state.status})",
                *by_hand,
            )
        running.container.reload()
        if running.container.restart_count:
            raise Violation("the whole container was restarted", *by_hand)


@practice
def clean_logs(subject: Subject) -> None:
    """From start to stop, the log shows no error, warning or deprecation."""
    with subject.running() as running:
        running.get("/")
        running.stop()
        if line := NOT_CLEAN.search(COLOURS.sub("", running.log)):
            raise Violation(f"the log says: {line[0].strip()}", "docker compose logs")


@practice
def unbuffered_logs(subject: Subject) -> None:
    """What the app prints is in `docker logs` at once."""
    seconds = round(3 + time.time_ns() % 1_000_000 / 1e6, 6)  # unlike those of any request before
    with ThreadPoolExecutor() as pool:
        answer = _in_flight(subject.shared, pool, seconds)

        def seen() -> str:
            shown = str(seconds) in subject.shared.log
            return "late" if answer.done() else "in time" if shown else ""

        late = wait_until(seen, limit=10) != "in time"
        answer.result()
    if late:
        raise Violation(
            "the app has printed a line, and docker logs does not show it while the request is served",
            "curl 'localhost:8000/slow?seconds=5' & sleep 1; docker compose logs",
        )


@practice
def crash_traceback(subject: Subject) -> None:
    """A crash of the interpreter itself leaves a Python traceback in the log."""
    with subject.running() as running:
        _signal_workers(running, signal.SIGSEGV)
        if not wait_until(lambda: 'File "' in running.log, limit=5):
            raise Violation(
                f"after a segmentation fault of a worker the log says only:\n{running.log[-500:]}",
                "docker compose top",
                "sudo kill -SEGV WORKER_PID",
                "docker compose logs",
            )


@practice
def healthcheck(subject: Subject) -> None:
    """The engine sees the app healthy within 10 seconds of its start, and unhealthy when it hangs."""
    by_hand = ("docker compose ps", "docker inspect --format '{{json .State.Health}}' CONTAINER")
    image = docker.image.inspect(subject.image)
    if not (image.config.healthcheck and image.config.healthcheck.test):
        raise Violation("the image has no HEALTHCHECK", "docker inspect --format '{{.Config.Healthcheck}}' IMAGE")

    with subject.running() as running:
        if not wait_until(lambda: _health(running) == "healthy", limit=10):
            raise Violation(f"10 s after the start its health is {_health(running)}", *by_hand)
    # The same check, asked more often, so that nobody waits for three intervals.
    often = {"interval": "1s", "retries": 2, "timeout": "1s"}
    with subject.running(healthcheck=often) as running:
        _signal_workers(running, signal.SIGSTOP)
        if not wait_until(lambda: _health(running) == "unhealthy", limit=20):
            raise Violation(f"all workers are frozen, and its health is {_health(running)}", *by_hand)
        _signal_workers(running, signal.SIGCONT)
        if not wait_until(lambda: _health(running) == "healthy", limit=20):
            raise Violation(f"the workers run again, and its health is {_health(running)}", *by_hand)


def _health(running: Running) -> str:
    running.container.reload()
    health = running.container.state.health
    return str(health.status) if health else "not checked"


@practice
def writes_nothing(subject: Subject) -> None:
    """While it serves, the app changes no file of its container: no bytecode, no cache, no socket."""
    subject.shared.get("/")
    changed = docker.container.diff(subject.shared.container)
    if changed:
        raise Violation(f"changed since the start: {', '.join(sorted(changed))}", "docker diff CONTAINER")
