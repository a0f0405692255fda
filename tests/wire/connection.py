"""A client's connection for tests that say themselves what goes over it."""

import socket
from types import TracebackType
from typing import Self

from tests.wire.answers import Answer, take_answer
from tests.wire.server_process import PATIENCE

Fields = tuple[tuple[str, str], ...]


class EndedError(Exception):
    """The connection ended before the answer did."""


class Connection:
    """One TCP connection to the server under test."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """All of it. A server that has gone: OSError."""
        self.socket.sendall(data)

    def next_answer(self, *, bodiless: bool = False) -> Answer:
        """The next answer, interim ones included. None comes: EndedError."""
        at_end = False
        while True:
            answer = take_answer(self._buffer, bodiless=bodiless, at_end=at_end)
            if answer is not None:
                return answer
            if at_end:
                raise EndedError(bytes(self._buffer))
            piece = self.socket.recv(65536)
            self._buffer += piece
            at_end = not piece

    def ask(self, method: str, target: str, fields: Fields = (), body: bytes = b"") -> Answer:
        """One request and its final answer."""
        self.send(request(method, target, fields, body))
        return self.next_answer(bodiless=method == "HEAD")

    def until(self, end: bytes) -> bytes:
        """What comes until `end`, with it. The server ends the connection before: EndedError."""
        while end not in self._buffer:
            piece = self.socket.recv(65536)
            if not piece:
                raise EndedError(bytes(self._buffer))
            self._buffer += piece
        taken, _, rest = bytes(self._buffer).partition(end)
        self._buffer[:] = rest
        return taken + end

    def rest(self) -> bytes:
        """What comes until the server ends the connection."""
        while piece := self.socket.recv(65536):
            self._buffer += piece
        return bytes(self._buffer)


def request(method: str, target: str, fields: Fields = (), body: bytes = b"") -> bytes:
    """The bytes of one request; a body gets its Content-Length."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in fields)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(target: str, chunks: list[bytes], trailers: bytes = b"", extension: bytes = b"") -> bytes:
    """A POST whose body is sent in these chunks."""
    head = request("POST", target, (("Transfer-Encoding", "chunked"),))
    framed = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    return head + framed + b"0\r\n" + trailers + b"\r\n"


def ask(port: int, method: str, target: str, fields: Fields = (), body: bytes = b"") -> Answer:
    """One request on a connection of its own."""
    with Connection(port) as connection:
        return connection.ask(method, target, fields, body)
