"""Requests that differ in one byte, at each place where it matters: what each byte must come to. No sockets."""

from collections.abc import Callable
from typing import Final

from tests.wire.conversations import Outcome

SAMPLED: Final = sorted({*range(0, 256, 8), *b'\t\n\x0b\x0c\r "#%(),-./059:;=?@AFGaf{~\x1f\x7f\x80\x85\xa0\xff'})
"""Every eighth byte, and those that mean something somewhere."""

_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_URI = frozenset(b"-._~!$&'()*+,;=:@/?0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_HEX = frozenset(b"0123456789abcdefABCDEF")
_VALUE = frozenset([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])

Want = str
HELLO, EMPTY, REFUSED, WAITS, UNKNOWN = "echoes hello", "echoes nothing", "400, closed", "408, closed", "501"


def _refused(_: int) -> Want:
    return REFUSED


def _another_name(octet: int) -> Want:
    return HELLO if octet in _TOKEN else REFUSED


def _length_before(octet: int) -> Want:
    if octet in b" \t0":
        return HELLO
    return WAITS if octet in b"123456789" else REFUSED


def _length_after(octet: int) -> Want:
    if octet in b" \t":
        return HELLO
    return WAITS if octet in b"0123456789" else REFUSED


def _no_length(octet: int) -> Want:
    # Under another name there is no body: "hello" begins a next request.
    return EMPTY if octet in _TOKEN else REFUSED


def _size_before(octet: int) -> Want:
    if octet == ord("0"):
        return HELLO
    return WAITS if octet in _HEX else REFUSED


def _size_after(octet: int) -> Want:
    if octet == ord(";"):
        return HELLO
    return WAITS if octet in _HEX else REFUSED


def _method(octet: int) -> Want:
    if octet == ord("E"):
        return EMPTY
    return UNKNOWN if octet in _TOKEN else REFUSED


WANTED: Final[dict[str, Callable[[int], Want]]] = {
    "te-midspace": _refused,
    "te-endspace": _refused,
    "te-postspace": _another_name,
    "te-prespace": _another_name,
    "cl-midspace": _length_before,
    "cl-endspace": _length_after,
    "cl-postspace": _no_length,
    "chunk-size-pre": _size_before,
    "chunk-size-post": _size_after,
    "method-char": _method,
    "name-char": lambda octet: EMPTY if octet in _TOKEN or octet == ord(":") else REFUSED,
    "value-char": lambda octet: EMPTY if octet in _VALUE else REFUSED,
    "target-char": lambda octet: EMPTY if octet in _URI else REFUSED,
}


def got(outcome: Outcome) -> Want:
    """An outcome in the words above; anything else as it is."""
    match outcome.statuses, outcome.closed:
        case [200], False:
            return HELLO if outcome.bodies == [b"hello"] else EMPTY if outcome.bodies == [b""] else repr(outcome)
        case [400], True:
            return REFUSED
        case [408], True:
            return WAITS
        case [501], False:
            return UNKNOWN
        case _:
            return repr(outcome)
