"""With `compose.debug.yaml`, an editor can stop a request, by a port on 127.0.0.1 only; production has no debugger."""

import ast
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from ... import dap
from ...program import look
from ...subject import Running
from .. import Sabotage, Subject, Violation, practice
from ..developing import on_free_ports

DEBUG_FILE = "compose.debug.yaml"


@look()
def debuggers_there() -> list[str]:
    import importlib.util

    return [name for name in ("debugpy", "pydevd", "pydevd_pycharm") if importlib.util.find_spec(name)]


@practice("cost", slow=True, needs="debug-file")
def check(subject: Subject) -> None:
    if debuggers := subject.shared_container().look(debuggers_there):
        seen = f"{' '.join(debuggers)} is in production"
        raise Violation(seen, "docker compose run --rm {service} python -m debugpy --version")
    with subject.copied("with a debugger", compose=(DEBUG_FILE,)) as folder:
        waiting = {name: service for name, service in folder.services().items() if len(service.get("ports") or ()) > 1}
        if not waiting:
            raise Violation(f"{DEBUG_FILE} publishes no port of a debugger", f"docker compose -f {DEBUG_FILE} config")
        name, service = next(iter(waiting.items()))
        copy = on_free_ports(folder, name, service)
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
            seen = f"the debugger's port {port} is open to whoever reaches {address or 'any address'} of this machine"
            raise Violation(seen, f"docker compose --file {DEBUG_FILE} port {running.service} {port}")


def _require_stop(copy: Subject, running: Running, port: int) -> None:
    """Raise a violation where an editor cannot stop a request in the app's own code, read variables and go on."""
    by_hand = f"docker compose --file {DEBUG_FILE} up --build {running.service}; attach an editor to port {port}"
    lines = {module: numbers for module in copy.modules() if (numbers := _first_lines(module))}
    address = urlsplit(running.url(port))
    try:
        with ThreadPoolExecutor() as pool, dap.connected((address.hostname or "", address.port or 0)) as editor:
            editor.attach(copy.source, str(running.directory), lines)
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


TURNS_RED = [
    Sabotage(
        "a debugger for everybody",
        "extra-4-developing/compose.debug.yaml",
        r"127\.0\.0\.1:\$",
        "$",
        symptom="In the café, somebody at the next table stopped my app, and read what was in it.",
    )
]
