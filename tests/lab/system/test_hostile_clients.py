"""What hostile and slow clients get, and that everybody else is served meanwhile.

The servers: final's uvicorn, the same files with Flask and Django (gunicorn's threads), and step 5's uWSGI.
"""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from adopt.strangers import adopted
from lab import hostile, rawhttp
from library import clock
from library.edits import change
from library.engine import build_recipe, docker, wait_until
from library.subject import Running, Subject
from library.tutorial import ROOT

FINAL, STEP_5, EXTRA_6 = (Subject(name, ROOT / name) for name in ("final", "step-5-larger", "extra-6-deploying"))
# uvicorn sets a limit for h11 only (https://uvicorn.dev/settings/#implementation), and httptools is what runs here. Its
# article says what one connection can do, and what to put in front or to choose instead.
TAKEN_BY_UVICORN = frozenset({"request line", "header", "headers", "trailers"})
# uWSGI reads headers in its own way, and nothing makes it stricter: these requests are served as if they were right.
# Its article says so, and what to put in front.
TAKEN_BY_UWSGI = {
    "a null byte in a header",
    "a null byte in a header's name",
    "a space in a header's name",
    "a space before the colon",
}
DEAD = re.compile(r"DAMN|was sent SIG|WORKER TIMEOUT")  # how uWSGI and gunicorn say that a worker died


@dataclass(frozen=True)
class Server:
    """A server, and what is known of it.

    Args:
        subject: what to start; or the name of a project that gets final's files.
        path: a page that is always there.
        takes: the hostile requests that it serves as if they were right.
        without_limit: what it takes without end.
    """

    subject: Subject | str
    path: str = "/health"
    takes: frozenset[str] = frozenset()
    without_limit: frozenset[str] = frozenset()
    environment: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[Running]:
        subject = adopted(self.subject) if isinstance(self.subject, str) else self.subject
        with subject.running(environment=self.environment) as running:
            yield running


def parameter(name: str, server: Server, *marks: pytest.MarkDecorator) -> Any:
    """A server as a parameter; its tests go to one worker, which starts it once."""
    folder = "step-5-larger" if server.subject == STEP_5 else "final"
    return pytest.param(
        server, id=name, marks=[pytest.mark.about(folder), pytest.mark.xdist_group(f"hostile {name}"), *marks]
    )


UVICORN = parameter("uvicorn", Server(FINAL, without_limit=TAKEN_BY_UVICORN))
ASGI = parameter("asgi", Server(FINAL, environment={"WORKER_CLASS": "asgi"}), pytest.mark.thorough)
THREADS = [
    parameter("flask", Server("flask", "/"), pytest.mark.thorough),
    parameter("django", Server("django", "/"), pytest.mark.thorough),
]
UWSGI = parameter("uwsgi", Server(STEP_5, takes=frozenset(TAKEN_BY_UWSGI)))


@pytest.fixture(scope="module")
def kept() -> Iterator[Callable[[Server], Running]]:
    """Starts a server where it is another one than before; pytest would start it anew for each list of parameters."""
    with ExitStack() as stack:
        running: dict[int, Running] = {}

        def start(server: Server) -> Running:
            if id(server) not in running:
                stack.close()
                running.clear()
                running[id(server)] = stack.enter_context(server.running())
            return running[id(server)]

        yield start


@pytest.fixture(params=[UVICORN, ASGI, *THREADS, UWSGI])
def served(request: pytest.FixtureRequest, kept: Callable[[Server], Running]) -> tuple[Server, Running]:
    """A server and its container, for all tests that leave it as it is."""
    return request.param, kept(request.param)


def only(*servers: Any) -> pytest.MarkDecorator:
    """For a test that is about some of the servers."""
    return pytest.mark.parametrize("served", servers, indirect=True)


def test_hostile_requests_are_refused_and_the_next_one_is_answered(served: tuple[Server, Running]) -> None:
    server, running = served
    wrong = {}
    for request in hostile.EVERYTHING:
        # Elsewhere nothing hangs on a second answer, and nobody waits for one.
        silence = 0.05 if request in hostile.MALFORMED or request in hostile.TRAVERSALS else 0.5
        if found := request.wrong(rawhttp.talk(running.url(), request.sent, silence=silence)):
            wrong[request.name] = found
        assert running.get(server.path).status_code < 400, f"no answer after {request.name}"
    assert {name for name, found in wrong.items() if found.startswith("taken")} == server.takes, wrong
    assert wrong.keys() == server.takes, wrong
    assert not DEAD.search(running.log)
    assert "Traceback" not in running.log


MB = 2**20
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
CHUNKS = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
HEADERS = b"X-Header: with a value of some length, as headers have it\r\n" * 1000
# What never ends: the beginning, and what is sent again and again.
ENDLESS = {
    "request line": (b"GET /", b"a" * 65536),
    "header": (HEAD + b"X-A: ", b"a" * 65536),
    "headers": (HEAD, HEADERS),
    "trailers": (CHUNKS + b"0\r\n", HEADERS),
}


def test_what_never_ends_is_refused(served: tuple[Server, Running]) -> None:
    server, running = served
    most = 24 * MB
    taken = {
        name
        for name, (first, piece) in ENDLESS.items()
        if rawhttp.send_until_refused(running.url(), first, piece, most) >= most
    }
    assert taken == server.without_limit
    assert running.get(server.path).status_code < 400


@pytest.mark.thorough
@pytest.mark.about("final")
def test_headers_without_end_cost_uvicorn_a_worker() -> None:
    """And no more than that: another one takes its place, in the same container."""
    with FINAL.running(mem_limit="160m") as running:  # soon full
        most = 512 * MB
        assert rawhttp.send_until_refused(running.url(), *ENDLESS["headers"], most) < most
        assert wait_until(lambda: running.answers("/health"), limit=20)
        running.container.reload()
        assert (running.container.state.running, running.container.restart_count) == (True, 0)


TOO_LARGE = {
    "a line of 70,000 bytes": hostile.request(b"/" + b"a" * 70_000),
    "a header of 70,000 bytes": hostile.request(more=b"X-A: " + b"a" * 70_000 + b"\r\n"),
    "2,000 headers": hostile.request(more=b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(2000))),
}


@only(ASGI, *THREADS, UWSGI)
def test_what_is_too_large_is_refused(served: tuple[Server, Running]) -> None:
    """With 414 or 431, or, by uWSGI, without an answer and with a line in the log."""
    server, running = served
    before = running.log.count("invalid HTTP request size")
    said = {name: rawhttp.talk(running.url(), sent) for name, sent in TOO_LARGE.items()}
    assert all(answer.closed for answer in said.values())
    statuses = [answer.statuses for answer in said.values()]
    if server.takes:
        assert statuses == [[], [], []]
        assert running.log.count("invalid HTTP request size") == before + len(said)
    else:
        assert statuses in ([[414], [431], [431]], [[400], [400], [400]])


def answered(url: str, times: int, limit: float = 30) -> list[float]:
    """How many seconds (see `clock`) each of some requests took; infinitely many without an answer within the limit."""
    took = []
    for _ in range(times):
        start = clock.seconds()
        try:
            httpx.get(url, timeout=limit)
            took.append(clock.seconds() - start)
        except httpx.TimeoutException:
            took.append(math.inf)
    return took


def keeps_nobody_waiting(url: str) -> None:
    """Each of 20 requests is answered within a second, beside slow clients that have just come."""
    # The first one stands behind their connections, which are work to be done: it is answered, and not timed.
    assert httpx.get(url, timeout=30).is_success
    assert max(answered(url, 20)) < 1


@only(UVICORN, ASGI)
def test_200_slow_clients_keep_nobody_waiting(served: tuple[Server, Running]) -> None:
    server, running = served
    with rawhttp.slow_clients(running.url(), 200):
        keeps_nobody_waiting(running.url() + server.path)


# A proxy that reads a request before it passes it on, as Debian's nginx does by default.
PROXY = """FROM {base}
RUN apt-get update && apt-get install --yes --no-install-recommends nginx-light
RUN printf 'events {{}}\\nhttp {{ server {{ listen 8080; location / {{ proxy_pass http://web:8000; \\
    proxy_set_header Host localhost; }} }} }}\\n' >/etc/nginx/nginx.conf
CMD ["nginx", "-g", "daemon off;"]
"""


@contextmanager
def behind(running: Running, image: str, port: int, **options: Any) -> Iterator[str]:
    """A proxy that listens on this port, in front of a service, in its network; the URL that it is reached at."""
    name = f"{running.project.client_config.compose_project_name}-proxy"
    network = next(iter(running.container.network_settings.networks or {}))
    proxy = docker.run(image, detach=True, name=name, networks=[network], publish=[(f"127.0.0.1::{port}",)], **options)
    try:
        (bound,) = (proxy.network_settings.ports or {})[f"{port}/tcp"]
        url = f"http://127.0.0.1:{bound['HostPort']}"
        assert wait_until(lambda: httpx.get(url).status_code < 502, limit=20)
        yield url
    finally:
        docker.remove(proxy, force=True)


@pytest.mark.thorough
@only(*THREADS, UWSGI)
def test_slow_clients_take_every_thread_but_not_behind_a_proxy(served: tuple[Server, Running]) -> None:
    """A thread reads a request from its first byte to its last: the articles say so."""
    server, running = served
    with rawhttp.slow_clients(running.url(), 200):
        assert min(answered(running.url() + server.path, 2, limit=5)) == math.inf
    assert wait_until(lambda: running.answers(server.path), limit=60), "they have gone, and nothing answers"
    nginx = f"{running.project.client_config.compose_project_name}-nginx"
    build_recipe(PROXY.format(base=FINAL.base), nginx)
    with behind(running, nginx, 8080) as url, rawhttp.slow_clients(url, 200):
        keeps_nobody_waiting(url + server.path)


SLOW_UPLOAD = b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
TAKES_UPLOADS = """    @app.post("/upload")
    def upload():
        return str(len(request.get_data()))

    return app
"""


@pytest.mark.thorough
@pytest.mark.about("extra-6-deploying")
def test_slow_uploads_take_every_thread_behind_extra_6s_caddy_until_it_holds_them(tmp_path: Path) -> None:
    """Slow headers do not: final's reference says both."""
    caddyfile = (EXTRA_6.path / "Caddyfile").read_text()
    proxy = re.compile(r"(?m)^\treverse_proxy \{\n(?:\t\trequest_buffers .*\n)?")
    tmp_path.chmod(0o755)
    EXTRA_6.built_image()  # brings Caddy's image, too
    image = replace(EXTRA_6, compose=("compose.yaml", "compose.tls.yaml")).services()["proxy"]["image"]
    with adopted("flask").copied("that takes uploads") as copy:
        app = copy.path / "shop/__init__.py"
        change(app, "    return app\n", TAKES_UPLOADS)
        change(app, "import Flask, ", "import Flask, request, ")
        with copy.running() as running:
            for first, more, waits in (
                (rawhttp.SLOW_HEADER, "", False),
                (SLOW_UPLOAD, "", True),
                (SLOW_UPLOAD, "\t\trequest_buffers 1MiB\n", False),
            ):
                config = tmp_path / f"Caddyfile{len(more)}"
                config.write_text(proxy.sub(f"\treverse_proxy {{\n{more}", caddyfile))
                mounted = {"envs": {"SITE": ":80"}, "volumes": [(config, "/etc/caddy/Caddyfile", "ro")]}
                with behind(running, image, 80, **mounted) as url, rawhttp.slow_clients(url, 200, first):
                    if waits:
                        assert min(answered(f"{url}/", 2, limit=5)) == math.inf
                    else:
                        keeps_nobody_waiting(f"{url}/")
                assert wait_until(lambda: running.answers("/"), limit=60), "they have gone, and nothing answers"
