"""Requests to compare by: the conformance cases, some well-formed ones, and mutants of both, the same for the same seed.

Bytes only; knows no server. Randomness is `random.Random(seed).random()` alone, which is the same on every version.
"""

import random
import re
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from tests.wire.conformance_cases import CASES, payload

LONGEST = 2048
"""Bytes of a case that is mutated; longer ones are about sizes."""

_T = TypeVar("_T")

WELL_FORMED: Final = {
    "get": b"GET /a?b=c HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
    "head": b"HEAD / HTTP/1.1\r\nHost: localhost:80\r\nConnection: keep-alive\r\n\r\n",
    "post": b"POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\nhello world",
    "put": b"PUT /p%20q HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi",
    "chunked": b"POST /c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunks": b'POST /c HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0A;q="v"\r\n0123456789\r\n0\r\nX-T: v\r\n\r\n',
    "trailers": b"POST /t HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
    "absolute": b"GET http://localhost/x?y HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "old": b"POST /old HTTP/1.0\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc",
    "expect": b"POST /e HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody",
    "options": b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "pair": b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
    "smuggled": b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 46\r\n\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n",
}  # fmt: skip

OCTETS: Final = [
    bytes([octet]) for octet in (0, 1, 8, 9, 10, 11, 12, 13, 28, 31, 32, 33, 34, 35, 37, 43, 44, 45, 47, 48, 58, 59, 61, 64, 92, 95, 127, 128, 133, 160, 194, 255)
]  # fmt: skip
LINES: Final = [
    b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: 05", b"Content-Length: +5", b"Content-Length: 5, 5",
    b"Content-Length: 5,6", b"Content-Length: -1", b"Content-Length: 0x5", b"Content-Length:", b"Content-Length : 5",
    b"content-length: 3", b"Content_Length: 5", b"Content-Length: 18446744073709551616", b"Content-Length: 1e1",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: Chunked", b"transfer-encoding:chunked", b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity", b"Transfer-Encoding: xchunked", b"Transfer-Encoding:\x0bchunked", b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: chunked;q=1", b"Transfer-Encoding: , chunked", b"Transfer-Encoding:\r\n chunked", b"Transfer_Encoding: chunked",
    b"Transfer-Encoding:", b" Transfer-Encoding: chunked", b"Host: other", b"Host:", b"Host: a b", b"Host: a, b", b"Host: a@b", b"Host: a:b",
    b"Host: a/b", b"Host: [::1", b"Host: a:99999", b"Host: a%00b", b"Connection: close", b"Connection: Keep-Alive",
    b"Connection: content-length", b"Connection: upgrade\r\nUpgrade: h2c", b"Expect: 100-continue", b"Expect: other", b"Upgrade: websocket",
    b"X: y", b"X:", b":", b": x", b"no colon", b"X\x00: y", b"X: \x00", b"X: a\rb", b"X: a\nb", b" folded", b"\tfolded",
    b"X-\xe9: y", b"X: \xe9", b"TE: trailers", b"Trailer: Content-Length", b"Cookie: a=b", b"(x): y", b"X: y\r", b"\r",
]  # fmt: skip
SIZES: Final = [
    b"0", b"00", b"5", b"05", b"0x5", b"+5", b"-5", b" 5", b"5 ", b"5\t", b"5;", b"5;a", b"5;a=b", b"5; a = b", b'5;a="b"', b'5;a="',
    b"5;\n", b"5;\r", b"5,5", b"5_0", b"A", b"a", b"G", b"", b"FFFFFFFFFFFFFFFF", b"10000000000000005", b"0000000000000000005", b"5.0", b"5h",
    b"5;a\x00", b"5\x00", b"5;\xe9", b"5 ;a", b"1", b"fffffffffffffff5",
]  # fmt: skip
TARGETS: Final = [
    b"/", b"*", b"", b"//", b"//h/p", b"/a//b", b"/../x", b"/a/./b/../c", b"/%2e%2e/x", b"/a%2Fb", b"/a%5Cb", b"/%00", b"/%zz", b"/%", b"/%4",
    b"/a#b", b"/a b", b"/a\tb", b"/\xc3\xa9", b"/\xff", b"/a?b?c", b"/?", b"?x", b"a", b"http://localhost", b"http://localhost/",
    b"http://other/x", b"https://localhost/x", b"http:///x", b"http://u:p@h/x", b"http://h:1x/", b"ftp://h/x", b"localhost:80", b"http:x",
    b"/<x>", b'/"', b"/{x}", b"/|", b"/\\", b"/^", b"/`", b"/\x7f", b"/a;b=c", b"*/", b"/[x]", b"HTTP://LOCALHOST/x",
]  # fmt: skip
VERSIONS: Final = [
    b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/2", b"HTTP/1", b"HTTP/01.1", b"HTTP/1.10", b"http/1.1",
    b"HTTP/1,1", b"HTTP /1.1", b"HTTP/1.1 ", b" HTTP/1.1", b"HTTPS/1.1", b"HTTP/1.1\t", b"HTTP/1.1x", b"", b"HTTP/11.1", b"HTTP/1.-1",
]  # fmt: skip
METHODS: Final = [
    b"GET",
    b"POST",
    b"get",
    b"G ET",
    b"GET\t",
    b"",
    b"M-SEARCH",
    b"PATCH",
    b"DELETE",
    b"CONNECT",
    b"TRACE",
    b"QUERY",
    b"GE(T",
    b"X",
    b"PRI",
]
ENDS: Final = [
    b"\n",
    b"\r",
    b"\r\r\n",
    b"\n\r",
    b"\r\n\r\n",
    b" \r\n",
    b"\t\r\n",
    b"\x00\r\n",
    b"\r\n ",
    b"\x0b\r\n",
    b"",
    b"\r\n\n",
]
BLANKS: Final = [b"", b" ", b"  ", b"\t", b"\x0b", b"\x0c", b"\xa0", b"\r", b"\x00"]


class Chance:
    """Choices by a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, bound: int) -> int:
        return int(self._random.random() * bound)

    def of(self, values: list[_T]) -> _T:
        return values[self.below(len(values))]


Mutation = Callable[[bytes, Chance], bytes]


def _octet(data: bytes, chance: Chance) -> bytes:
    place = chance.below(len(data))
    return data[:place] + chance.of(OCTETS) + data[place + chance.below(2) :]


def _flipped(data: bytes, chance: Chance) -> bytes:
    place = chance.below(len(data))
    return data[:place] + bytes([data[place] ^ (1 << chance.below(8))]) + data[place + 1 :]


def _cut(data: bytes, chance: Chance) -> bytes:
    place = chance.below(len(data))
    return data[:place] + data[place + 1 + chance.below(3) :]


def _lines(change: Callable[[list[bytes], Chance], None]) -> Mutation:
    def mutate(data: bytes, chance: Chance) -> bytes:
        lines = data.split(b"\r\n")
        change(lines, chance)
        return b"\r\n".join(lines)

    return mutate


def _doubled(lines: list[bytes], chance: Chance) -> None:
    lines.insert(chance.below(len(lines)), chance.of(lines))


def _inserted(lines: list[bytes], chance: Chance) -> None:
    lines.insert(1 + chance.below(min(len(lines), 5)), chance.of(LINES))


def _replaced(lines: list[bytes], chance: Chance) -> None:
    lines[chance.below(min(len(lines), 5))] = chance.of(LINES)


def _dropped(lines: list[bytes], chance: Chance) -> None:
    del lines[chance.below(len(lines))]


def _line_end(data: bytes, chance: Chance) -> bytes:
    ends = [match.start() for match in re.finditer(b"\r\n", data)]
    if not ends:
        return data
    place = chance.of(ends)
    return data[:place] + chance.of(ENDS) + data[place + 2 :]


def _around_colon(data: bytes, chance: Chance) -> bytes:
    colons = [match.span() for match in re.finditer(rb": ?", data)]
    if not colons:
        return data
    start, end = chance.of(colons)
    return data[:start] + chance.of(BLANKS) + b":" + chance.of(BLANKS) + data[end:]


def _size(data: bytes, chance: Chance) -> bytes:
    sizes = [match.span(1) for match in re.finditer(rb"\r\n([0-9A-Fa-f]+[^\r\n:]*)(?=\r\n)", data)]
    if not sizes:
        return data
    start, end = chance.of(sizes)
    return data[:start] + chance.of(SIZES) + data[end:]


def _word(number: int, words: list[bytes]) -> Mutation:
    """Another word at a place of the request line."""

    def mutate(data: bytes, chance: Chance) -> bytes:
        line, end, rest = data.partition(b"\r\n")
        parts = line.split(b" ")
        if len(parts) <= number:
            return data
        parts[number] = chance.of(words)
        return chance.of([b" ", b" ", b" ", b" ", b" ", b"  ", b"\t"]).join(parts) + end + rest

    return mutate


def _case(data: bytes, chance: Chance) -> bytes:
    place = chance.below(len(data))
    return data[:place] + data[place : place + 8].swapcase() + data[place + 8 :]


MUTATIONS: Final[list[Mutation]] = [
    _octet, _octet, _flipped, _cut, _lines(_doubled), _lines(_inserted), _lines(_inserted), _lines(_replaced), _lines(_dropped), _line_end, _line_end,
    _around_colon, _around_colon, _size, _size, _word(0, METHODS), _word(1, TARGETS), _word(2, VERSIONS), _case,
]  # fmt: skip


def cases() -> dict[str, bytes]:
    """Every conformance case, and the well-formed requests, as they are."""
    return {**{name: payload(case) for name, case in CASES.items()}, **WELL_FORMED}


def mutants(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """So many mutants with their names: each of a seed of its own, so that one can be made again alone."""
    originals = [(name, data) for name, data in cases().items() if 0 < len(data) <= LONGEST]
    well_formed = list(WELL_FORMED.items())
    for number in range(count):
        chance = Chance(seed * 1_000_003 + number)
        name, data = chance.of(well_formed if chance.below(2) else originals)
        for _ in range(1 + chance.below(3)):
            data = chance.of(MUTATIONS)(data, chance) or b"\r\n"
        if chance.below(8) == 0:
            data += chance.of(well_formed)[1]
        yield f"{seed}/{number}/{name}", data
