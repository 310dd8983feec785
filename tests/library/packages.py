"""A server of packages that misbehaves when told to: the wheels of some lists, and Debian's mirror behind it."""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .engine import SESSION, build_recipe, docker, wait_until
from .subject import PYTHON

ALWAYS = 10**6
PORT = 8000

# Its own network settings are those that every build has. What a list names is downloaded while the image is built.
RECIPE = """
FROM python:3.14-slim-trixie
{downloads}
"""
DOWNLOAD = """
RUN pip download --quiet --no-deps --dest /wheels {options} --requirement /dev/stdin <<'LIST'
{list}
LIST
"""

# /TOKEN/simple/ is the index, /TOKEN/debian/ the mirror that this image's apt uses. /faults says what goes wrong, by
# what follows the token: {"simple": ["refuse", 2]} answers 503 to the first two requests for each path below, "cut"
# sends half of what was asked for and closes the connection.
SERVER = r"""
import collections, http.server, json, pathlib, re, threading, urllib.error, urllib.parse, urllib.request
sources = pathlib.Path("/etc/apt/sources.list.d/debian.sources").read_text()
mirror = re.search(r"^URIs: (\S+?)/?$", sources, re.MULTILINE)[1]
seen, lock = collections.Counter(), threading.Lock()
wheels = sorted(path.name for path in pathlib.Path("/wheels").iterdir())

def found(path):
    kind, _, rest = path.partition("/")
    if kind == "simple":
        names = [name for name in wheels if re.sub("[-_.]+", "-", name.split("-")[0]).lower() == rest.strip("/")]
        return "".join(f'<a href="../../wheels/{name}">{name}</a>' for name in names).encode() if names else None
    if kind == "wheels":
        return pathlib.Path("/wheels", rest).read_bytes() if rest in wheels else None
    if kind == "debian":
        try:
            with urllib.request.urlopen(f"{mirror}/{rest}", timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError:
            return None

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        path = urllib.parse.unquote(self.path).partition("/")[2].partition("/")[2]
        faults = json.loads(pathlib.Path("/faults").read_text())
        kind, times = next((fault for start, fault in faults.items() if path.startswith(start)), ("", 0))
        with lock:
            seen[kind, path] += self.command == "GET"
            now = self.command == "GET" and seen[kind, path] <= times
        if now and kind == "refuse":
            print("503", path, flush=True)
            return self.send_error(503)
        body = found(path)
        if body is None:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if path.startswith("simple/") else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if now and kind == "cut":
            print("cut", path, flush=True)
            self.close_connection = True
            body = body[: len(body) // 2]
        self.wfile.write(body)
    do_HEAD = do_GET
    def log_message(self, *arguments):
        pass

pathlib.Path("/faults").write_text("{}")
print("serving", flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""


@dataclass(frozen=True)
class Packages:
    """A server of packages, which builds on this engine reach at ``url``."""

    container: str
    host: str
    url: str

    def set_faults(self, **faults: tuple[str, int]) -> None:
        """Say what goes wrong from now on, by kind of path (simple, wheels, debian): "refuse" or "cut", how often."""
        text = json.dumps(faults)
        docker.execute(self.container, [*PYTHON, "import sys; open('/faults', 'w').write(sys.argv[1])", text])

    @property
    def done(self) -> list[str]:
        """What went wrong so far: "503 simple/flask/", "cut wheels/flask-….whl"."""
        return str(docker.logs(self.container)).splitlines()[1:]

    def environment(self) -> dict[str, str]:
        """What sends pip and uv there."""
        index = f"{self.url}/simple/"
        return {
            "PIP_INDEX_URL": index,
            "PIP_TRUSTED_HOST": self.host,
            "UV_DEFAULT_INDEX": index,
            "no_proxy": self.host,
            "NO_PROXY": self.host,
        }


def image(lists: Sequence[tuple[Path | str, str]]) -> str:
    """The image of such a server: lists of requirements, each with the options that pip downloads it with."""
    texts = [(made.read_text() if isinstance(made, Path) else made, options) for made, options in lists]
    downloads = "".join(DOWNLOAD.format(list=text, options=options) for text, options in texts)
    name = f"{SESSION}-packages"
    build_recipe(RECIPE.format(downloads=downloads), name)
    return name


@contextmanager
def serving(made: str) -> Iterator[Packages]:
    """A server from such an image, until the end of the block, at an address that no cache has seen."""
    token = secrets.token_hex(4)
    name = f"{SESSION}-packages-{token}"
    container = docker.run(made, [*PYTHON, SERVER], name=name, detach=True)
    try:
        wait_until(lambda: "serving" in str(docker.logs(container)), limit=30)
        container.reload()
        host = str((container.network_settings.networks or {})["bridge"].ip_address)
        yield Packages(name, host, f"http://{host}:{PORT}/{token}")
    finally:
        docker.remove(container, force=True)
