"""Fields behind the content of a streamed answer: what is sent, to whom, and what is not."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from covet import Compress, Covet, StreamingResponse
from tests.wire.connection import Fields, request
from tests.wire.loop_client import Client, served

CONTENT = [b"one", b"two", b"x" * 100_000]


class Digested:
    """An iterator that knows a digest of its items when it has given all."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def pieces(self) -> Iterator[bytes]:
        for piece in CONTENT:
            self.digest.update(piece)
            yield piece

    async def pieces_in_time(self) -> AsyncIterator[bytes]:
        for piece in self.pieces():
            await asyncio.sleep(0)
            yield piece

    def trailers(self) -> dict[str, str]:
        return {"X-Sum": self.digest.hexdigest(), "X-Text": "caf\u00e9"}


EXPECTED = b"x-sum: %b\r\nx-text: caf\xe9\r\n\r\n" % hashlib.sha256(b"".join(CONTENT)).hexdigest().encode()


@pytest.fixture
def app() -> Covet:
    app = Covet()

    @app.get("/async")
    async def in_time() -> StreamingResponse:
        made = Digested()
        return StreamingResponse(made.pieces_in_time(), trailers=made.trailers)

    @app.get("/thread")
    async def in_a_thread() -> StreamingResponse:
        made = Digested()
        return StreamingResponse(made.pieces(), trailers=made.trailers)

    @app.get("/length")
    async def known() -> StreamingResponse:
        made = Digested()
        length = {"Content-Length": str(sum(map(len, CONTENT)))}
        return StreamingResponse(made.pieces(), headers=length, trailers=made.trailers)

    @app.get("/compressed", middleware=[Compress(minimum_size=1)])
    async def compressed() -> StreamingResponse:
        made = Digested()
        return StreamingResponse(made.pieces(), media_type="text/plain", trailers=made.trailers)

    return app


async def behind_the_content(client: Client, target: str, fields: Fields = ()) -> bytes:
    """What follows the last chunk."""
    await client.send(request("GET", target, fields))
    head = await client.head()
    assert b"transfer-encoding: chunked\r\n" in head
    while size := int(await client.until(b"\r\n"), 16):
        await client.reader.readexactly(size + 2)
    return await client.until(b"\r\n\r\n")


def test_a_digest_follows(app: Covet) -> None:
    async def use(client: Client) -> None:
        for target in ("/async", "/thread", "/compressed"):
            assert await behind_the_content(client, target, (("Accept-Encoding", "gzip"),)) == EXPECTED, target
        assert (await client.ask("GET", "/length")).body == b"".join(CONTENT)

    served(app, use)


@pytest.mark.parametrize("target", ["/async", "/thread"])
def test_an_old_client_gets_the_content_alone(app: Covet, target: str) -> None:
    async def use(client: Client) -> None:
        await client.send(request("GET", target).replace(b"HTTP/1.1", b"HTTP/1.0"))
        await client.head()
        assert await client.reader.read() == b"".join(CONTENT)

    served(app, use)


def raised() -> dict[str, str]:
    raise LookupError("nobody knows it")


WRONG: list[tuple[Callable[[], Any], str]] = [
    (raised, "LookupError: nobody knows it"),
    (lambda: {"Content-Length": "3"}, '"content-length" cannot be a trailer; put it into headers='),
    (lambda: {"Set-Cookie": "a=b"}, '"set-cookie" cannot be a trailer'),
    (lambda: {"Transfer-Encoding": "chunked"}, '"transfer-encoding" is written by the server itself'),
    (lambda: {"X": "a\r\nY: b"}, "control character"),
    (lambda: {"X Y": "a"}, "is not a token"),
    (lambda: ["x"], "TypeError"),
    (lambda: None, "TypeError"),
]


@pytest.mark.parametrize(("trailers", "words"), WRONG)
def test_what_cannot_be_sent_cuts(trailers: Callable[[], Any], words: str, caplog: pytest.LogCaptureFixture) -> None:
    """The content was sent: nothing but the missing end can say that something is wrong."""
    app = Covet()

    @app.get("/")
    async def wrong() -> StreamingResponse:
        return StreamingResponse([b"abc"], trailers=trailers)

    async def use(client: Client) -> None:
        await client.send(request("GET", "/"))
        await client.head()
        assert await client.reader.read() == b"3\r\nabc\r\n"

    served(app, use)
    assert words in caplog.text


def test_head_asks_for_none() -> None:
    app = Covet()

    @app.get("/")
    async def never() -> StreamingResponse:
        return StreamingResponse([b"abc"], trailers=raised)

    async def use(client: Client) -> None:
        assert (await client.ask("HEAD", "/")).status == 200

    served(app, use)


def test_what_is_no_function() -> None:
    with pytest.raises(TypeError, match="trailers must be a function that gives a mapping, not dict"):
        StreamingResponse([b"abc"], trailers={"X": "y"})  # type: ignore[arg-type]
