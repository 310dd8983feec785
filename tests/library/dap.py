"""An editor's side of the Debug Adapter Protocol: https://microsoft.github.io/debug-adapter-protocol/specification."""

import http.client
import itertools
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedRWPair
from pathlib import Path
from typing import Any

LIMIT = 30.0  # seconds for one answer or event


class Refused(Exception):
    """A debugger did not do what it was asked to, or said nothing any more; the message is its own, if it sent one."""


@dataclass(frozen=True)
class Stop:
    """Where the debugged process stands: the file as the editor knows it, the line, and the variables of the frame."""

    thread: int
    file: Path
    line: int
    variables: dict[str, str]


class Editor:
    """What asks a debugger, and reads what it says."""

    def __init__(self, stream: BufferedRWPair) -> None:
        self._stream = stream
        self._numbers = itertools.count(1)
        self._messages: list[dict[str, Any]] = []  # that nobody has waited for yet

    def attach(self, local: Path, remote: str, breakpoints: dict[Path, list[int]]) -> None:
        """Attach, with breakpoints in lines of files below ``local``, the folder that is ``remote`` to the process."""
        self.ask("initialize", adapterID="debugpy", pathFormat="path", linesStartAt1=True, columnsStartAt1=True)
        mapped = [{"localRoot": str(local), "remoteRoot": remote}]
        attach = self._send("attach", pathMappings=mapped, justMyCode=True)  # answered when everything is configured
        self.wait_for("initialized")
        for file, lines in breakpoints.items():
            wanted = [{"line": line} for line in lines]
            for placed in self.ask("setBreakpoints", source={"path": str(file)}, breakpoints=wanted)["breakpoints"]:
                if not placed["verified"]:
                    raise Refused(f"{file}: no breakpoint in line {placed.get('line')}: {placed.get('message')}")
        self.ask("configurationDone")
        self._answer(attach)

    def wait_for_stop(self) -> Stop:
        """Wait until the process stands at a breakpoint."""
        thread = self.wait_for("stopped")["threadId"]
        frame = self.ask("stackTrace", threadId=thread, levels=1)["stackFrames"][0]
        scope = self.ask("scopes", frameId=frame["id"])["scopes"][0]
        variables = self.ask("variables", variablesReference=scope["variablesReference"])["variables"]
        values = {variable["name"]: variable["value"] for variable in variables}
        return Stop(thread, Path(frame["source"]["path"]), frame["line"], values)

    def go_on(self, stop: Stop) -> None:
        """Let the process go on from where it stands."""
        self.ask("continue", threadId=stop.thread)

    def wait_for(self, event: str) -> dict[str, Any]:
        """The body of the next event of this kind."""
        return dict(self._next(type="event", event=event).get("body") or {})

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a request, and return the body of its answer."""
        return self._answer(self._send(command, **arguments))

    def _send(self, command: str, **arguments: Any) -> int:
        number = next(self._numbers)
        message = {"seq": number, "type": "request", "command": command, "arguments": arguments}
        content = json.dumps(message).encode()
        self._stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._stream.flush()
        return number

    def _answer(self, number: int) -> dict[str, Any]:
        message = self._next(type="response", request_seq=number)
        if not message["success"]:
            raise Refused(str(message.get("message")))
        return dict(message.get("body") or {})

    def _next(self, **wanted: Any) -> dict[str, Any]:
        """The next message that says this, of those that have come or that are still to come."""
        while True:
            for message in self._messages:
                if wanted.items() <= message.items():
                    self._messages.remove(message)
                    return message
            self._messages.append(self._receive())

    def _receive(self) -> dict[str, Any]:
        try:
            headers = http.client.parse_headers(self._stream)
            if not (length := int(headers["Content-Length"] or 0)):
                raise Refused("the debugger has closed the connection, or sends something else")
            return dict(json.loads(self._stream.read(length)))
        except TimeoutError:
            raise Refused(f"the debugger has said nothing for {LIMIT:.0f} s") from None


@contextmanager
def connected(address: tuple[str, int]) -> Iterator[Editor]:
    """An editor that is connected to a debugger until the end of the block; the process runs on afterwards.

    Raises:
        OSError: nobody listens there.
        Refused: what listens is no debugger.
    """
    with socket.create_connection(address, timeout=LIMIT) as connection, connection.makefile("rwb") as stream:
        editor = Editor(stream)
        yield editor
        editor.ask("disconnect", terminateDebuggee=False)
