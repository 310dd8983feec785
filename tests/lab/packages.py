"""A server of packages, the wheels of some lists and Debian's mirror behind it, which misbehaves when told to."""

import json
import secrets
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from library.engine import SESSION, build_recipe, docker, wait_until
from library.program import in_container

PORT = 8000

# Its own network settings are those that every build has. What the list names is downloaded while the image is built.
RECIPE = """
FROM python:3.14-slim-trixie
RUN mkdir /wheels
"""
DOWNLOAD = """
RUN pip download --quiet --no-deps --dest /wheels --requirement /dev/stdin <<'LIST'
{list}
LIST
"""
# A package that no other index has: a module that knows its version.
MAKE = """
RUN python - {name} {version} <<'SCRIPT'
import sys, zipfile
name, version = sys.argv[1:]
with zipfile.ZipFile(f"/wheels/{{name}}-{{version}}-py3-none-any.whl", "w") as wheel:
    wheel.writestr(f"{{name}}.py", f"__version__ = '{{version}}'\\n")
    for file, text in {{
        "METADATA": f"Metadata-Version: 2.1\\nName: {{name}}\\nVersion: {{version}}\\n",
        "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "RECORD": "",
    }}.items():
        wheel.writestr(f"{{name}}-{{version}}.dist-info/{{file}}", text)
SCRIPT
"""


@in_container()
def serve() -> None:
    """Serve /TOKEN/simple/, the index, and /TOKEN/debian/, the mirror that this image's apt uses.

    /told says how, in JSON. faults: what goes wrong, by what follows the token: {"simple": ["refuse", 2]} answers 503
    to the first two requests for each path below, "cut" sends half of what was asked for and closes the connection.
    caching: the header Cache-Control for simple/ and wheels/; a page that has one has an ETag, too, and who knows that
    version already gets no other one.
    """
    import collections
    import hashlib
    import http.server
    import json
    import re
    import threading
    import urllib.error
    import urllib.parse
    import urllib.request
    from pathlib import Path

    [mirror] = re.findall(
        r"^URIs: (\S+?)/?$", Path("/etc/apt/sources.list.d/debian.sources").read_text(), re.MULTILINE
    )[:1]
    requests: collections.Counter[tuple[str, str]] = collections.Counter()
    lock = threading.Lock()
    wheels = sorted(path.name for path in Path("/wheels").iterdir())

    def link(name: str) -> str:
        sha256 = hashlib.sha256(Path("/wheels", name).read_bytes()).hexdigest()
        return f'<a href="../../wheels/{name}#sha256={sha256}">{name}</a>'

    def content(path: str) -> bytes | None:
        kind, _, rest = path.partition("/")
        if kind == "simple":
            names = [name for name in wheels if re.sub("[-_.]+", "-", name.split("-")[0]).lower() == rest.strip("/")]
            return "".join(map(link, names)).encode() or None
        if kind == "wheels" and rest in wheels:
            return Path("/wheels", rest).read_bytes()
        if kind == "debian":
            try:
                with urllib.request.urlopen(f"{mirror}/{rest}", timeout=60) as answer:  # noqa: S310  the image's own mirror
                    return bytes(answer.read())
            except urllib.error.HTTPError:
                return None
        return None

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urllib.parse.unquote(self.path).partition("/")[2].partition("/")[2]
            told = json.loads(Path("/told").read_text())
            kind, times = told["faults"].get(path.partition("/")[0], ("", 0))
            with lock:
                requests[kind, path] += self.command == "GET"
                now = self.command == "GET" and requests[kind, path] <= times
            if now and kind == "refuse":
                print("503", path, flush=True)
                self.send_error(503)
                return
            body = content(path)
            if body is None:
                self.send_error(404)
                return
            cache_control = told["caching"].get(path.partition("/")[0], "")
            tag = f'"{hashlib.sha256(body).hexdigest()}"'
            if cache_control and self.headers.get("If-None-Match") == tag:
                self.send_response(304)
                self.send_header("ETag", tag)
                self.end_headers()
                return
            self.send_response(200)
            if cache_control:
                self.send_header("Cache-Control", cache_control)
                self.send_header("ETag", tag)
            self.send_header("Content-Type", "text/html" if path.startswith("simple/") else "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            if path.startswith("wheels/"):
                print("sent", path, flush=True)
            if now and kind == "cut":
                print("cut", path, flush=True)
                self.close_connection = True
                body = body[: len(body) // 2]
            self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    Path("/told").write_text('{"faults": {}, "caching": {}}')
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler)  # noqa: S104  builds reach it
    print("serving", flush=True)
    server.serve_forever()


@in_container()
def be_told(what: str) -> None:
    from pathlib import Path

    Path("/told").write_text(what)


@dataclass(frozen=True)
class Packages:
    """A server of packages, which builds on this engine reach at ``url``."""

    container: str
    host: str
    url: str

    def tell(
        self, faults: Mapping[str, tuple[str, int]] | None = None, caching: Mapping[str, str] | None = None
    ) -> None:
        """Say how it behaves from now on.

        Args:
            faults: by kind of path (simple, wheels, debian), "refuse" or "cut", and how often.
            caching: by kind of path (simple, wheels), what Cache-Control has; without, no answer has it.
        """
        told = json.dumps({"faults": faults or {}, "caching": caching or {}})
        docker.execute(self.container, be_told.command(told))

    @property
    def done(self) -> list[str]:
        """What went wrong so far: "503 simple/flask/", "cut wheels/flask-….whl"."""
        return [line for line in self._log if not line.startswith("sent ")]

    @property
    def sent(self) -> list[str]:
        """The wheels that were sent so far."""
        return [line for line in self._log if line.startswith("sent ")]

    @property
    def _log(self) -> list[str]:
        return str(docker.logs(self.container)).splitlines()[1:]

    @property
    def instruction(self) -> str:
        """What sends pip and uv there, in a Dockerfile."""
        index = f"{self.url}/simple/"
        return (
            f"ENV PIP_INDEX_URL={index} PIP_TRUSTED_HOST={self.host} UV_DEFAULT_INDEX={index}"
            f" no_proxy={self.host} NO_PROXY={self.host}\n"
        )


def image(*lists: str, own: Mapping[str, str] | None = None) -> str:
    """The image of such a server, with the wheels of lists of requirements.

    Args:
        lists: a version may be in one of them, another version of the same package in the next one.
        own: the names and versions of packages that only this index has.
    """
    wheels = [DOWNLOAD.format(list=listed) for listed in lists]
    wheels += [MAKE.format(name=name, version=version) for name, version in (own or {}).items()]
    recipe = RECIPE + "".join(wheels)
    name = f"{SESSION}-packages-{zlib.crc32(recipe.encode()):x}"
    build_recipe(recipe, name)
    return name


@contextmanager
def serving(made: str) -> Iterator[Packages]:
    """A server from such an image, until the end of the block, at an address that no cache has seen."""
    token = secrets.token_hex(4)
    name = f"{SESSION}-packages-{token}"
    container = docker.run(made, serve.command(), name=name, detach=True)
    try:
        wait_until(lambda: "serving" in str(docker.logs(container)), limit=30)
        container.reload()
        host = str((container.network_settings.networks or {})["bridge"].ip_address)
        yield Packages(name, host, f"http://{host}:{PORT}/{token}")
    finally:
        docker.remove(container, force=True)
