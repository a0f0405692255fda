"""Sends bytes to a server, shuts the sending side, and reads what the server understood until it ends the connection.

No server waits for more then, so that no case takes as long as a time-out. Knows the peers' fields, not the peers.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import NamedTuple

AT_ONCE = 32
DEADLINE = 10.0
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n")


class Request(NamedTuple):
    """A request as a server understood it."""

    method: str
    target: str
    length: int
    body: str
    """The first bytes, in hexadecimal digits."""


OPTIONS = Request("OPTIONS", "*", 0, "")
"""What a server understood that answers 200 itself: net/http asks no handler about the whole server."""


class Seen(NamedTuple):
    """What a server made of some bytes."""

    requests: tuple[Request, ...]
    end: str
    """The status of the refusal that came last; `-` where the connection ended without one."""
    words: str = ""
    """What the refusal says of its reason, where it does."""


def understood(data: bytes) -> Seen:
    """Read everything that a server sent."""
    requests = list[Request]()
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        match = _STATUS.match(head + b"\r\n")
        if match is None:
            return Seen(tuple(requests), "?")
        status = int(match[1])
        if status < 200:
            data = rest
            continue
        fields = {
            name.lower(): value.decode("latin-1") for name, value in re.findall(rb"\r\n([\w-]+): ?([^\r\n]*)", head)
        }
        if status == 200 and b"x-length" not in fields:
            requests.append(OPTIONS)
            data = rest
            continue
        if b"x-length" not in fields:
            detail = re.search(rb'"detail":"([^"]*)"', rest)
            return Seen(tuple(requests), str(status), detail[1].decode() if detail else "")
        requests.append(_request(fields))
        data = rest
    return Seen(tuple(requests), "-")


def _request(fields: Mapping[bytes, str]) -> Request:
    raw = fields.get(b"x-method-raw")
    method = bytes.fromhex(fields[b"x-method"]).decode("latin-1") if raw is None else raw
    target = fields.get(b"x-target-raw")
    if target is None:
        target = bytes.fromhex(fields[b"x-target"]).decode("latin-1")
    return Request(method, target, int(fields[b"x-length"]), fields.get(b"x-body", ""))


def probe(ports: Mapping[str, int], payloads: Mapping[str, bytes]) -> dict[str, dict[str, Seen]]:
    """Each payload to each server, many at once: what was seen, by payload and server."""

    async def one(turn: asyncio.Semaphore, port: int, payload: bytes) -> Seen:
        async with turn, asyncio.timeout(DEADLINE):
            return understood(await _exchange(port, payload))

    async def all_of_them() -> dict[str, dict[str, Seen]]:
        turn = asyncio.Semaphore(AT_ONCE)
        keys = [(name, server) for name in payloads for server in ports]
        found = await asyncio.gather(*(one(turn, ports[server], payloads[name]) for name, server in keys))
        seen: dict[str, dict[str, Seen]] = {name: {} for name in payloads}
        for (name, server), each in zip(keys, found, strict=True):
            seen[name][server] = each
        return seen

    return asyncio.run(all_of_them())


async def _exchange(port: int, payload: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = bytearray()

    async def send() -> None:
        try:
            writer.write(payload)
            await writer.drain()
            writer.write_eof()
        except OSError:
            pass  # it was refused before all was sent; the answer says so

    sending = asyncio.create_task(send())
    try:
        while piece := await reader.read(65536):
            received += piece
    except ConnectionError:
        pass  # an end like any other: bytes that were not read reset a connection
    finally:
        await sending
        writer.close()
    return bytes(received)
