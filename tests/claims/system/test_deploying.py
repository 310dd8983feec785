"""What extra 6 says of TLS: a certificate from an authority, who is believed, WebSockets."""

import http.client
import json
import os
import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest

from library import swarm
from library.engine import SCRATCH, SESSION, build_recipe, one_build_at_a_time, wait_until
from library.practices.rolling import roll, versions, visitors
from library.repository import copy_files
from library.subject import Subject
from library.tutorial import ROOT
from tools.blocks import commands

# One process asks them all: each one's site would need addresses of its own.
pytestmark = [pytest.mark.about("extra-6-deploying"), pytest.mark.xdist_group("site")]
FOLDER = Subject("extra-6-deploying", ROOT / "extra-6-deploying")
NAME = "shop.test"

# Debian's ACME test authority, in the place of Let's Encrypt: it asks for the same proof, on the same ports.
PEBBLE = {
    "listenAddress": "0.0.0.0:14000",
    "managementListenAddress": "0.0.0.0:15000",
    "certificate": "/pebble/certificate.pem",
    "privateKey": "/pebble/key.pem",
    "httpPort": 80,
    "tlsPort": 443,
}
AUTHORITY = f"""
FROM {FOLDER.parsed.base_image}
RUN apt-get update && apt-get install --yes --no-install-recommends openssl pebble
WORKDIR /pebble
RUN openssl req -x509 -newkey rsa:2048 -noenc -days 2 -subj /CN=pebble -addext subjectAltName=DNS:pebble \\
    -keyout key.pem -out certificate.pem
RUN echo '{json.dumps({"pebble": PEBBLE})}' > config.json
CMD ["pebble", "-config", "config.json"]
"""
# Run beside it: the certificate that it signs with.
ROOT_OF_PEBBLE = (
    "import ssl, urllib.request as r;"
    "c = ssl.create_default_context(cafile='/pebble/certificate.pem'); c.check_hostname = False;"
    "print(r.urlopen('https://localhost:15000/roots/0', context=c).read().decode())"
)
OF_PEBBLE = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
# What the stack file gets beside it.
BESIDE = {
    "services": {
        "proxy": {
            "environment": {"SSL_CERT_FILE": "/pebble.pem"},
            "configs": [{"source": "pebble", "target": "/pebble.pem"}],
            "networks": {"default": {"aliases": [NAME]}},
        },
        "pebble": {"image": "${AUTHORITY}", "environment": OF_PEBBLE, "deploy": {"endpoint_mode": "dnsrr"}},
    },
    "configs": {"pebble": {"file": "pebble.pem"}},
}
LISTENS = "import socket; [socket.create_connection(('localhost', port), 5) for port in (14000, 15000)]"
# In the place of the app: is well for so many seconds, and then has nothing but errors.
TURNS_BAD = """
import http.server, time
end = time.monotonic() + 8
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if time.monotonic() < end else 500)
        self.end_headers()
http.server.ThreadingHTTPServer(("", 8000), Answer).serve_forever()
"""
# In the place of the app: what Flask and Django do with an upload, wait for it in a thread.
UPLOAD = """
def app(environ, start_response):
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
# In the place of the app: agrees to the upgrade, and says what it hears. (uvicorn needs one more package for that.)
ECHO = """
import socketserver
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        head = []
        while (line := self.rfile.readline()).strip():
            head.append(line.lower().strip())
        agreed = b"101 Switching Protocols" if b"upgrade: websocket" in head else b"400 Bad Request"
        self.wfile.write(b"HTTP/1.1 " + agreed + b"\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n")
        while message := self.rfile.read1():
            self.wfile.write(message)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
Server(("", 8000), Echo).serve_forever()
"""


@dataclass
class Site:
    """The folder's two compose files, with an authority of the tests' own beside them."""

    folder: Path
    environment: dict[str, str]
    files: list[str]
    ports: dict[tuple[str, int], int] = field(default_factory=dict)

    def compose(self, *arguments: str) -> str:
        files = [f"--file={file}" for file in self.files]
        command = ["docker", "compose", *files, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def port(self, service: str, port: int) -> int:
        if (service, port) not in self.ports:
            self.ports[service, port] = int(self.compose("port", service, str(port)).rpartition(":")[2])
        return self.ports[service, port]

    def trusting(self) -> ssl.SSLContext:
        """What trusts the authority, as a browser trusts Let's Encrypt."""
        root = self.compose("exec", "-T", "pebble", "python3", "-c", ROOT_OF_PEBBLE)
        return ssl.create_default_context(cadata=root)

    def get(self, path: str, headers: dict[str, str] | None = None, *, trusts_pebble: bool = True) -> httpx.Response:
        """Ask the proxy over TLS, by its name."""
        url = f"https://127.0.0.1:{self.port('proxy', 443)}{path}"
        with httpx.Client(verify=self.trusting() if trusts_pebble else True) as client:
            return client.get(url, headers={"Host": NAME, **(headers or {})}, extensions={"sni_hostname": NAME})


def over_tls(port: int, context: ssl.SSLContext, timeout: float = 30) -> ssl.SSLSocket:
    """A connection to a port of this machine, which has a certificate for the name that the context trusts."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    return context.wrap_socket(plain, server_hostname=NAME)


def speaks_tls(port: int, context: ssl.SSLContext) -> bool:
    try:
        with over_tls(port, context, timeout=5):
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    folder = SCRATCH / "tls" / FOLDER.name
    copy_files(FOLDER.path, folder)
    check = {"test": ["CMD", "python3", "-c", LISTENS], "start_period": "60s", "start_interval": "500ms"}
    authority = {
        "services": {
            "proxy": {
                "environment": {"SSL_CERT_FILE": "/pebble/certificate.pem"},
                "volumes": ["pebble:/pebble:ro"],
                "networks": {"edge": {"aliases": [NAME]}},
                # Who asks for a certificate in vain asks again a minute later.
                "depends_on": {"pebble": {"condition": "service_healthy"}},
            },
            "pebble": {
                "build": {"dockerfile_inline": AUTHORITY},
                "environment": OF_PEBBLE,
                "volumes": ["pebble:/pebble"],
                "networks": ["edge"],
                "healthcheck": check,
            },
        },
        "volumes": {"pebble": {}},
    }
    (folder / "authority.json").write_text(json.dumps(authority))
    settings = {"COMPOSE_PROJECT_NAME": f"{SESSION}-tls", "SITE": NAME, "ACME_CA": "https://pebble:14000/dir"}
    places = {"HTTP_PORT": "0", "HTTPS_PORT": "0", "EDGE": f"172.16.{secrets.randbelow(254)}"}
    started = Site(folder, os.environ | settings | places, ["compose.yaml", "compose.tls.yaml", "authority.json"])
    try:
        with one_build_at_a_time():
            started.compose("build")
        started.compose("up", "--detach", "--wait")
        port, context = started.port("proxy", 443), started.trusting()
        assert wait_until(lambda: speaks_tls(port, context), limit=60), started.compose("logs")
        yield started
    finally:
        started.compose("down", "--volumes", "--timeout=0", "--rmi=local")


def test_a_certificate_is_issued_for_the_name(site: Site) -> None:
    assert site.get("/").json()["step"] == FOLDER.name
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        site.get("/", trusts_pebble=False)
    assert "certificate obtained successfully" in site.compose("logs", "proxy")


def test_http_is_sent_to_https(site: Site) -> None:
    answer = httpx.get(f"http://127.0.0.1:{site.port('proxy', 80)}/items/1?a=b", headers={"Host": NAME})
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://{NAME}/items/1?a=b")


@pytest.mark.parametrize("says", [{}, {"X-Forwarded-Proto": "http", "X-Forwarded-For": "192.0.2.1"}])
def test_the_app_believes_the_proxy_that_it_is_https(site: Site, says: dict[str, str]) -> None:
    """FastAPI sends /health/ to /health, with the scheme that it believes; what a visitor claims changes nothing."""
    assert site.get("/health/", says).headers["Location"] == f"https://{NAME}/health"


def test_the_app_believes_no_stranger(site: Site) -> None:
    """Not from a container beside it; nobody else reaches `web`, as proxy-alone shows."""
    says = {"Host": NAME, "X-Forwarded-Proto": "https"}
    ask = (
        "import http.client; c = http.client.HTTPConnection('web', 8000);"
        f"c.request('GET', '/health/', headers={says}); print(c.getresponse().headers['Location'])"
    )
    assert site.compose("exec", "-T", "pebble", "python3", "-c", ask).strip() == f"http://{NAME}/health"


def test_the_proxy_logs_who_asked_for_what_and_what_came_of_it_and_no_password(site: Site) -> None:
    assert site.get("/nowhere?page=2", {"Authorization": "Basic c2VjcmV0"}).status_code == 404

    def logged() -> list[str]:
        lines = site.compose("logs", "--no-log-prefix", "proxy").splitlines()
        return [line for line in lines if "/nowhere?page=2" in line]

    [line] = wait_until(logged, limit=10)
    entry = json.loads(line[line.index("{") :])
    assert entry["status"] == 404
    assert entry["duration"] > 0
    assert entry["request"]["client_ip"]
    assert "c2VjcmV0" not in line


# Run inside the app's container: the states of its connections with the proxy, as the kernel numbers them.
WITH_PROXY = """
import socket, struct
proxy = f"{struct.unpack('<I', socket.inet_aton(socket.gethostbyname('proxy')))[0]:08X}"
lines = [line.split() for line in open("/proc/net/tcp").readlines()[1:]]
print(*(f[3] for f in lines if f[1].endswith(":1F40") and f[2].startswith(proxy)))
"""
ESTABLISHED, TIME_WAIT = "01", "06"


def test_the_proxy_ends_an_idle_connection_before_gunicorn_does(site: Site) -> None:
    """Whoever ends a connection first remembers it for a minute: that must not be the app."""

    def states() -> list[str]:
        return site.compose("exec", "-T", "web", "python3", "-c", WITH_PROXY).split()

    assert site.get("/").status_code == 200
    assert ESTABLISHED in states(), "the proxy keeps no connection"
    assert wait_until(lambda: ESTABLISHED not in states(), limit=30)
    assert TIME_WAIT not in states(), "gunicorn ended it: a request that comes at that moment is lost"


def test_websockets_pass(site: Site) -> None:
    other = {"services": {"web": {"command": ["python3", "-c", ECHO], "healthcheck": {"disable": True}}}}
    (site.folder / "echo.json").write_text(json.dumps(other))
    echoing = Site(site.folder, site.environment, [*site.files, "echo.json"], site.ports)
    echoing.compose("up", "--detach", "--no-build", "web")
    hello = (
        f"GET /chat HTTP/1.1\r\nHost: {NAME}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {16 * 'A'}AAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with over_tls(site.port("proxy", 443), site.trusting()) as tls, tls.makefile("rb") as answers:
        tls.sendall(hello.encode())
        assert b" 101 " in answers.readline(), "no upgrade"
        assert http.client.parse_headers(answers)["Upgrade"] == "websocket"
        for message in (b"is anybody there", b"and now"):  # the proxy reads no frames: what comes is passed on
            tls.sendall(message)
            assert answers.read(len(message)) == message


@pytest.mark.thorough
def test_slow_uploads_hold_the_threads_of_gthread_unless_the_proxy_collects_them(site: Site) -> None:
    (site.folder / "upload.py").write_text(UPLOAD)
    command = ["gunicorn", "--worker-class=gthread", "--workers=1", "--threads=4", "upload:app"]
    web = {"command": command, "healthcheck": {"disable": True}, "volumes": ["./upload.py:/app/upload.py:ro"]}
    (site.folder / "upload.json").write_text(json.dumps({"services": {"web": web}}))
    caddyfile = site.folder / "Caddyfile"
    shipped = caddyfile.read_text()
    answered = []
    for buffers in ("", "request_buffers 1MiB"):
        caddyfile.write_text(shipped.replace("reverse_proxy {", f"reverse_proxy {{\n{buffers}"))
        uploading = Site(site.folder, site.environment, [*site.files, "upload.json"])
        uploading.compose("up", "--detach", "--no-build", "--no-deps", "--force-recreate", "web", "proxy")
        context = uploading.trusting()

        def answers(to: Site = uploading) -> bool:
            try:
                return to.get("/").is_success
            except httpx.HTTPError:
                return False

        assert wait_until(answers, limit=60), uploading.compose("logs", "proxy", "web")
        with ExitStack() as stack:
            for _ in range(4):
                tls = stack.enter_context(over_tls(uploading.port("proxy", 443), context))
                tls.sendall(f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 1000\r\n\r\nbegin".encode())
            time.sleep(2)
            answered.append(answers())
    assert answered == [False, True]


def test_a_version_that_turns_bad_after_some_seconds_is_rolled_back() -> None:
    """It was healthy first, so Docker's own five seconds would be over."""
    first, bad = f"{FOLDER.built_image()}:latest", f"{SESSION}-stack:turns-bad"
    build_recipe(f"FROM {first}\nCMD {json.dumps(['python', '-c', TURNS_BAD])}\n", bad)
    with swarm.stack(FOLDER, (FOLDER.built_image(), bad)) as stack:
        stack.deploy(first)
        assert wait_until(lambda: stack.update == ("", [first] * 2), limit=60, pause=1), stack.update
        stack.deploy(bad)
        assert wait_until(lambda: stack.update[0] in ("completed", "rollback_completed"), limit=150, pause=1)
        assert wait_until(lambda: stack.update == ("rollback_completed", [first] * 2), limit=30, pause=1), stack.update


def test_a_new_version_and_a_broken_one_behind_tls_lose_no_request(tmp_path: Path) -> None:
    """The stack as on a server: a name, a certificate from an authority, an encrypted network, and visitors."""
    authority = f"{SESSION}-stack:authority"
    build_recipe(AUTHORITY, authority)
    first, second, broken = versions(FOLDER)
    with swarm.stack(FOLDER, (first, authority, second, broken)) as stack:
        (tmp_path / "authority.yaml").write_text(json.dumps(BESIDE))
        stack.machine.copy(tmp_path / "authority.yaml", swarm.FOLDER)
        certificate = ["docker", "run", "--rm", authority, "cat", "certificate.pem"]
        stack.machine.run("sh", "-c", f"{' '.join(certificate)} > {swarm.FOLDER}/pebble.pem")

        def deploy(image: str, replicas: int) -> "subprocess.CompletedProcess[str]":
            settings = {"SITE": NAME, "ACME_CA": "https://pebble:14000/dir", "AUTHORITY": authority}
            return stack.deploy(image, replicas, ("authority.yaml",), **settings)

        assert deploy(first, 2).returncode == 0
        assert wait_until(lambda: stack.update == ("", [first] * 2), limit=60, pause=1), stack.update
        context = ssl.create_default_context()

        def connect() -> http.client.HTTPConnection:
            connection = http.client.HTTPConnection(NAME, timeout=30)
            connection.sock = over_tls(stack.tls_port, context)
            return connection

        def issued() -> bool:
            look = f'docker exec $(docker ps --quiet --filter name=_pebble) python3 -c "{ROOT_OF_PEBBLE}"'
            root = stack.machine.run("sh", "-c", look)
            if root.returncode:
                return False
            context.load_verify_locations(cadata=root.stdout)
            return speaks_tls(stack.tls_port, context)

        assert wait_until(issued, limit=150, pause=1), stack.docker("service", "logs", f"{stack.name}_proxy").stdout
        with visitors(f"https://{NAME}/", connect=connect) as visits:
            assert not roll(stack, visits, second, broken, deploy)
        assert not visits.failed
        networks = stack.docker("network", "inspect", "--format={{.Options}}", f"{stack.name}_default")
        assert "encrypted:true" in networks.stdout


@pytest.mark.parametrize("forgotten", [None, "IMAGE", *swarm.SETTINGS])
def test_a_stack_is_deployed_with_all_its_settings_or_not_at_all(forgotten: str | None) -> None:
    settings = swarm.SETTINGS | {"IMAGE": "hello:1"}
    given = {name: value for name, value in (os.environ | settings).items() if name != forgotten}
    command = ["docker", "stack", "config", "--compose-file=stack.yaml"]
    done = subprocess.run(command, cwd=FOLDER.path, env=given, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == bool(forgotten), done.stderr
    assert not forgotten or forgotten in done.stderr


CONNECT = "socket.create_connection(('web', 8000), 30)"


def test_a_migration_reaches_the_stack_and_can_write_to_tmp_and_a_failed_one_is_seen(tmp_path: Path) -> None:
    """By the command of the article, which waits for its end."""
    migrations = {
        "hello-migrate": (
            f"import socket, tempfile, time; tempfile.TemporaryFile(dir='/tmp'); {CONNECT}; time.sleep(3)",
            "Complete",
        ),
        "hello-broken": ("import time; time.sleep(3); exit(1)", "Failed"),
    }
    shown = (step.command for step in commands((FOLDER.path / "README.md").read_text()))
    [wait] = [command for command in shown if command.startswith("until docker service ps")]
    with swarm.stack(FOLDER, (FOLDER.built_image(),)) as machine:
        stack = replace(machine, name="hello")  # as the file calls its network
        image, key = f"{FOLDER.built_image()}:latest", f"{machine.name}-key"
        stack.deploy(image, KEY=key)
        assert wait_until(lambda: len(stack.update[1]) == 2, limit=60, pause=1)
        for name, (code, state) in migrations.items():
            (tmp_path / "code.yaml").write_text(
                json.dumps({"services": {"migrate": {"command": ["python", "-c", code]}}})
            )
            stack.machine.copy(tmp_path / "code.yaml", swarm.FOLDER)
            files = ("--compose-file=stack.migrate.yaml", "--compose-file=code.yaml")
            deploy = ("stack", "deploy", "--detach=true", "--resolve-image=never", *files, name)
            deployed = stack.docker(*deploy, IMAGE=image, KEY=key)
            assert deployed.returncode == 0, deployed.stdout
            outcome = stack.machine.run("bash", "-c", wait.replace("hello-migrate", name)).stdout.strip()
            log = stack.docker("service", "logs", f"{name}_migrate").stdout
            assert outcome == state, log
            running = stack.docker("ps", "--quiet", f"--filter=name={name}_migrate").stdout
            assert not running, "it goes on"
