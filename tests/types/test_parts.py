"""Parts of a form as they arrive, from a stream of any pieces."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from covet import BadRequest, HTTPException
from covet._native import PartReader
from covet._uploads import Parts

HEAD = b"Content-Disposition: form-data; name="
BODY = (
    b"preamble\r\n--b\r\n"
    + HEAD
    + b"a\r\n\r\none\r\n--b\r\n"
    + HEAD
    + b"f; filename=x/g.txt\r\nContent-Type: t/x\r\n\r\n"
    b"\r\n--\r\nx\r\n--b\r\n" + HEAD + b"e\r\n\r\n\r\n--b--\r\nepilogue"
)


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]
        yield b""


def of(body: bytes, size: int = 1000) -> Parts:
    return Parts(pieces(body, size), PartReader._make(b"multipart/form-data; boundary=b"))


def result(work: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await work()

    return asyncio.run(main())


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_every_part_with_its_bytes(size: int) -> None:
    async def work() -> list[Any]:
        return [
            (part.name, part.is_file, part.filename, part.content_type, len(part.headers), await part.read())
            async for part in of(BODY, size)
        ]

    assert result(work) == [
        ("a", False, None, None, 1, b"one"),
        ("f", True, "g.txt", "t/x", 2, b"\r\n--\r\nx"),
        ("e", False, None, None, 1, b""),
    ]


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_what_is_not_taken_is_thrown_away(size: int) -> None:
    async def work() -> list[Any]:
        parts = of(BODY, size)
        found = [repr(part) async for part in parts]
        return [*found, [part async for part in parts]]

    assert result(work) == ["<Part 'a'>", "<Part 'f' 'g.txt'>", "<Part 'e'>", []]


def test_an_old_part_gives_nothing_of_the_next() -> None:
    async def work() -> list[Any]:
        parts = of(BODY)
        first = await anext(parts)
        second = await anext(parts)
        return [await first.read(), await second.text(), await second.read()]

    assert result(work) == [b"", "\r\n--\r\nx", b""]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (BODY[:60], 400),
        (b"--b\r\n" + HEAD + b"a\r\n\r\n" + b"x" * (2**20 + 1) + b"\r\n--b--", 413),
        ((b"--b\r\n" + HEAD + b"a\r\n\r\n\r\n") * 1001 + b"--b--", 413),
        (b"", 400),
    ],
    ids=["cut", "a large field", "many parts", "nothing"],
)
def test_what_is_refused(body: bytes, status: int) -> None:
    async def work() -> None:
        async for part in of(body):
            await part.read()

    with pytest.raises(HTTPException) as caught:
        result(work)
    assert caught.value.status_code == status


def test_text_is_utf8() -> None:
    async def work() -> str:
        return await (await anext(of(b"--b\r\n" + HEAD + b"a\r\n\r\n\xff\r\n--b--"))).text()

    with pytest.raises(BadRequest) as caught:
        result(work)
    assert caught.value.detail == "A form field is not UTF-8."


def test_a_content_type_without_boundary() -> None:
    with pytest.raises(BadRequest):
        PartReader._make(b"multipart/form-data")
