"""What can be seen while somebody writes the app."""

import ast
import json
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from python_on_whales.exceptions import DockerException

from .. import dap, locks
from ..engine import SCRATCH, one_build_at_a_time, wait_until
from ..subject import NOT_CODE, Running, Subject
from . import NotAsked, Violation, practice

RELOAD_LIMIT = 3.0  # seconds from a save to the answer of the saved code
DEBUG_FILE = "compose.debug.yaml"


@practice("cost", slow=True, slow_to_fail=True, needs="watch")
def watched(subject: Subject) -> None:
    """`docker compose watch` brings what you save into the running app."""
    watching = _services_that_watch(subject)
    for name, service in watching.items():
        with subject.copied(f"to watch, as {name}") as folder:
            copy = _on_free_ports(folder, name, service)
            with copy.started() as running, one_build_at_a_time(), _watching(running):
                running.wait_until_ready()
                builds = any(rule["action"] == "rebuild" for rule in service["develop"]["watch"])
                if _runs_what_is_saved(copy, running, limit=40 if builds else 10):
                    return
    raise Violation(f"saved, and not run by {', '.join(watching)}", "docker compose watch")


def _services_that_watch(subject: Subject) -> dict[str, Any]:
    """The services for which compose watches files, by name.

    Raises:
        Violation: there is none.
    """
    services = subject.services()
    if found := {name: s for name, s in services.items() if (s.get("develop") or {}).get("watch")}:
        return found
    raise Violation("no service of the compose file watches your files", "docker compose watch")


def _runs_what_is_saved(copy: Subject, running: Running, limit: float) -> bool:
    """Whether the service says a word that saved modules say within so many seconds, here or in another container."""
    word = secrets.token_hex()
    _save_in_modules(copy, word, _overwritten)

    def runs() -> bool:
        try:
            return word in str(running.project.compose.logs([running.service])) and running.now().answers()
        except DockerException:
            return False  # another container is taking its place

    return wait_until(runs, limit, pause=0.5)


# Run inside the container: which of these files are there.
THERE = "import os, sys; print(*filter(os.path.exists, sys.argv[1:]), sep='\\n')"


@practice("cost", slow=True)
def mounted_code_runs(subject: Subject) -> None:
    """If you mount a changed file over the image's, the changed one runs, whatever bytecode the image has."""
    word = secrets.token_hex()
    with subject.copied("to mount files of") as copy:
        _save_in_modules(copy, word, _overwritten)
        inside = f"{subject.shared.container.config.working_dir}/{copy.code.relative_to(copy.source)}"
        modules = {f"{inside}/{file.relative_to(copy.code)}": file for file in _modules(copy.code)}
        there = subject.shared.python(THERE, *modules).splitlines()
        if not there:
            raise NotAsked(f"the image has none of the app's modules in {inside}: it mounts them one by one")
        for target in there:
            modules[target].chmod(0o644)  # the app's user reads it, whatever the umask of the clone was
        # Each by itself: a directory would cover the bytecode, too.
        mounts = [f"{modules[target]}:{target}:ro" for target in there]
        with subject.running(volumes=mounts) as running:
            if word not in running.log:
                raise Violation(
                    "what is mounted has other code, and the image's own runs",
                    f"docker compose run --rm --volume ./{copy.code.name}/main.py:{inside}/main.py web",
                )


@practice("cost", slow=True, slow_to_fail=True, needs="watch")
def live_reload(subject: Subject) -> None:
    """Within 3 seconds of a save, production's image runs your code; only a changed list of packages makes it build."""
    seen = []
    for name, service in _services_that_watch(subject).items():
        try:
            _require_live_reload(subject, name, service)
        except Violation as violation:
            seen.append(violation)
        else:
            return
    raise seen[-1]


def _require_live_reload(subject: Subject, name: str, service: Mapping[str, Any]) -> None:
    """Raise a violation where a service that watches is not production's image, or is slow to run what is saved."""
    by_hand = f"docker compose up --watch {name}"
    with subject.copied(f"to write in, as {name}") as folder:
        copy = _on_free_ports(folder, name, service)
        if _made_of(copy.image) != _made_of(subject.image):
            raise Violation(
                f"`{name}` runs another image than `{subject.service}`",
                f"docker compose build {name} {subject.service}; docker compose --profile '*' images",
            )
        # Whatever is saved may make compose build.
        with copy.started() as running, one_build_at_a_time():
            running.wait_until_ready()
            with _watching(running):
                for save in (_replaced, _overwritten):
                    word = secrets.token_hex()
                    _save_in_modules(copy, word, save)
                    if not wait_until(partial(_runs, running, word), RELOAD_LIMIT):
                        raise Violation(
                            f"{RELOAD_LIMIT:.0f} s after a save, `{name}` does not run what was saved", by_hand
                        )
                _require_rebuild(copy, running, by_hand)


def _require_rebuild(copy: Subject, running: Running, by_hand: str) -> None:
    """Raise a violation where another lock does not become another container."""
    changing = [file for file in locks.files(copy.source) if file.name != "Pipfile.lock"]
    if not changing:
        raise NotAsked("it reloads; there is no lock file to see a build after a change of it")

    for file in changing:
        file.write_text(f"{file.read_text()}\n# another lock\n")
    if not wait_until(lambda: _replaced_by_another(running), limit=60, pause=0.5):
        names = ", ".join(file.name for file in changing)
        raise Violation(f"after a change of {names}, `{running.service}` is still the old container", by_hand)
    replace(running.now(), by_hand=by_hand).wait_until_ready()


def _replaced_by_another(running: Running) -> bool:
    return any(other.id != running.container.id for other in running.project.compose.ps([running.service]))


def _runs(running: Running, word: str) -> bool:
    """Whether this very container has said a word, and answers."""
    try:
        return word in running.log and running.answers()
    except DockerException:
        return False  # another container has taken its place


@contextmanager
def _watching(running: Running) -> Iterator[None]:
    """Let compose watch the files of a service that runs: it has begun, and sees what is saved from now on."""
    command = [*map(str, running.project.client_config.docker_compose_cmd), "watch", "--no-up", running.service]
    with tempfile.NamedTemporaryFile(dir=SCRATCH) as file:
        watch = subprocess.Popen(command, stdout=file, stderr=file)
        try:
            wait_until(lambda: b"Watch enabled" in Path(file.name).read_bytes() or watch.poll() is not None, limit=30)
            yield
        finally:
            watch.terminate()
            watch.wait()


def _made_of(image: str) -> str:
    """The instructions that an image was made by."""
    command = ["docker", "history", "--no-trunc", "--format={{.CreatedBy}}", image]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _modules(code: Path) -> Iterator[Path]:
    """The app's own modules."""
    for module in code.rglob("*.py"):
        if not any(NOT_CODE.search(part) for part in module.relative_to(code).parts[:-1]):
            yield module


def _save_in_modules(copy: Subject, word: str, save: Callable[[Path, str], None]) -> None:
    """Save each of the app's own modules with a line that says a word when it is imported."""
    for module in _modules(copy.code):
        save(module, f'{module.read_text()}\nprint("{word}", flush=True)\n')


def _replaced(file: Path, text: str) -> None:
    """Save as many editors do: write another file, and give it the name."""
    new = file.with_name(f"{file.name}~")
    new.write_text(text)
    shutil.copymode(file, new)
    new.replace(file)


def _overwritten(file: Path, text: str) -> None:
    """Save as the other editors do."""
    file.write_text(text)


def _on_free_ports(copy: Subject, name: str, service: Mapping[str, Any]) -> Subject:
    """A service of a copy as a subject: what it publishes is where the compose file says, but on free ports."""
    ports = [{key: value for key, value in port.items() if key != "published"} for port in service.get("ports") or ()]
    port = copy.port if any(port["target"] == copy.port for port in ports) else int(ports[0]["target"]) if ports else 0
    if not port:
        raise Violation(f"`{name}` publishes no port", f"docker compose port {name} {copy.port}")
    file = copy.path.parent / "free-ports.yaml"
    file.write_text(f"services:\n  {name}:\n    ports: !override {json.dumps(ports)}\n")
    target = (service.get("build") or {}).get("target")
    return replace(copy, service=name, port=port, target=target, compose=(*copy.compose, str(file)))


@practice("cost", slow=True, needs="debug-file")
def debuggable(subject: Subject) -> None:
    """With `compose.debug.yaml`, only an editor on this machine can stop a request; production has no debugger."""
    if found := subject.shared.python(
        "import importlib.util as u; print(*(m for m in ('debugpy', 'pydevd', 'pydevd_pycharm') if u.find_spec(m)))"
    ).strip():
        raise Violation(f"{found} is in production", "docker compose run --rm web python -m debugpy --version")
    with subject.copied("with a debugger", compose=(DEBUG_FILE,)) as folder:
        waiting = {name: service for name, service in folder.services().items() if len(service.get("ports") or ()) > 1}
        if not waiting:
            raise Violation(f"{DEBUG_FILE} publishes no port of a debugger", f"docker compose -f {DEBUG_FILE} config")
        name, service = next(iter(waiting.items()))
        copy = _on_free_ports(folder, name, service)
        with copy.started() as running:
            running.wait_until_ready()
            for port in (port["target"] for port in service["ports"] if port["target"] != copy.port):
                _require_local(running, port)
                _require_stop(copy, running, port)


def _require_local(running: Running, port: int) -> None:
    """Raise a violation where a debugger can be reached from other machines."""
    bindings = (running.container.host_config.port_bindings or {}).get(f"{port}/tcp") or []
    for address in (binding.host_ip for binding in bindings):
        if address not in ("127.0.0.1", "::1"):
            raise Violation(
                f"the debugger's port {port} is open to whoever reaches {address or 'any address'} of this machine",
                f"docker compose --file {DEBUG_FILE} port {running.service} {port}",
            )


def _require_stop(copy: Subject, running: Running, port: int) -> None:
    """Raise a violation where an editor cannot stop a request in the app's own code, read variables and go on."""
    by_hand = f"docker compose --file {DEBUG_FILE} up --build {running.service}; attach an editor to port {port}"
    lines = {module: found for module in _modules(copy.code) if (found := _first_lines(module))}
    address = urlsplit(running.url(port))
    try:
        with (
            ThreadPoolExecutor() as pool,
            dap.Editor((address.hostname or "", address.port or 0)) as editor,
        ):
            editor.attach(copy.source, str(running.container.config.working_dir), lines)
            answer = pool.submit(running.get, copy.slow_path(1), timeout=60)
            stop = editor.wait_for_stop()
            if stop.file not in lines:
                raise Violation(f"it stands in {stop.file}, which the editor does not know", by_hand)
            for module in lines:
                editor.ask("setBreakpoints", source={"path": str(module)}, breakpoints=[])
            editor.go_on(stop)
            if (status := answer.result().status_code) >= 400:
                raise Violation(f"after it went on, the request was answered with {status}", by_hand)
    except (dap.Refused, OSError) as error:
        raise Violation(f"port {port}: {error}", by_hand) from error


def _first_lines(module: Path) -> list[int]:
    """The first line of each function's body."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    functions = (node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, kinds))
    bodies = (node.body[1:] if ast.get_docstring(node) and node.body[1:] else node.body for node in functions)
    return sorted(body[0].lineno for body in bodies)
