"""Requests that no honest client sends, and what a server may make of them."""

from dataclasses import dataclass

from .rawhttp import Said

HOST = b"Host: localhost\r\n"
SECOND = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass(frozen=True)
class Hostile:
    """One request, or several in one piece.

    Args:
        name: what it is called in messages.
        sent: its bytes.
        fine: how many answers, from the first on, may be below 400; one more would be an answer to a part of a request.
    """

    name: str
    sent: bytes
    fine: int = 0

    def wrong(self, said: Said) -> str:
        """What is wrong with the answer to it, or nothing.

        An answer that refuses the rest of a request after its beginning was refused does no harm. 501 is what RFC 9112
        (6.1) wants to be said of a transfer coding that nobody knows.
        """
        if [status for status in said.statuses if status >= 500 and status != 501]:
            return f"a server error: {said.statuses}"
        if [status for status in said.statuses[self.fine :] if status < 400]:
            return f"taken: {said.statuses}"
        if not (said.statuses or said.closed):
            return "neither answered nor closed"
        return "a file of the system" if b"root:x:0" in said.text else ""


def request(target: bytes = b"/", more: bytes = b"", body: bytes = b"", method: bytes = b"GET") -> bytes:
    return method + b" " + target + b" HTTP/1.1\r\n" + HOST + more + b"\r\n" + body


def post(more: bytes, body: bytes) -> bytes:
    return request(b"/", more, body, b"POST")


def chunked(body: bytes, header: bytes = b"Transfer-Encoding: chunked\r\n") -> bytes:
    return post(header, body)


SMUGGLED = b"0\r\n\r\n" + SECOND
LENGTH = b"Content-Length: %d\r\n" % len(SMUGGLED)

# Request lines and headers.
MALFORMED = [
    Hostile("a null byte in a header", request(more=b"X-A: a\0b\r\n")),
    Hostile("a null byte in a header's name", request(more=b"X\0A: b\r\n")),
    Hostile("a null byte in the target", request(b"/\0")),
    Hostile("nothing but null bytes", b"\0" * 1000 + b"\r\n\r\n"),
    Hostile("TLS where there is none", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\xaa" * 200 + b"\r\n\r\n"),
    Hostile("a space in a header's name", request(more=b"X A: b\r\n")),
    Hostile("a space before the colon", request(more=b"X-A : b\r\n")),
    Hostile("a header without a colon", request(more=b"nonsense\r\n")),
    Hostile("a header without a name", request(more=b": b\r\n")),
    Hostile("a carriage return in a header", request(more=b"X-A: a\rX-B: b\r\n")),
    Hostile("HTTP/9.9", b"GET / HTTP/9.9\r\n" + HOST + b"\r\n"),
    Hostile("no version", b"GET /\r\n\r\n", fine=1),
    Hostile("a method of 10,000 letters", request(method=b"G" * 10_000)),
    Hostile("a method that nobody knows", request(method=b"BREW"), fine=1),
    Hostile("another protocol before it", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + request()),
    Hostile("CONNECT", request(b"elsewhere.example:443", method=b"CONNECT")),
    Hostile("an asterisk", request(b"*", method=b"OPTIONS"), fine=1),
    Hostile("broken UTF-8 in the target", request(b"/\xff\xfe"), fine=1),
    Hostile("escaped broken UTF-8 in the target", request(b"/%ff%fe%00")),
    Hostile("broken UTF-8 in the query", request(b"/slow?seconds=\xff&%ff=%c0%80")),
    Hostile(
        "broken UTF-8 in headers", request(more=b"X-A: \xff\xc0\x80\r\nCookie: \xff=\xfe\r\nAccept: \xff\r\n"), fine=1
    ),
    Hostile("broken UTF-8 in the host", b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n", fine=1),
    Hostile("a broken escape", request(b"/%zz%"), fine=1),
    Hostile("an absolute target", request(b"http://localhost/"), fine=1),
    Hostile("an absolute target elsewhere", request(b"http://elsewhere.example/"), fine=1),
    Hostile("an absolute target that is none", request(b"http://[::1/"), fine=1),
    Hostile("an upgrade to nothing", request(more=b"Connection: Upgrade\r\nUpgrade: nonsense\r\n"), fine=1),
    Hostile(
        "a WebSocket to nowhere",
        request(
            more=b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: e\r\n"
        ),
        fine=1,
    ),
    Hostile("an expectation that nobody meets", request(more=b"Expect: nonsense\r\n"), fine=1),
]
# Where does a body end? Two servers that answer differently let a request through that one of them has not seen.
SMUGGLING = [
    Hostile("two lengths", post(b"Content-Length: 0\r\n" + LENGTH, SMUGGLED)),
    Hostile("two lengths in one header", post(b"Content-Length: 5, 6\r\n", b"x" * 5)),
    Hostile("a negative length", post(b"Content-Length: -1\r\n", b"")),
    Hostile("a length with a sign", post(b"Content-Length: +5\r\n", b"x" * 5)),
    Hostile("a hexadecimal length", post(b"Content-Length: 0x5\r\n", b"x" * 5)),
    Hostile("a length with a space in it", post(b"Content-Length: 1 1\r\n", b"x" * 11)),
    Hostile("a length of 40 digits", post(b"Content-Length: " + b"9" * 40 + b"\r\n", b"x"), fine=1),
    Hostile("a length without digits", post(b"Content-Length: \r\n", b"")),
    Hostile("a length and chunks", post(LENGTH + b"Transfer-Encoding: chunked\r\n", SMUGGLED)),
    Hostile("chunks and a length", post(b"Transfer-Encoding: chunked\r\n" + LENGTH, SMUGGLED)),
    Hostile("chunks twice", chunked(SMUGGLED, b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
    Hostile("chunks, then identity", chunked(SMUGGLED, b"Transfer-Encoding: chunked, identity\r\n")),
    Hostile("identity", chunked(b"", b"Transfer-Encoding: identity\r\n"), fine=1),
    Hostile("identity with a length", post(b"Transfer-Encoding: identity\r\n" + LENGTH, SMUGGLED)),
    Hostile("a coding that nobody knows", post(b"Transfer-Encoding: xchunked\r\n" + LENGTH, SMUGGLED)),
    Hostile("a coding behind a vertical tab", post(b"Transfer-Encoding: \x0bchunked\r\n" + LENGTH, SMUGGLED)),
    Hostile("a space before the colon of a coding", post(b"Transfer-Encoding : chunked\r\n" + LENGTH, SMUGGLED)),
    Hostile("a folded coding", post(b"Transfer-Encoding:\r\n chunked\r\n" + LENGTH, SMUGGLED)),
    Hostile(
        "an underscore for a hyphen", post(b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"), fine=1
    ),
    Hostile("chunks in HTTP/1.0", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED, fine=1),
    # An app that does not read a body answers before anybody knows what is wrong with it.
    Hostile("a chunk of nonsense", chunked(b"zz\r\nabc\r\n" + SMUGGLED), fine=1),
    Hostile("a negative chunk", chunked(b"-1\r\nabc\r\n" + SMUGGLED), fine=1),
    Hostile("a chunk of 2**68 bytes", chunked(b"fffffffffffffffff\r\nabc\r\n" + SMUGGLED), fine=1),
    Hostile("a chunk without an end", chunked(b"3\r\nabcdef\r\n" + SMUGGLED), fine=1),
    Hostile("a chunk with an extension", chunked(b"3;a=\x00\r\nabc\r\n" + SMUGGLED), fine=1),
    Hostile(
        "a trailer", chunked(b"0\r\nContent-Length: 5\r\nHost: elsewhere.example\r\n\r\n" + b"x" * 5 + SECOND), fine=1
    ),
]
PIPELINED = Hostile("three requests at once", request() + request(b"/health") + request(), fine=3)
# Each asks for a file that is there, by another way.
ELSEWHERE = b"etc/passwd"
TRAVERSALS = [
    Hostile(f"a path out of the folder, {number}", request(path + ELSEWHERE), fine=1)
    for number, path in enumerate(
        (
            b"/static/../../../../",
            b"/static/%2e%2e/%2e%2e/%2e%2e/",
            b"/static/..%2f..%2f..%2f",
            b"/static/..%5c..%5c..%5c",
            b"/static/....//....//....//",
            b"/static/%252e%252e/%252e%252e/",
            b"/static//",
            b"/static/%00/../../../",
            b"//",
            b"/../../",
            b"file:///",
        ),
        1,
    )
]
EVERYTHING = [*MALFORMED, *SMUGGLING, PIPELINED, *TRAVERSALS]
