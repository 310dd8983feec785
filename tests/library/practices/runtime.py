"""What can be seen while the container runs."""

import json
import os
import re
import secrets
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
from python_on_whales import Container
from python_on_whales.exceptions import DockerException

from ..engine import SCRATCH, NotReady, docker, inspect, last_line, run_to_its_end, wait_until
from ..subject import PYTHON, READY_LIMIT, Running, Subject, is_shared, look, share_running
from . import NotAsked, Violation, practice
from .inside import APP_PROCESSES

# Run inside the container: send a signal to every worker and print their process ids. Workers are the app's processes
# that have no children of their own; one that has ended since is none.
SIGNAL_WORKERS = (
    APP_PROCESSES
    + """
processes = app_processes()
for pid in processes:
    if pid > 1 and pid not in processes.values():
        try:
            os.kill(pid, int(sys.argv[1]))
        except ProcessLookupError:
            continue
        print(pid)
"""
)

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

# For messages: gunicorn and uWSGI say the process ids of their workers when they start them.
WORKER_PIDS = "docker compose logs web | grep 'pid: '"

COLOURS = re.compile(r"\x1b\[[\d;]*m")
NOT_CLEAN = re.compile(r".*(?:\b(?:ERROR|WARNING|CRITICAL|Traceback)\b|[Dd]eprecat|Control server).*")


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


def _signal_workers(running: Running, number: int) -> list[str]:
    """Send a signal to every worker, and return their process ids: where the app is one process, that one's."""
    try:
        workers = running.python(SIGNAL_WORKERS, str(int(number))).split()
    except DockerException:
        if number not in (signal.SIGKILL, signal.SIGSEGV):
            raise
        return ["1"]  # the container ended with its worker, and this look into it as well
    if workers:
        return workers
    # From inside, the kernel lets a container's first process have no signal that it does not wait for.
    if number:
        docker.kill(running.container, signal=signal.Signals(number).name)
    return ["1"]


def _in_flight(
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


@practice("loss", slow=True)
def answers_curl(subject: Subject) -> None:
    """`docker compose up` answers a `curl` from outside the container."""
    # A container that is helped to be reachable says nothing here: this one is started as it is.
    with subject.started() if subject.reachable_with else nullcontext(subject.shared) as running:
        command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "10", running.url() + subject.page]
        command += ["--header", f"Host: {subject.host}"] if subject.host else []

        def curl() -> subprocess.CompletedProcess[str]:
            return subprocess.run(command, capture_output=True, text=True, check=False)

        wait_until_listening(running)
        wait_until(lambda: curl().returncode == 0, limit=3)
        answer = curl()
        if answer.returncode != 0:
            raise Violation(answer.stderr.strip(), "curl localhost:8000")
        if subject.ours and json.loads(answer.stdout)["step"] != subject.folder:
            raise Violation(f"another app's answer: {answer.stdout}", "curl localhost:8000")


@practice("loss")
def production_server(subject: Subject) -> None:
    """A production server serves the app, not a framework's development server."""
    server = subject.shared.get().headers.get("server", "")
    if re.match("Werkzeug|WSGIServer", server):
        raise Violation(f"the answer's header says Server: {server}", "curl --head localhost:8000")
    if command := DEVELOPS.search(subject.shared.look(COMMAND_LINES)):
        raise Violation(f"it serves and watches its files: {command[0]}", "docker compose top web")
    if scripts := SCRIPT.findall(subject.shared.look(COMMAND_LINES)):
        _require_no_reload(subject, scripts[0])


# Run inside the container: the command line of each of the app's processes.
COMMAND_LINES = look(
    APP_PROCESSES
    + """
for pid in sorted(app_processes()):
    try:
        print(open(f"/proc/{pid}/cmdline").read().replace("\\0", " ").strip())
    except OSError:
        continue  # it has just ended
"""
)
# Servers of frameworks, and options by which any server watches its files: for whoever writes the app.
DEVELOPS = re.compile(
    r"^(?:(?:.*(?:bin/| -m ))?(?:flask|quart)(?: --?\w+(?:[ =]\S+)?)* run\b|.*\bfastapi dev\b|.*\brunserver(?:_plus)?\b"
    r"|.* --(?:auto-|py-auto-?)?reload(?:[ =]|$)|.*\bsanic\b.* (?:--dev|--debug|-d)\b).*$",
    re.MULTILINE,
)
# An app that starts its server itself, by a call that may have `reload=True`.
SCRIPT = re.compile(r"^\S*python[\d.]*(?: -[uBO]+)* (-m \S+|\S+\.py)$", re.MULTILINE)

TOUCH = """
import pathlib
for path in pathlib.Path.cwd().rglob("*.py"):
    if "site-packages" not in path.parts:
        path.touch()
"""


def _require_no_reload(subject: Subject, script: str) -> None:
    """Raise a violation where the process that serves is another one after a module of the app was touched."""
    with subject.running() as running:
        before = set(_signal_workers(running, 0))
        with suppress(DockerException):  # a file system that is read-only has nothing to watch
            docker.execute(running.container, [*PYTHON, TOUCH], user="0")
            if wait_until(lambda: set(_signal_workers(running, 0)) - before, limit=5):
                by_hand = f"docker compose exec --user 0 web touch {script}; docker compose logs web"
                raise Violation(f"{script} reloads what changes: its server is a developer's", by_hand)


@practice("taste", slow=True)
def port_from_env(subject: Subject) -> None:
    """The port in the container comes from the environment variable `PORT`, as many platforms demand."""
    if subject.published in _published(subject) and os.environ.get("PORT") == "0":
        raise Violation(
            f"PORT=0, and compose publishes it on {subject.published}", "PORT=9000 docker compose up; docker compose ps"
        )
    with subject.started(environment={**subject.reachable_with, "PORT": "9001"}, ports=["9001"]) as running:
        wait_until_listening(running)
        if not wait_until(lambda: running.answers(port=9001), limit=15):
            raise Violation(
                f"PORT=9001, but nothing answers there; the log says:\n{running.log}",
                "docker compose run --rm --env PORT=9001 --publish 9001:9001 web",
                "curl localhost:9001",
            )


def _published(subject: Subject) -> set[int]:
    """The ports of this machine where compose publishes the app."""
    ports = subject.shared.container.network_settings.ports or {}
    return {int(binding["HostPort"]) for bindings in ports.values() for binding in bindings or ()}


@dataclass(frozen=True)
class Life:
    """What was seen of a container that nobody disturbed, from its start over one ``GET /`` to its stop.

    Args:
        health: what the engine said of it, 10 seconds after the first answer at the latest.
        log: all of it.
        stop_seconds: how long the stop took.
        exit_code: with which it ended.
    """

    health: str
    log: str
    stop_seconds: float
    exit_code: int


_lives: dict[tuple[object, ...], Life] = {}


def undisturbed_life(subject: Subject) -> Life:
    """The life of one container of a subject, which several practices look at.

    Where nobody has begun to look at the subject's shared container, this one is started again to be that: to start
    again costs less of a CPU than another container does.
    """
    if subject.key not in _lives:
        with ExitStack() as stack:
            running = stack.enter_context(subject.running())
            running.get()
            said = health_when_looked_at(running)
            took = running.stop()
            running.container.reload()
            _lives[subject.key] = Life(said, running.log, took, running.container.state.exit_code or 0)
            if not is_shared(subject):
                docker.start(running.container)
                with suppress(NotReady):  # an app that cannot be started again in its container
                    running.wait_until_ready()
                    share_running(subject, running, stack.pop_all())
    return _lives[subject.key]


@practice("loss", slow=True)
def graceful_stop(subject: Subject) -> None:
    """At `docker stop`, the app answers what it has begun; when idle, it ends within 2 seconds, with exit code 0."""
    life = undisturbed_life(subject)
    _require_exit_code_0(life.exit_code, "docker compose stop; docker compose ps --all")
    _require_quick(life.stop_seconds)
    if not subject.slow:
        raise NotAsked("idle, it stops well; for a request in flight name a path that takes 2 s or so: SLOW=/report")
    with subject.running() as running:
        require_answer_in_flight(running, subject.slow_path(3))


def require_answer_in_flight(running: Running, path: str) -> float:
    """Raise a violation where a stop loses the answer to ``path``, which takes a while, or is unclean.

    Returns:
        The seconds that the stop took.
    """
    by_hand = f"curl 'localhost:8000{path}' & sleep 1; docker compose stop; docker compose ps --all"
    with ThreadPoolExecutor() as pool:
        (answer,) = _in_flight(running, pool, path)
        if answer.done():
            said = answer.result()
            if said.status_code >= 400:
                raise NotAsked(f"GET {path} says {said.status_code}: name another path that takes a while")
            raise NotAsked(f"GET {path} is answered at once: name a path that takes 2 s or so")
        took = running.stop()
        try:
            status = answer.result().status_code
        except httpx.HTTPError as error:
            raise Violation(
                f"the stop took {took:.1f} s and the request in flight was lost: {error}", by_hand
            ) from error
        if status >= 400:
            raise Violation(f"the request in flight was answered with {status}", by_hand)
        running.container.reload()
        _require_exit_code_0(running.container.state.exit_code or 0, by_hand)
        return took


def require_quick_stop(running: Running) -> None:
    """Raise a violation where an idle container, which has been stopped, is slow to stop again, or unclean."""
    running.project.compose.start(running.service)
    running.wait_until_ready()
    took = running.stop()
    running.container.reload()
    _require_exit_code_0(running.container.state.exit_code or 0, "docker compose stop; docker compose ps --all")
    _require_quick(took)


def _require_quick(took: float) -> None:
    if took >= 2:
        raise Violation(f"an idle container took {took:.1f} s to stop", "time docker compose stop")


def _require_exit_code_0(code: int, by_hand: str) -> None:
    if code:
        raise Violation(f"exit code {code}" + " (killed: it did not react to SIGTERM)" * (code == 137), by_hand)


@practice("loss", slow=True)
def concurrent_requests(subject: Subject) -> None:
    """While three slow requests are under way, another one is answered."""
    if not subject.slow:
        raise NotAsked("it asks for a path that takes 2 s or so: SLOW=/report")
    path = subject.slow_path(10)
    # The container ends first, and the requests with it: nobody waits for them.
    with ThreadPoolExecutor() as pool, subject.running() as running:
        slow = _in_flight(running, pool, path, number=3, seconds=1)
        if any(answer.done() for answer in slow):
            raise NotAsked(f"GET {path} is answered at once: name a path that takes 2 s or so")
        running.get(timeout=70)
        if ended := sum(answer.done() for answer in slow):
            raise Violation(
                f"{ended} of three slow requests had to end before another one was answered",
                f"for i in 1 2 3; do curl 'localhost:8000{path}' & done; sleep 1; time curl localhost:8000",
            )


@practice("loss", slow=True)
def survives_worker_kill(subject: Subject) -> None:
    """When the process that serves requests dies, another one takes its place within 3 seconds, without a restart."""
    by_hand = (WORKER_PIDS, "docker compose exec web sh -c 'kill -9 WORKER_PID ...'", "curl localhost:8000")
    with subject.running() as running:
        killed = _signal_workers(running, signal.SIGKILL)
        if not wait_until(running.answers, limit=3):
            running.container.reload()
            raise Violation(
                f"killed {len(killed)} process(es); 3 s later nothing answers "
                f"(the container is {running.container.state.status})",
                *by_hand,
            )
        running.container.reload()
        if running.container.restart_count:
            raise Violation("the whole container was restarted", *by_hand)


@practice("unnoticed", slow=True)
def clean_logs(subject: Subject) -> None:
    """From start to stop, the log shows no error, warning or deprecation."""
    require_clean(undisturbed_life(subject).log)


def require_clean(log: str) -> None:
    """Raise a violation where the log of a container complains."""
    if line := NOT_CLEAN.search(COLOURS.sub("", log)):
        raise Violation(f"the log says: {line[0].strip()}", "docker compose logs")


@practice("unnoticed", slow=True)
def unbuffered_logs(subject: Subject) -> None:
    """What the app prints appears in `docker logs` at once."""
    word = secrets.token_hex()
    with first_running(subject, SAY.format(word=word)) as overrides, subject.running(**overrides) as running:
        # What was kept back may come out once, when something else is printed; what comes at once comes again.
        before = running.log.count(word)
        shown = wait_until(lambda: running.log.count(word) > before, limit=3)
    if not shown:
        raise Violation(
            "each process of the app prints a line twice a second, and docker logs does not show them",
            "docker compose run --detach web python -c 'import time; print(\"seen\"); time.sleep(60)'",
            "docker logs CONTAINER",
        )


# Run by every Python in the container before anything else: each process, workers included, prints a line now and then.
SAY = """
import os, threading, time
def say():
    while True:
        time.sleep(0.5)
        print("{word}")
def begin():
    threading.Thread(target=say, daemon=True).start()
os.register_at_fork(after_in_child=begin)
begin()
"""


@contextmanager
def first_running(subject: Subject, source: str) -> Iterator[dict[str, Any]]:
    """What lets a container run Python source at the start of each of its Pythons, as overrides of its service."""
    path = subject.shared.python("import os; print(os.environ.get('PYTHONPATH', ''))")
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        Path(folder).chmod(0o755)
        Path(folder, "sitecustomize.py").write_text(source)
        environment = {**subject.reachable_with, "PYTHONPATH": f"/first:{path}".rstrip(":")}
        yield {"volumes": [f"{folder}:/first:ro"], "environment": environment}


@practice("unnoticed", slow=True, slow_to_fail=True)
def crash_traceback(subject: Subject) -> None:
    """When the interpreter itself crashes in a request, the log shows a Python traceback."""
    with subject.running() as running, ThreadPoolExecutor() as pool:
        answers = _in_flight(running, pool, subject.slow_path(20)) if subject.slow else ()
        _signal_workers(running, signal.SIGSEGV)
        # Idle, a worker may have no line of Python to show.
        wanted = 'File "' if subject.slow else "Fatal Python error"
        if not wait_until(lambda: wanted in running.log, limit=5):
            if any(answer.done() and not answer.exception() for answer in answers):
                raise NotAsked(f"GET {subject.slow} was answered before its worker crashed: name a path that takes 5 s")
            raise Violation(
                f"after a segmentation fault of a worker the log says only:\n{running.log[-500:]}",
                f"curl 'localhost:8000{subject.slow_path(20)}' & {WORKER_PIDS}",
                "docker compose exec web sh -c 'kill -SEGV WORKER_PID'",
                "docker compose logs",
            )


# For messages: how to see what the engine makes of it.
SEE_HEALTH = ("docker compose ps", "docker inspect --format '{{json .State.Health}}' CONTAINER")
SEE_HEALTHCHECK = "docker inspect --format '{{.Config.Healthcheck}}' IMAGE"
# A shipped check, asked more often, so that nobody waits for three intervals.
OFTEN = {"interval": "1s", "retries": 2, "timeout": "3s"}


@dataclass(frozen=True)
class Healthcheck:
    """The times of a health check, in seconds, and how many failures in a row make a container unhealthy."""

    interval: float
    timeout: float
    start_period: float
    start_interval: float
    retries: int


def shipped_healthcheck(subject: Subject) -> Healthcheck | None:
    """The image's own health check, or the compose file's."""
    values = inspect(subject.shared.container.id, "Config.Healthcheck")
    if not values or values.get("Test") in (None, [], ["NONE"]):
        return None

    def seconds(name: str, default: float) -> float:
        return float(values.get(name) or default * 1e9) / 1e9

    return Healthcheck(
        seconds("Interval", 30),
        seconds("Timeout", 30),
        seconds("StartPeriod", 0),
        seconds("StartInterval", 5),
        values.get("Retries") or 3,
    )


@practice("unnoticed", slow=True)
def healthcheck(subject: Subject) -> None:
    """The engine soon knows that the app works: the first health check comes within 5 seconds, and succeeds."""
    if not (check := shipped_healthcheck(subject)):
        raise Violation("there is no HEALTHCHECK: the engine knows only that the process runs", *SEE_HEALTH)
    if not check.start_period:
        raise Violation(f"there is no start period: the first look is after {check.interval:.0f} s", SEE_HEALTHCHECK)
    if check.start_interval >= 5:
        raise Violation("the first look is after 5 s or more", SEE_HEALTHCHECK)
    if (state := undisturbed_life(subject).health) != "healthy":
        raise Violation(f"its health is {state}", *SEE_HEALTH)


@practice("unnoticed", needs="healthcheck")
def healthcheck_fair(subject: Subject) -> None:
    """No app becomes unhealthy because it answers slowly or still starts, and the health check costs little."""
    check = shipped_healthcheck(subject)
    if not check:
        raise Violation("there is no health check", SEE_HEALTHCHECK)
    for wrong, because in (
        (check.interval < 5, f"it starts a Python every {check.interval:.0f} s"),
        (check.retries == 1, "one slow answer, and the app is called unhealthy"),
        (check.timeout < 2, f"an answer that takes {check.timeout:.0f} s counts as none"),
        (
            0 < check.start_period < 5,
            f"after {check.start_period:.0f} s it looks every {check.interval:.0f} s only",
        ),
        (check.start_period > 120, f"for {check.start_period:.0f} s after the start, no failure counts"),
    ):
        if wrong:
            raise Violation(because, SEE_HEALTHCHECK)


@practice("taste", slow=True, needs="healthcheck")
def healthcheck_on_any_port(subject: Subject) -> None:
    """The health check asks the port that the app listens on, whatever `PORT` says."""
    elsewhere = {"environment": {"PORT": "9001"}, "ports": ["9001"]}
    with subject.started(healthcheck=OFTEN, **elsewhere) as running:
        wait_until_listening(running)
        # An app that does not look at PORT (port-from-env says so) answers where it always does.
        if not wait_until(lambda: running.answers(port=9001) or running.answers(), limit=READY_LIMIT):
            raise NotAsked("with PORT=9001 the app answers neither there nor where it did before")
        if not wait_until(lambda: health(running) == "healthy", limit=20):
            raise Violation(
                f"PORT=9001, where it answers, and its health is {health(running)}",
                "docker compose run --detach --env PORT=9001 web; docker ps",
            )


@practice("unnoticed", slow=True)
def hang_noticed(subject: Subject) -> None:
    """An app that hangs becomes unhealthy within 2 minutes, and healthy again when it works again."""
    check = shipped_healthcheck(subject)
    # That a hang is noticed with these values and by the clock, test_healthcheck.py shows.
    if check and (longest := check.retries * (check.interval + check.timeout)) > 120:
        raise Violation(
            f"a hang is noticed after up to {longest:.0f} s: interval {check.interval:.0f} s,"
            f" timeout {check.timeout:.0f} s",
            SEE_HEALTHCHECK,
        )
    often: dict[str, Any] = {"healthcheck": OFTEN} if check else {}
    with subject.running(**often) as running:
        if check and not wait_until(lambda: health(running) == "healthy", limit=20):
            raise Violation(f"its health is {health(running)}", *SEE_HEALTH)
        _signal_workers(running, signal.SIGSTOP)
        wait_until(lambda: health(running) in ("unhealthy", "not checked"), limit=20)
        if (state := health(running)) != "unhealthy":
            raise Violation(f"all workers are frozen, and its health is {state}", *SEE_HEALTH)
        _signal_workers(running, signal.SIGCONT)
        if not wait_until(lambda: health(running) == "healthy", limit=20):
            raise Violation(f"the workers run again, and its health is {health(running)}", *SEE_HEALTH)


@practice("unnoticed", slow=True)
def errors_noticed(subject: Subject) -> None:
    """An app that answers every request with a server error becomes unhealthy."""
    state = _health_where_all_answers_are(500, subject, ("unhealthy", "not checked"))
    if state != "unhealthy":
        raise Violation(f"every answer is a server error, and its health is {state}", *SEE_HEALTH)


@practice("ours", slow=True, needs="healthcheck")
def healthy_without_health_page(subject: Subject) -> None:
    """An app that answers 404 to the health check, because it has no page `/health`, is healthy all the same."""
    state = _health_where_all_answers_are(404, subject, ("healthy", "unhealthy", "not checked"))
    if state != "healthy":
        raise Violation(f"every answer is a 404, and its health is {state}", *SEE_HEALTH)


def _health_where_all_answers_are(status: int, subject: Subject, awaited: tuple[str, ...]) -> str:
    """What the engine says of a container where a server that answers so stands in the app's place."""
    # While an app may still be starting, no failure counts: for a whole minute where there is a database.
    often = {"healthcheck": OFTEN | {"start_period": "1s"}} if shipped_healthcheck(subject) else {}
    instead = [*PYTHON, SAME_ANSWER, str(subject.port), str(status)]
    with subject.started(entrypoint=instead, command=[], **often) as running:
        wait_until_listening(running)
        wait_until(lambda: health(running) in awaited, limit=20)
        return health(running)


# Run inside the container in the app's place: a server that answers every request with the same status.
SAME_ANSWER = """
import http.server, sys
class Same(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(int(sys.argv[2]))
http.server.HTTPServer(("", int(sys.argv[1])), Same).serve_forever()
"""


def health(running: Running) -> str:
    running.container.reload()
    health = running.container.state.health
    return str(health.status) if health else "not checked"


def health_when_looked_at(running: Running) -> str:
    """The health of an app that answers, when the engine has looked at it by the times that this container has.

    On a busy machine a start, or a look at it, may outlast the start period. The next look comes an interval later.
    """
    values = inspect(running.container.id, "Config.Healthcheck") or {}
    times = {"StartPeriod": 0, "Interval": 30e9, "Timeout": 30e9}  # nanoseconds, Docker's defaults
    latest = sum(values.get(name) or usual for name, usual in times.items()) / 1e9

    def health_and_failures() -> tuple[str, set[str]]:
        """And when the looks began that ended with an answer which is none; -1 is one that took too long."""
        state = inspect(running.container.id, "State.Health") or {"Status": "not checked"}
        failed = {look["Start"] for look in state.get("Log") or () if look["ExitCode"] not in (0, -1)}
        return str(state["Status"]), failed

    _, before = health_and_failures()

    def settled() -> str:
        status, failed = health_and_failures()
        # The first of the new ones may have begun before the app answered.
        return status if status in ("healthy", "not checked") or len(failed - before) > 1 else ""

    return wait_until(settled, limit=min(latest + 5, 120)) or health(running)


@practice("cost")
def writes_nothing(subject: Subject) -> None:
    """While it serves, the app writes no file into its container: no bytecode, no socket."""
    subject.shared.get()
    # With `init: true` the engine puts its own process 1 there.
    engines = ("/usr/sbin/docker-init", "/sbin/docker-init")
    diff = docker.container.diff(subject.shared.container)
    changed = [path for path in diff if not any(file.startswith(path) for file in engines)]
    if changed:
        some = ", ".join(sorted(changed)[:5]) + ", ..." * (len(changed) > 5)
        raise Violation(f"changed since the start: {some}", "docker diff CONTAINER")
    # The engine does not compare what compose mounts there.
    if found := subject.shared.python(IN_TMPFS):
        raise Violation(f"in /tmp since the start: {found}", "docker compose exec web ls -A /tmp")


# Run inside the container: what is in /tmp, where that is a file system in memory.
IN_TMPFS = """
import os
if any(line.split()[1:3] == ["/tmp", "tmpfs"] for line in open("/proc/mounts")):
    print(*os.listdir("/tmp"))
"""


# Run inside the container: the files by which gunicorn's workers show that they live, as far as this user may see them.
HEARTBEATS = look("""
import glob, os
for link in glob.glob("/proc/[0-9]*/fd/*"):
    try:
        file = os.readlink(link)
    except OSError:
        continue
    if "/wgunicorn-" in file and not file.startswith("/dev/shm/"):
        print(file)
""")


@practice("loss")
def heartbeat_in_memory(subject: Subject) -> None:
    """Workers show in memory, and not on a disk, that they are alive, so a busy disk makes none of them look dead."""
    if found := subject.shared.look(HEARTBEATS):
        raise Violation(
            f"a worker's file is {found.splitlines()[0]}",
            "docker compose exec web sh -c 'ls -l /proc/*/fd | grep wgun'",
        )


@practice("loss", slow=True, slow_to_fail=True)
def patient_stop(subject: Subject) -> None:
    """At a stop, a request may take longer than Docker's ten seconds, and is answered; a hang ends in two minutes."""
    if not subject.slow or "{seconds}" not in subject.slow:
        raise NotAsked("it asks for a path that takes 14 s: SLOW=/report?seconds={seconds}")
    patience = subject.shared.container.config.stop_timeout or 10
    if patience > 120:
        raise Violation(f"a container that hangs is ended after {patience} s", "docker inspect CONTAINER")
    if (servers := gunicorn_seconds(subject.shared.container)["graceful_timeout"]) >= patience:
        seen = f"gunicorn gives requests {servers} s to end, and the engine kills it after {patience} s"
        raise Violation(seen, "docker compose config web | grep stop_grace_period")
    # Whoever kills after ten seconds ends a long request as soon as a short one, and may come a few seconds late.
    with subject.running() as running:
        require_answer_in_flight(running, subject.slow_path(14 if patience > 10 else 28))


def gunicorn_settings(container: Container) -> dict[str, str]:
    """What gunicorn in a container is set to, as it prints it; nothing where there is no gunicorn."""
    try:
        config = str(docker.execute(container, ["gunicorn", "--print-config"]))
    except DockerException:
        return {}
    return dict(re.findall(r"^(\w+) += (.*)$", config, re.MULTILINE))


def gunicorn_seconds(container: Container) -> Counter[str]:
    """The seconds that gunicorn in a container has, by the setting; 0 where there is no gunicorn."""
    settings = gunicorn_settings(container)
    return Counter({name: int(settings.get(name, 0)) for name in ("timeout", "graceful_timeout", "keepalive")})


@practice("cost", slow=True, slow_to_fail=True, needs="compose")
def commands_stop(subject: Subject) -> None:
    """A command that handles no signals, such as a script or a migration, also ends at once at `docker stop`."""
    sleep = "import time; print('begun', flush=True); time.sleep(600)"
    by_hand = ('docker compose run --detach web python -c "import time; time.sleep(600)"', "time docker stop CONTAINER")
    with subject.started(entrypoint=[*PYTHON, sleep], command=[], healthcheck={"disable": True}) as running:
        wait_until(lambda: "begun" in running.log, limit=READY_LIMIT)
        took = running.stop()
        running.container.reload()
        # The engine's patience passes by the wall, and `took` does not.
        killed = running.container.state.exit_code == 137
    if killed or took >= 2:
        raise Violation(f"a command that sleeps took {took:.1f} s to stop" + killed * ", and was killed", *by_hand)


@practice("loss", slow=True, slow_to_fail=True, needs="compose")
def comes_back(subject: Subject) -> None:
    """When the app's main process ends, the engine starts the app again."""
    with subject.running() as running:
        # It asks politely, from inside: the engine does not know that anybody wanted it.
        with suppress(DockerException):
            running.python("import os, signal; os.kill(1, signal.SIGTERM)")

        def is_back() -> bool:
            running.container.reload()
            return bool(running.container.restart_count) and running.is_up

        if not wait_until(is_back, limit=15):
            raise Violation(
                "15 s after its main process has ended, nothing has started it again",
                "docker compose exec web python -c 'import os; os.kill(1, 15)'",
                "docker compose ps --all",
            )


@practice("taste", slow=True, needs="modes")
def entrypoint_modes(subject: Subject) -> None:
    """One image serves (`web`), develops (`dev`) and manages (`manage ...`), and runs any other command as given."""
    first_process = "print(open('/proc/1/comm').read())"
    for command, expected in (
        (["echo", "hi"], "hi"),
        (["python", "-c", first_process], "python"),
        (["manage", "version"], r"\d+\.\d+"),
    ):
        done = run_to_its_end(subject.image, *command, envs={"ENVIRONMENT": "development"}, check=False)
        if not re.match(expected, output := done.stdout + done.stderr):
            by_hand = f"docker compose run --rm web {' '.join(command)}"
            raise Violation(f"`{' '.join(command)}` says: {output.strip()}", by_hand)
    by_hand = "docker compose run --rm --service-ports web dev"
    with subject.running(command=["dev"]) as running:
        if not running.get("/").headers.get("server", "").startswith("WSGIServer"):
            raise Violation("`dev` does not start the development server", by_hand)
        if (first := running.python("print(open('/proc/1/comm').read().strip())")) != "python":
            raise Violation(f"`dev`: process 1, which gets the signals, is {first}", by_hand)


# The variables that a server reads, with a value that is not the default, and how gunicorn reports the setting.
CONFIGURED = {
    "WORKER_CLASS": ("gthread", "worker_class = gthread"),
    "PORT": ("65535", "bind = ['0.0.0.0:65535']"),
    "WEB_CONCURRENCY": ("7", "workers = 7"),
    "THREADS": ("3", "threads = 3"),
    "TIMEOUT": ("77", "timeout = 77"),
    "GRACEFUL_TIMEOUT": ("11", "graceful_timeout = 11"),
    "KEEP_ALIVE": ("66", "keepalive = 66"),
    "LOG_LEVEL": ("DEBUG", "loglevel = DEBUG"),
    "ACCESS_LOG": ("/dev/null", "accesslog = /dev/null"),
    "FORWARDED_ALLOW_IPS": ("10.0.0.1", "forwarded_allow_ips = ['10.0.0.1']"),
    "GUNICORN_CMD_ARGS": ("--max-requests=1000 --backlog=99", "backlog = 99"),
}
# What gunicorn reports where no variable is set: the table in final's reference.
DEFAULTS = (
    "bind = ['0.0.0.0:8000']", "threads = 4", "timeout = 30", "graceful_timeout = 30", "keepalive = 5",
    "loglevel = info", "accesslog = None",
)  # fmt: skip
# Another way to say the same, which goes before it; and no limit at all.
BEFORE = {"WORKERS": ("5", "workers = 5"), "TIMEOUT": ("0", "timeout = 0"), "KEEP_ALIVE": ("0", "keepalive = 0")}


@practice("ours", slow=True, slow_to_fail=True)
def configured_by_env(subject: Subject) -> None:
    """Whatever differs between two places of deployment comes from environment variables."""
    # What gunicorn reports is quicker to be asked than containers; another server's settings nobody can ask for.
    checks = (_require_settings, _require_deployments)
    for check in checks if _has_gunicorn(subject) else reversed(checks):
        check(subject)


def _require_settings(subject: Subject) -> None:
    """Raise a violation where gunicorn's settings do not follow from the variables."""
    # An empty variable is as good as none, but for those that gunicorn itself reads.
    of_gunicorn = ("FORWARDED_ALLOW_IPS", "GUNICORN_CMD_ARGS", "WEB_CONCURRENCY")
    empty = {name: "" for name in CONFIGURED if name not in of_gunicorn}
    for given in ({}, empty):
        config = _print_config(subject, given)
        if other := [line for line in DEFAULTS if line not in config.splitlines()]:
            raise Violation(
                f"without a variable it is not so: {', '.join(other)}",
                "docker compose run --rm web gunicorn --print-config",
            )
    ignored = []
    for before, asked in (({}, CONFIGURED), (CONFIGURED, BEFORE)):
        said = _print_config(subject, {name: value for name, (value, _) in (before | asked).items()}).splitlines()
        ignored += [name for name, (_, line) in asked.items() if line not in said]
    if ignored:
        by_hand = f"docker compose run --rm --env {ignored[0]}=... web gunicorn --print-config"
        raise Violation(f"makes no difference: {', '.join(ignored)}", by_hand)


def _require_deployments(subject: Subject) -> None:
    """Raise a violation where containers that get these variables do not run accordingly."""
    environment = {"WORKERS": "3", "ACCESS_LOG": "-", "PORT": "9000"}
    with subject.started(environment=environment, ports=["9000"]) as running:
        wait_until_listening(running)
        if not wait_until(lambda: running.answers(port=9000), limit=15):
            raise Violation(
                "PORT=9000, but nothing answers there",
                "docker compose run --rm --env PORT=9000 --publish 9000:9000 web",
            )
        request = f"GET {subject.page} "
        running.get(port=9000)
        if not wait_until(lambda: request in running.log, limit=5):
            raise Violation(
                "ACCESS_LOG=-, and the log does not show the request", "docker compose run --rm --env ACCESS_LOG=- web"
            )
        # The first worker answers before the last one is there.
        wait_until(lambda: len(_signal_workers(running, 0)) >= 3, limit=10)
        if len(workers := _signal_workers(running, 0)) != 3:
            raise Violation(f"WORKERS=3, and {len(workers)} run", "docker compose run --rm --env WORKERS=3 web")
    if "compose" in subject.has:
        with patch.dict(os.environ, {"ADDRESS": "127.0.0.2"}), subject.started() as running:
            running.container.reload()
            ports = running.container.network_settings.ports or {}
            if {binding["HostIp"] for bindings in ports.values() for binding in bindings or ()} != {"127.0.0.2"}:
                raise Violation("ADDRESS=127.0.0.2, and it is published elsewhere", "docker compose port web 8000")


def _has_gunicorn(subject: Subject) -> bool:
    return bool(subject.shared.python("import shutil; print(shutil.which('gunicorn') or '')"))


def _print_config(subject: Subject, environment: dict[str, str], **options: Any) -> str:
    """Gunicorn's settings, one a line, as it sees them when it starts with this environment."""
    # It loads the app, which may want what the compose file gives it.
    given = dict(line.partition("=")[::2] for line in subject.shared.container.config.env or ())
    environment = {**given, **environment}
    command = ["gunicorn", "--print-config"]
    try:
        if options:
            config = run_to_its_end(subject.image, *command, envs=environment, **options).stdout
        else:
            config = str(docker.execute(subject.shared.container, command, envs=environment))
    except (DockerException, subprocess.CalledProcessError) as refused:
        if not _has_gunicorn(subject):
            raise NotAsked("the image has no gunicorn, which is asked for its settings") from refused
        said = last_line(refused.stderr or "") or str(refused)
        raise Violation(
            f"gunicorn --print-config: {said}", "docker compose run --rm web gunicorn --print-config"
        ) from refused
    return re.sub(" += ", " = ", config)


# Python reads this module when it starts: a machine with many CPUs, as far as the app can tell.
SIXTEEN_CPUS = """
import os
os.sched_getaffinity = lambda pid: set(range(16))
os.cpu_count = os.process_cpu_count = lambda: 16
"""
# What the kernel says in cpu.max (microseconds of CPU time, of so many) and memory.max (cgroup version 2), and how many
# workers follow on a machine of 16 CPUs: each takes 128 MB, and the rest as much.
LIMITS = (
    ("max 100000", "max", 16),
    ("50000 100000", "max", 1),
    ("150000 100000", "max", 2),  # half a CPU is a worker's, too
    ("100000 100000", str(512 * 2**20), 1),
    ("max 100000", str(512 * 2**20), 3),
    ("max 100000", str(384 * 2**20 - 1), 1),  # a byte less than two workers and the rest take
    ("max 100000", str(100 * 2**20), 1),  # less than a worker takes
)


@practice("ours", slow=True, slow_to_fail=True)
def workers_fit_limits(subject: Subject) -> None:
    """By default, as many workers start as the container's CPUs (affinity, quota) and its memory have room for."""
    by_hand = "docker run --rm --cpus 0.5 IMAGE gunicorn --print-config | grep '^workers '"
    with first_running(subject, SIXTEEN_CPUS) as many, tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        Path(folder).chmod(0o755)
        # Files of cgroup version 2, on a host with version 1, too: what the kernel would show.
        volumes = [tuple(many["volumes"][0].split(":")), (folder, "/sys/fs/cgroup", "ro")]
        for quota, memory, expected in LIMITS:
            Path(folder, "cpu.max").write_text(quota)
            Path(folder, "memory.max").write_text(memory)
            config = _print_config(subject, many["environment"], volumes=volumes)
            if f"\nworkers = {expected}\n" not in config:
                seen = f"16 CPUs, cpu.max says {quota} and memory.max {memory}, and there are not {expected} workers"
                raise Violation(seen, by_hand)
        many["volumes"].append(f"{folder}:/sys/fs/cgroup:ro")
        Path(folder, "memory.max").write_text(str(400 * 2**20))
        with subject.running(**many) as running:
            # The first worker answers before the last one is there.
            wait_until(lambda: len(_signal_workers(running, 0)) >= 2, limit=10)
            if len(workers := _signal_workers(running, 0)) != 2:
                raise Violation(f"it may use 16 CPUs and 400 MB, and has {len(workers)} workers", by_hand)
    config = _print_config(subject, {}, cpuset_cpus=[0])
    if "\nworkers = 1\n" not in config:
        raise Violation("it may run on CPU 0 only, and has more than one worker", by_hand)


# Run inside the container: start its command with one wrong value after the other, until one is not refused without a
# traceback; print what came of each. A command has started when it listens, however long a busy machine takes to end
# it or to let it listen; one that does neither for a minute has not been refused.
START_WITH = (
    LISTENING
    + """
import json, os, signal, subprocess, sys, time
command, wrong = map(json.loads, sys.argv[1:])
for name, value in wrong:
    environment = {**os.environ, **({name: value} if name else {})}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    run = subprocess.Popen(command, env=environment, start_new_session=True, **output)
    end = time.monotonic() + 60
    while run.poll() is None and not listening() and time.monotonic() < end:
        time.sleep(0.02)
    started = run.poll() in (None, 0)
    if started:
        os.killpg(run.pid, signal.SIGKILL)  # also the workers, which hold its output
    said = run.communicate()[0].strip()
    print(json.dumps([name, value, started, said]))
    if name and (started or "Traceback" in said):
        break
"""
)
# The first one is nothing: as compose starts it, the command has to start once more.
WRONG = [
    ("", ""),
    ("WORKERS", "abc"),
    ("WORKERS", "-1"),
    ("THREADS", "1.5"),
    ("PORT", "http"),
    ("TIMEOUT", "-3"),
    ("GRACEFUL_TIMEOUT", "soon"),
    ("KEEP_ALIVE", "yes"),
    ("ACCESS_LOG", "/nowhere/log"),
    ("FORWARDED_ALLOW_IPS", "nowhere"),
]


@practice("ours", slow=True, slow_to_fail=True)
def bad_config_refused(subject: Subject) -> None:
    """A variable that is no number or no address makes gunicorn refuse to start, and say so without a traceback."""
    config = subject.shared.container.config
    command = [*(config.entrypoint or ()), *(config.cmd or ())]
    # In a compose file, two of these signs are one.
    entrypoint = [part.replace("$", "$$") for part in (*PYTHON, START_WITH)]
    arguments = [json.dumps(part).replace("$", "$$") for part in (command, WRONG)]
    alone = {"entrypoint": entrypoint, "command": arguments, "restart": "no", "healthcheck": {"disable": True}}
    with subject.started(environment=subject.reachable_with, **alone) as running:
        wait_until(lambda: not running.is_up, limit=180)
        outcomes = [json.loads(line) for line in running.log.splitlines() if line.startswith("[")]
    if not outcomes:
        raise NotAsked("started a second time, in the same container, it says nothing")
    for name, value, started, said in outcomes:
        by_hand = f"docker compose run --rm --env {name}={value} web"
        if not name:
            if not started:
                raise NotAsked(f"started a second time, in the same container, it ends: {last_line(said)}")
            continue
        if started:
            raise Violation(f"{name}={value}, and it starts", by_hand)
        # Gunicorn's messages name the setting or not, but show what is wrong in it.
        if "Traceback" in said or value not in said:
            raise Violation(f"{name}={value}, and it says:\n{said}", by_hand)
