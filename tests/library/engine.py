"""The engine: the session that everything started belongs to, builds that take turns, and waiting.

Two ways lead there. `docker`, of python-on-whales, is for what comes back as an object: containers, images, compose
projects. The docker command is for what is read as text or while it is printed (events, history, a saved image), for an
exit code that matters, for fields that those objects lack, and for whatever a reader or a folder's script types.
"""

import fcntl
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from python_on_whales import DockerClient

from . import clock
from .environment import isolated

T = TypeVar("T")
Completed = subprocess.CompletedProcess[str]

# Everything that this process starts has a name that begins with this; reaper.py removes it.
SESSION = f"tutorial-{secrets.token_hex(4)}"
# Copies of folders, compose overrides and a home directory; reaper.py removes it, too.
SCRATCH = Path(tempfile.gettempdir()) / SESSION

docker = DockerClient()
at_end = ExitStack()  # what a session closes before it ends


class NotAsked(Exception):
    """A practice cannot be seen to hold or to fail here; the message is the reason, and what would change that."""


class BuildFailed(Exception):
    """A build stopped: its whole output, and a message with the end of it and how to repeat it by hand."""

    def __init__(self, output: str, name: str, by_hand: tuple[str, ...]) -> None:
        self.output = output
        self.brief = f"{name}: the build failed: {last_line(output)}"
        end = "\n".join(output.splitlines()[-30:])
        super().__init__(f"{name}: the build failed:\n{end}\n{shown(by_hand)}")


class NotReady(Exception):
    """A container did not answer in time, or ended: its log, and how to see it by hand."""

    def __init__(self, log: str, by_hand: tuple[str, ...]) -> None:
        self.log = log
        end = last_line(log)
        self.brief = f"no answer from the container; its log {f'ends: {end}' if end else 'is empty'}"
        super().__init__(f"no answer from the container; its log:\n{log[-3000:]}\n{shown(by_hand)}")


def shown(by_hand: tuple[str, ...]) -> str:
    """Commands by hand, as a message ends with them."""
    return "\n  ".join(("By hand:", *by_hand))


def last_line(text: str) -> str:
    """The last line that holds anything, at most 200 characters of it."""
    return next((line.strip()[:200] for line in reversed(text.splitlines()) if line.strip()), "")


def inspect(name: str, part: str = "") -> Any:
    """What the engine says of a container or an image, or a part of it ("HostConfig", say) by the engine's own names.

    python-on-whales does not know every field: a health check's StartInterval, for one.
    """
    command = ["docker", "inspect", "--format", f"{{{{json .{part}}}}}", name]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@contextmanager
def session() -> Iterator[None]:
    """Isolate this process from its user's settings, and remove whatever it starts, also when it is killed."""
    SCRATCH.mkdir()
    with isolated(SCRATCH / "home"):
        reaper = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("reaper.py"), SESSION, SCRATCH],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C must not reach it
        )
        farewell = ""  # what was interrupted may have left clients behind, which the reaper then ends, too
        try:
            yield
            farewell = "done"
        except Exception:
            farewell = "done"
            raise
        finally:
            at_end.close()
            reaper.communicate(farewell)


@contextmanager
def one_build_at_a_time() -> Iterator[None]:
    """Keep the builds of all test processes apart.

    Two builds that share an instruction at the same moment may take the whole engine down (a panic in BuildKit's
    scheduler, https://github.com/moby/buildkit/issues/2303: seen with Docker 26.1.5, and not with 28.5). And each says
    that it ran the instruction, whatever the cache holds: BuildKit solves it once for both.
    """
    with locked("build"):
        yield


@contextmanager
def locked(what: str) -> Iterator[None]:
    """Let one process of this user at a time do something."""
    # A user of his own cannot open root's lock.
    with (Path(tempfile.gettempdir()) / f"tutorial-{what}-{os.getuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


_taken: list[socket.socket] = []


def free_port() -> int:
    """A port of 127.0.0.1 for something that is started later; no process of the tests gets it a second time.

    The kernel and the engine give out ports from 32768 on (macOS: 49152) to whoever asks for any: it is one below. That
    it is taken says the UDP port of the same number, which nobody needs, until this process ends.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        taken = socket.socket(type=socket.SOCK_DGRAM)
        try:
            taken.bind(("127.0.0.1", port))
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            taken.close()
            continue
        _taken.append(taken)
        return port


def another_address() -> str | None:
    """An address of this machine that is not loopback, where other machines reach what listens on all; None without.

    It is the one that the kernel would send from: nothing is sent.
    """
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("198.51.100.1", 9))  # an address for documentation (RFC 5737)
        except OSError:
            return None
        address = str(asking.getsockname()[0])
        return None if address.startswith("127.") else address


def listens(address: str, port: int) -> bool:
    """Whether somebody takes a connection there."""
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return False
    return True


def run_to_its_end(image: str, *command: str, check: bool = True, **options: Any) -> Completed:
    """Run a new container, with options of `docker run`, and remove it; what its log says, and its exit code.

    A client that listens to a container which ends at once may get nothing (seen with Docker 26.1.5 on a busy machine).

    Raises:
        CalledProcessError: it does not start, or its exit code is not 0, and ``check`` is true; ``stderr`` says why.
    """
    name = f"{SESSION}-ends-{secrets.token_hex(4)}"
    container = docker.create(image, command, name=name, **options)
    try:
        ended = subprocess.run(["docker", "start", name], capture_output=True, text=True, check=False)
        if ended.returncode == 0:
            code = int(str(docker.wait(container)))
            log = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=True)
            ended = subprocess.CompletedProcess([image, *command], code, log.stdout, log.stderr)
    finally:
        docker.remove(container, force=True, volumes=True)
    if check:
        ended.check_returncode()
    return ended


def remove_names(registry: str) -> None:
    """Remove the names that images have in a registry: whoever has the same image under another name keeps it."""
    for kind in ("repo_tags", "repo_digests"):  # a digest may go with the last tag
        # Docker 29 lists what has a digest and no tag (it was pulled by its digest) only where `all` are asked for.
        images = docker.image.list(f"{registry}/*", all=True)
        named = (name for image in images for name in getattr(image, kind))
        if names := {name for name in named if name.startswith(f"{registry}/")}:
            docker.image.remove(list(names), force=True)


def compose_model(files: Sequence[Path], *options: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What compose makes of its files, with these options and this environment, by default this process's."""
    command = ["docker", "compose", *(f"--file={file}" for file in files), *options, "config", "--format=json"]
    config = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    return dict(json.loads(config))


def build_recipe(recipe: str, name: str) -> None:
    """Build an image from a Dockerfile that needs no context, and give it a name."""
    command = ["docker", "build", "--progress=plain", f"--tag={name}", "-"]
    with one_build_at_a_time():
        subprocess.run(command, input=recipe, text=True, check=True, capture_output=True)


def wait_until(condition: Callable[[], T], limit: float, pause: float = 0.05) -> T:
    """Poll until the condition is true or ``limit`` seconds have passed (see `clock`); return its last value.

    Looking costs: each answer of the docker command is a process of its own. Between two looks there is at least four
    times the time that the last one took, at most a second, so that whoever waits leaves the processors to the others.
    """
    deadline = clock.seconds() + limit
    while True:
        start = time.monotonic()
        if (value := condition()) or clock.seconds() >= deadline:
            return value
        time.sleep(max(pause, min(4 * (time.monotonic() - start), 1)))
