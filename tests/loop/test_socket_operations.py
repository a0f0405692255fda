"""`sock_*` of the loop: results, cancellation, both directions at once, what is left after."""

import asyncio
import concurrent.futures
import gc
import os
import socket
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from covet.loop import EventLoop, new_event_loop


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


async def started(coroutine: Any) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.ensure_future(coroutine)
    for _ in range(3):
        await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("sock_recv", b"hello"),
        ("sock_recv_into", 5),
        ("sock_recvfrom", (b"hello", None)),
        ("sock_recvfrom_into", (5, None)),
    ],
)
def test_receiving(loop: EventLoop, pair: Any, operation: str, expected: Any, waits: bool) -> None:
    ours, theirs = pair
    room = bytearray(10)
    argument = room if operation.endswith("into") else 10

    async def main() -> None:
        if not waits:
            theirs.send(b"hello")
        task = await started(getattr(loop, operation)(ours, argument))
        assert task.done() is not waits
        if waits:
            theirs.send(b"hello")
        got = await asyncio.wait_for(task, 20)
        assert got == expected or got[0] == expected[0]
        assert argument == 10 or room[:5] == b"hello"

    loop.run_until_complete(main())


def test_many_megabytes_in_both_directions_at_once(loop: EventLoop, pair: Any) -> None:
    blob = os.urandom(4 << 20)

    async def receive(sock: socket.socket) -> bytes:
        data = bytearray()
        while len(data) < len(blob):
            data += await loop.sock_recv(sock, 65_536)
        return bytes(data)

    async def main() -> None:
        ours, theirs = pair
        jobs = [loop.sock_sendall(sock, blob) for sock in pair] + [receive(sock) for sock in (ours, theirs)]
        _, _, one, other = await asyncio.wait_for(asyncio.gather(*jobs), 40)
        assert one == other == blob

    loop.run_until_complete(main())


@pytest.mark.parametrize("writing", [False, True])
def test_a_cancelled_wait_leaves_the_socket_usable(loop: EventLoop, pair: Any, writing: bool) -> None:
    ours, theirs = pair

    async def main() -> None:
        if writing:
            blocked = await started(loop.sock_sendall(ours, b"x" * (4 << 20)))
        else:
            blocked = await started(loop.sock_recv(ours, 1))
        assert not blocked.done()
        blocked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await blocked
        again = await started(loop.sock_recv(ours, 5))
        theirs.send(b"hello")
        assert await asyncio.wait_for(again, 20) == b"hello"

    loop.run_until_complete(main())


def test_a_connection_and_its_end(loop: EventLoop) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
            server.setblocking(False)
            client.setblocking(False)
            accepting = await started(loop.sock_accept(server))
            await loop.sock_connect(client, server.getsockname())
            connection, address = await asyncio.wait_for(accepting, 20)
            with connection:
                assert connection.gettimeout() == 0
                assert address == client.getsockname()
                receiving = await started(loop.sock_recv(connection, 1))
                client.close()
                assert await asyncio.wait_for(receiving, 20) == b""

    loop.run_until_complete(main())


def test_a_refused_connection(loop: EventLoop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()

    async def main() -> None:
        with socket.socket() as client:
            client.setblocking(False)
            with pytest.raises(ConnectionRefusedError, match=r"Connect call failed"):
                await loop.sock_connect(client, address)

    loop.run_until_complete(main())


def test_datagrams(loop: EventLoop) -> None:
    async def main() -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as ours, socket.socket(type=socket.SOCK_DGRAM) as theirs:
            for sock in (ours, theirs):
                sock.bind(("127.0.0.1", 0))
                sock.setblocking(False)
            receiving = await started(loop.sock_recvfrom(ours, 100))
            assert await loop.sock_sendto(theirs, b"hello", ours.getsockname()) == 5
            assert await asyncio.wait_for(receiving, 20) == (b"hello", theirs.getsockname())

    loop.run_until_complete(main())


def test_a_blocking_socket_is_refused_in_debug_mode(loop: EventLoop, pair: Any) -> None:
    loop.set_debug(True)
    pair[0].setblocking(True)
    with pytest.raises(ValueError, match="the socket must be non-blocking"):
        loop.run_until_complete(loop.sock_recv(pair[0], 1))


def test_thousands_of_sockets_leave_no_descriptor(loop: EventLoop) -> None:
    async def one() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            receiving = await started(loop.sock_recv(ours, 1))
            theirs.send(b"x")
            assert await receiving == b"x"

    async def main() -> None:
        await one()
        before = len(os.listdir("/dev/fd"))
        for _ in range(2000):
            await one()
        assert len(os.listdir("/dev/fd")) == before

    loop.run_until_complete(main())


class Wrapped(socket.socket):
    """Its `recv` is its own."""

    def recv(self, *args: Any) -> bytes:
        return b"wrapped " + super().recv(*args)


@pytest.mark.parametrize("room", [0, 5, 1 << 20, (1 << 20) + 1])
def test_how_much_is_received_and_by_whom(loop: EventLoop, room: int) -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        with theirs, Wrapped(fileno=ours.detach()) as wrapped, wrapped.dup() as plain:
            wrapped.setblocking(False)
            plain.setblocking(False)
            theirs.send(b"hello")
            assert await loop.sock_recv(wrapped, 2) == b"wrapped he"
            received = socket.socket(fileno=plain.detach())
            with received:
                assert await loop.sock_recv(received, room) == b"llo"[:room]

    loop.run_until_complete(main())


@pytest.mark.parametrize("room", [-1, None, "5"])
def test_a_room_that_is_none(loop: EventLoop, pair: Any, room: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        loop.run_until_complete(loop.sock_recv(pair[0], room))


def test_a_number_that_is_used_again_is_another_socket(loop: EventLoop) -> None:
    async def one(message: bytes) -> int:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            receiving = await started(loop.sock_recv(ours, 10))
            theirs.send(message)
            assert await asyncio.wait_for(receiving, 20) == message
            return ours.fileno()

    async def main() -> None:
        first = await one(b"one")
        assert await one(b"two") == first, "the number is used again"

    loop.run_until_complete(main())


def test_a_socket_that_was_closed_gives_nothing_to_who_waits(loop: EventLoop, pair: Any) -> None:
    ours, theirs = pair

    async def main() -> None:
        receiving = await started(loop.sock_recv(ours, 10))
        theirs.send(b"for nobody")
        ours.close()
        again, peer = socket.socketpair()
        with again, peer:
            again.setblocking(False)
            peer.send(b"for another")
            await started(asyncio.sleep(0))
            assert not receiving.done()
            assert await asyncio.wait_for(loop.sock_recv(again, 20), 20) == b"for another"
        receiving.cancel()

    loop.run_until_complete(main())


@pytest.mark.parametrize("waits", [False, True])
def test_a_socket_that_was_waited_for_becomes_a_transport(loop: EventLoop, pair: Any, waits: bool) -> None:
    ours, theirs = pair

    async def main() -> None:
        receiving = await started(loop.sock_recv(ours, 1))
        if not waits:
            theirs.send(b"x")
            assert await asyncio.wait_for(receiving, 20) == b"x"
        reader, writer = await asyncio.open_connection(sock=ours)
        theirs.send(b"hello")
        assert await asyncio.wait_for(reader.readexactly(5), 20) == b"hello"
        receiving.cancel()
        writer.close()
        await writer.wait_closed()

    loop.run_until_complete(main())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a refused socket stays useless")
def test_a_socket_tries_again_after_it_was_refused(loop: EventLoop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()

    async def main() -> None:
        with socket.socket() as client:
            client.setblocking(False)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.wait_for(loop.sock_connect(client, address), 20)
            with pytest.raises(ConnectionAbortedError):  # Linux says once more that the first attempt failed
                client.connect(address)
            with socket.create_server(("127.0.0.1", 0)) as listening:
                await asyncio.wait_for(loop.sock_connect(client, listening.getsockname()), 20)
                assert client.getpeername() == listening.getsockname()

    loop.run_until_complete(main())


def test_waits_do_not_bind_the_loop_to_a_thread(loop: EventLoop, pair: Any) -> None:
    ours, theirs = pair

    async def one() -> bytes:
        receiving = await started(loop.sock_recv(ours, 10))
        theirs.send(b"hello")
        return await asyncio.wait_for(receiving, 20)

    assert loop.run_until_complete(one()) == b"hello"
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        assert other.submit(loop.run_until_complete, one()).result() == b"hello"
    assert loop.run_until_complete(one()) == b"hello"


def test_who_waits_is_let_go_with_the_loop(pair: Any) -> None:
    ours, _ = pair
    made = new_event_loop()
    waiting = made.create_task(made.sock_recv(ours, 1))
    made.run_until_complete(asyncio.sleep(0))
    gone = weakref.ref(waiting)
    waiting.cancel()
    del waiting
    made.run_until_complete(asyncio.sleep(0))
    made.close()
    del made
    gc.collect()
    assert gone() is None
