"""An editor's side of the Debug Adapter Protocol: https://microsoft.github.io/debug-adapter-protocol/specification."""

import itertools
import json
import socket
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

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
    """A connection to a debugger that listens, from connecting to disconnecting; the process runs on afterwards.

    Args:
        address: host and port.

    Raises:
        OSError: nobody listens there.
        Refused: what listens is no debugger.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=LIMIT)
        self._stream = self._socket.makefile("rwb")
        self._numbers = itertools.count(1)
        self._events: deque[dict[str, Any]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self.ask("disconnect", terminateDebuggee=False)
        finally:
            self._stream.close()
            self._socket.close()

    def attach(self, local: Path, remote: str, breakpoints: dict[Path, list[int]]) -> None:
        """Attach, with breakpoints.

        Args:
            local: the folder here.
            remote: the same folder, where the process is.
            breakpoints: line numbers, from 1, of files below ``local``.

        Raises:
            Refused: the debugger cannot set one of them.
        """
        self.ask("initialize", adapterID="debugpy", pathFormat="path", linesStartAt1=True, columnsStartAt1=True)
        mapped = [{"localRoot": str(local), "remoteRoot": remote}]
        attach = self._send("attach", pathMappings=mapped, justMyCode=True)  # answered when everything is configured
        self.wait_for("initialized")
        for file, lines in breakpoints.items():
            wanted = [{"line": line} for line in lines]
            for found in self.ask("setBreakpoints", source={"path": str(file)}, breakpoints=wanted)["breakpoints"]:
                if not found["verified"]:
                    raise Refused(f"{file}: no breakpoint in line {found.get('line')}: {found.get('message')}")
        self.ask("configurationDone")
        self._answer(attach)

    def wait_for_stop(self) -> Stop:
        """Wait until the process stands at a breakpoint.

        Raises:
            Refused: it does not get there.
        """
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
        while True:
            for found in [message for message in self._events if message["event"] == event]:
                self._events.remove(found)
                return dict(found.get("body") or {})
            self._events.append(self._read("event"))

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
        while (message := self._read("response"))["request_seq"] != number:
            pass
        if not message["success"]:
            raise Refused(str(message.get("message")))
        return dict(message.get("body") or {})

    def _read(self, kind: str) -> dict[str, Any]:
        """The next message of a kind; events that come before it are kept."""
        while True:
            message = self._message()
            if message["type"] == kind:
                return message
            if message["type"] == "event":
                self._events.append(message)

    def _message(self) -> dict[str, Any]:
        try:
            length = 0
            while line := self._stream.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not length:
                raise Refused("the debugger has closed the connection, or sends something else")
            message: dict[str, Any] = json.loads(self._stream.read(length))
            return message
        except TimeoutError:
            raise Refused(f"the debugger has said nothing for {LIMIT:.0f} s") from None
