"""The health check, and what the engine makes of it."""

from dataclasses import dataclass

from ..engine import inspect, wait_until
from ..program import in_container
from ..subject import Running, Subject
from .sockets import wait_until_listening

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


def shipped_healthcheck(running: Running) -> Healthcheck | None:
    """The image's own health check, or the compose file's."""
    values = inspect(running.container.id, "Config.Healthcheck")
    if not values or values.get("Test") in (None, [], ["NONE"]):
        return None

    def seconds(name: str, default: float) -> float:
        return float(values.get(name) or default * 1e9) / 1e9

    times = seconds("Interval", 30), seconds("Timeout", 30), seconds("StartPeriod", 0), seconds("StartInterval", 5)
    return Healthcheck(*times, values.get("Retries") or 3)


def health_where_all_answers_are(status: int, subject: Subject) -> str:
    """What the engine says of a container where a server that answers so stands in the app's place."""
    # While an app may still be starting, no failure counts: for a whole minute where there is a database.
    often = {"healthcheck": OFTEN | {"start_period": "1s"}} if shipped_healthcheck(subject.shared_container()) else {}
    with subject.started(entrypoint=serve_status.command(subject.port, status), command=[], **often) as running:
        wait_until_listening(running)
        wait_until(lambda: health(running) != "starting", limit=20)
        return health(running)


@in_container()
def serve_status(port: int, status: int) -> None:
    """Answer every request with the same status, in the place of the app."""
    import http.server

    class Same(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

    http.server.ThreadingHTTPServer(("", port), Same).serve_forever()


def health(running: Running) -> str:
    running.container.reload()
    state = running.container.state.health
    return str(state.status) if state else "not checked"


def health_when_looked_at(running: Running) -> str:
    """The health of an app that answers, when the engine has looked at it by the times that this container has.

    On a busy machine a start, or a look at it, may outlast the start period. The next look comes an interval later.
    """
    if not (check := shipped_healthcheck(running)):
        return health(running)

    def health_and_failures() -> tuple[str, set[str]]:
        """And when the looks began that ended with an answer which is none; -1 is one that took too long."""
        state = inspect(running.container.id, "State.Health") or {"Status": "not checked"}
        failed = {look["Start"] for look in state.get("Log") or () if look["ExitCode"] not in (0, -1)}
        return str(state["Status"]), failed

    _, before = health_and_failures()

    def settled() -> str:
        status, failed = health_and_failures()
        # The first of the new ones may have begun before the app answered.
        return status if status == "healthy" or len(failed - before) > 1 else ""

    latest = check.start_period + check.interval + check.timeout
    return wait_until(settled, limit=min(latest + 5, 120)) or health(running)
