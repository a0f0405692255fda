"""What a server sent, read strictly: bytes in, answers out. No sockets."""

import json
import re
from typing import Any, NamedTuple

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) [\x20-\x7e]*")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([^\x00\r\n]*)")


class MalformedError(Exception):
    """No HTTP/1.1 answer."""


class Answer(NamedTuple):
    """One answer, interim ones included."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def get(self, name: str) -> str | None:
        """The value of the only field of this name; None where there is none."""
        values = [value for key, value in self.fields if key == name]
        assert len(values) <= 1, values
        return values[0] if values else None

    @property
    def closes(self) -> bool:
        """Whether it says that it is the connection's last."""
        return (self.get("connection") or "").lower() == "close"

    @property
    def media_type(self) -> str:
        """Content-Type; empty where absent."""
        return self.get("content-type") or ""

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    def problem(self) -> Any:
        """The body of a problem+json answer, whose status is the answer's."""
        assert self.media_type == "application/problem+json", self
        decoded = self.json()
        assert decoded["status"] == self.status, self
        return decoded


def take_answer(buffer: bytearray, *, bodiless: bool = False, at_end: bool = False) -> Answer | None:
    """Take the first answer off `buffer`; None while it is incomplete. `bodiless`: it answers a HEAD.

    `at_end`: the connection has ended, which is what delimits an answer without a length.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *lines = bytes(buffer[:end]).split(b"\r\n")
    status_line = _STATUS_LINE.fullmatch(first)
    if status_line is None:
        raise MalformedError(first)
    status = int(status_line[1])
    fields = [_field(line) for line in lines]
    start = end + 4
    length = _length(status, fields)
    if bodiless:
        length = 0
    if length is None and not at_end:
        return None
    stop = len(buffer) if length is None else start + length
    if len(buffer) < stop:
        return None
    body = bytes(buffer[start:stop])
    del buffer[:stop]
    return Answer(status, fields, body)


def _field(line: bytes) -> tuple[str, str]:
    match = _FIELD.fullmatch(line)
    if match is None:
        raise MalformedError(line)
    return match[1].decode().lower(), match[2].decode("latin-1")


def _length(status: int, fields: list[tuple[str, str]]) -> int | None:
    """Bytes of the body; None where the connection's end delimits it."""
    lengths = [value for name, value in fields if name == "content-length"]
    if status < 200 or status in (204, 304):
        if lengths and status != 304:
            raise MalformedError(f"{status} with Content-Length")
        return 0
    if any(name == "transfer-encoding" for name, _ in fields):
        raise MalformedError("a chunked answer, which nothing under test streams")
    if len(lengths) > 1:
        raise MalformedError(f"Content-Length {lengths}")
    return int(lengths[0]) if lengths else None
