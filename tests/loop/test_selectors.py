"""A selector of any kind under the loop: what has no descriptor to sleep on is mirrored."""

import asyncio
import selectors
import socket
from collections.abc import Callable

import pytest

from covet._mirror import Mirror
from covet.loop import EventLoop

KINDS = [
    getattr(selectors, name)
    for name in ("SelectSelector", "PollSelector", "EpollSelector", "KqueueSelector")
    if hasattr(selectors, name)
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_loop_wakes_for_sockets_with_any_selector(kind: Callable[[], selectors.BaseSelector]) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(10))
        writer.close()

    async def main() -> bytes:
        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

    with asyncio.Runner(loop_factory=lambda: EventLoop(kind())) as runner:
        assert runner.run(main()) == b"hello"


def test_a_mirror_keeps_both_selectors_alike() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        given = selectors.SelectSelector()
        given.register(ours, selectors.EVENT_READ, "before")
        mirror = Mirror(given)
        with selectors.DefaultSelector() as outer:
            outer.register(mirror.fileno(), selectors.EVENT_READ)
            assert outer.select(0) == []
            theirs.send(b"x")
            assert outer.select(10)
            assert [key.data for key, _ in mirror.select(0)] == ["before"]
            assert mirror.modify(ours, selectors.EVENT_WRITE, "after").data == "after"
            assert [events for _, events in mirror.select(0)] == [selectors.EVENT_WRITE]
            assert outer.select(0)
            mirror.unregister(ours)
            assert (dict(mirror.get_map()), outer.select(0)) == ({}, [])
        mirror.close()


@pytest.mark.skipif(not hasattr(selectors, "EpollSelector"), reason="kqueue takes plain files")
def test_what_one_selector_refuses_is_in_neither() -> None:
    mirror = Mirror(selectors.SelectSelector())
    with open(__file__) as plain:
        # A plain file can be selected but not waited for with epoll.
        with pytest.raises(PermissionError):
            mirror.register(plain, selectors.EVENT_READ)
    assert not mirror.get_map()
    mirror.close()
