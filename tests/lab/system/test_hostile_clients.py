"""What hostile and slow clients get, and that everybody else is served meanwhile.

The servers: final's uvicorn, the same files with Flask and Django (gunicorn's threads), and step 5's uWSGI.
"""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from adopt.strangers import adopted
from lab import hostile, rawhttp
from lab.beside import beside
from library import clock
from library.edits import change
from library.engine import build_recipe, wait_until
from library.subject import Kept, Running, Subject, published
from library.tutorial import ROOT

FINAL, STEP_5, EXTRA_6 = (Subject(name, ROOT / name) for name in ("final", "step-5-larger", "extra-6-deploying"))
SERVERS: dict[str, Callable[[], Subject]] = {
    "uvicorn": lambda: replace(FINAL, page="/health"),
    "asgi": lambda: replace(FINAL, page="/health", reachable_with={"WORKER_CLASS": "asgi"}),
    "flask": lambda: adopted("flask"),
    "django": lambda: adopted("django"),
    "uwsgi": lambda: replace(STEP_5, page="/health"),
}
# uvicorn sets a limit for h11 only (https://uvicorn.dev/settings/#implementation), and httptools is what runs here. Its
# article says what one connection can do, and what to put in front or to choose instead.
WITHOUT_LIMIT = {"uvicorn": {"request line", "header", "headers", "trailers"}}
# uWSGI reads headers in its own way, and nothing makes it stricter: these requests are served as if they were right.
# Its article says so, and what to put in front.
TAKES = {
    "uwsgi": {
        "a null byte in a header", "a null byte in a header's name", "a space in a header's name",
        "a space before the colon",
    },
}  # fmt: skip
DEAD = re.compile(r"DAMN|was sent SIG|WORKER TIMEOUT")  # how uWSGI and gunicorn say that a worker died


def parameter(name: str, *marks: pytest.MarkDecorator) -> Any:
    """A server as a parameter; its tests go to one worker, which starts it once."""
    folder = "step-5-larger" if name == "uwsgi" else "final"
    return pytest.param(name, marks=[pytest.mark.about(folder), pytest.mark.xdist_group(f"hostile {name}"), *marks])


UVICORN, UWSGI = parameter("uvicorn"), parameter("uwsgi")
ASGI, *THREADS = (parameter(name, pytest.mark.thorough) for name in ("asgi", "flask", "django"))
# For all tests that leave it as it is; pytest would start it anew for each list of parameters.
kept = Kept(Subject.running)


@pytest.fixture(params=[UVICORN, ASGI, *THREADS, UWSGI])
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def running(server: str) -> Running:
    return kept.of(SERVERS[server]())


def only(*servers: Any) -> pytest.MarkDecorator:
    """For a test that is about some of the servers."""
    return pytest.mark.parametrize("server", servers, indirect=True)


def test_hostile_requests_are_refused_and_the_next_one_is_answered(server: str, running: Running) -> None:
    wrong = {}
    for request in hostile.EVERYTHING:
        # Elsewhere nothing hangs on a second answer, and nobody waits for one.
        silence = 0.05 if request in hostile.MALFORMED or request in hostile.TRAVERSALS else 0.5
        if found := request.wrong(rawhttp.talk(running.url(), request.sent, silence=silence)):
            wrong[request.name] = found
        assert running.get().status_code < 400, f"no answer after {request.name}"
    takes = TAKES.get(server, set())
    assert {name for name, found in wrong.items() if found.startswith("taken")} == takes, wrong
    assert wrong.keys() == takes, wrong
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


def test_what_never_ends_is_refused(server: str, running: Running) -> None:
    most = 24 * MB
    taken = {
        name
        for name, (first, piece) in ENDLESS.items()
        if rawhttp.send_until_refused(running.url(), first, piece, most) >= most
    }
    assert taken == WITHOUT_LIMIT.get(server, set())
    assert running.get().status_code < 400


@pytest.mark.thorough
@pytest.mark.about("final")
def test_headers_without_end_cost_uvicorn_a_worker() -> None:
    """And no more than that: another one takes its place, in the same container."""
    with FINAL.running(mem_limit="160m") as running:  # soon full
        most = 512 * MB
        assert rawhttp.send_until_refused(running.url(), *ENDLESS["headers"], most) < most
        assert wait_until(lambda: running.answers("/health"), limit=20)
        assert (running.is_up, running.restarts) == (True, 0)


TOO_LARGE = {
    "a line of 70,000 bytes": hostile.request(b"/" + b"a" * 70_000),
    "a header of 70,000 bytes": hostile.request(more=b"X-A: " + b"a" * 70_000 + b"\r\n"),
    "2,000 headers": hostile.request(more=b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(2000))),
}


@only(ASGI, *THREADS, UWSGI)
def test_what_is_too_large_is_refused(server: str, running: Running) -> None:
    """With 414 or 431, or, by uWSGI, without an answer and with a line in the log."""
    before = running.log.count("invalid HTTP request size")
    said = {name: rawhttp.talk(running.url(), sent) for name, sent in TOO_LARGE.items()}
    assert all(answer.closed for answer in said.values())
    statuses = [answer.statuses for answer in said.values()]
    if server == "uwsgi":
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
def test_200_slow_clients_keep_nobody_waiting(running: Running) -> None:
    with rawhttp.slow_clients(running.url(), 200):
        keeps_nobody_waiting(running.url() + running.page)


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
    with beside(running, image, publish=[(f"127.0.0.1::{port}",)], **options) as proxy:
        [(_, address, here)] = published(proxy)
        url = f"http://{address}:{here}"
        assert wait_until(lambda: httpx.get(url).status_code < 502, limit=20)
        yield url


@pytest.mark.thorough
@only(*THREADS, UWSGI)
def test_slow_clients_take_every_thread_but_not_behind_a_proxy(running: Running) -> None:
    """A thread reads a request from its first byte to its last: the articles say so."""
    with rawhttp.slow_clients(running.url(), 200):
        assert min(answered(running.url() + running.page, 2, limit=5)) == math.inf
    assert wait_until(running.answers, limit=60), "they have gone, and nothing answers"
    nginx = f"{running.project.client_config.compose_project_name}-nginx"
    build_recipe(PROXY.format(base=FINAL.base), nginx)
    with behind(running, nginx, 8080) as url, rawhttp.slow_clients(url, 200):
        keeps_nobody_waiting(url + running.page)


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
                assert wait_until(running.answers, limit=60), "they have gone, and nothing answers"
