"""Connections whose sockets no Python object has: what is seen of them is what asyncio shows."""

import asyncio
import errno
import gc
import os
import pathlib
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from covet._transports import SocketTransport
from covet.loop import EventLoop, new_event_loop


class Kept(asyncio.Protocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        running = asyncio.get_running_loop()
        self.made: asyncio.Future[Any] = running.create_future()
        self.lost: asyncio.Future[None] = running.create_future()
        self.received: asyncio.Future[bytes] = running.create_future()

    def connection_made(self, transport: Any) -> None:
        self.made.set_result(transport)

    def data_received(self, data: bytes) -> None:
        self.received.set_result(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost.set_result(None)


@asynccontextmanager
async def both_ends(host: str = "127.0.0.1") -> AsyncIterator[tuple[Any, Any]]:
    """The protocols of a connection, first of who connected."""
    loop = asyncio.get_running_loop()
    accepted: asyncio.Queue[Kept] = asyncio.Queue()

    def accept() -> Kept:
        accepted.put_nowait(Kept())
        return accepted._queue[-1]  # type: ignore[attr-defined,no-any-return]

    server = await loop.create_server(accept, host, 0)
    _, ours = await loop.create_connection(Kept, *server.sockets[0].getsockname()[:2])
    theirs = await accepted.get()
    await theirs.made
    try:
        yield ours, theirs
    finally:
        for end in (ours, theirs):
            end.made.result().close()
            await end.lost
        server.close()
        await server.wait_closed()


def test_no_python_socket_is_made_unless_asked_for(loop: EventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    make: Any = SocketTransport._make_socket

    def counted(self: Any, *words: Any) -> Any:
        made.append(words)
        return make(self, *words)

    monkeypatch.setattr(SocketTransport, "_make_socket", counted)

    async def main() -> None:
        async with both_ends() as (ours, theirs):
            transport = ours.made.result()
            transport.write(b"something")
            assert await theirs.received == b"something"
            assert transport.get_extra_info("peername") == theirs.made.result().get_extra_info("sockname")
            assert "read=polling" in repr(transport)
            assert made == []
            assert transport.get_extra_info("socket") is transport.get_extra_info("socket")
            assert len(made) == 1

    loop.run_until_complete(main())


def test_the_socket_that_is_asked_for_is_the_connections(loop: EventLoop) -> None:
    async def main() -> None:
        async with both_ends() as ends:
            for end in ends:
                transport = end.made.result()
                sock = transport.get_extra_info("socket")
                assert sock.fileno() == transport._sock_fd
                assert (sock.family, sock.type, sock.proto) == (
                    socket.AF_INET,
                    socket.SOCK_STREAM,
                    socket.IPPROTO_TCP,
                )
                assert transport._sock.gettimeout() == 0
                assert not os.get_blocking(sock.fileno())
                assert not os.get_inheritable(sock.fileno())
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
                assert sock.getsockname() == transport.get_extra_info("sockname")
                assert sock.getpeername() == transport.get_extra_info("peername")
                with sock.dup() as copy:
                    assert copy.getsockname() == sock.getsockname()
            ends[0].made.result().write(b"after that")
            assert await ends[1].received == b"after that"

    loop.run_until_complete(main())


@pytest.mark.parametrize("asked_before", [False, True])
def test_what_is_known_after_the_end(loop: EventLoop, asked_before: bool) -> None:
    async def main() -> tuple[Any, Any]:
        async with both_ends() as ends:
            transports = tuple(end.made.result() for end in ends)
            for transport in transports:
                if asked_before:
                    assert transport.get_extra_info("socket").fileno() >= 0
        return transports

    ours, theirs = loop.run_until_complete(main())
    for transport in (ours, theirs):
        sock = transport.get_extra_info("socket")
        assert sock.fileno() == -1
        assert (sock.family, sock.type, sock.proto) == (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        assert repr(transport).startswith(f"<SocketTransport closed fd={transport._sock_fd}")
    assert ours.get_extra_info("sockname") == theirs.get_extra_info("peername")
    assert ours.get_extra_info("peername") == theirs.get_extra_info("sockname")
    assert ours.get_extra_info("sslcontext") is None
    assert ours.get_extra_info("sslcontext", 5) == 5


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6")
def test_addresses_of_version_six_are_pythons(loop: EventLoop) -> None:
    async def main() -> None:
        async with both_ends("::1") as (_, theirs):
            transport = theirs.made.result()
            name, peer = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
            sock = transport.get_extra_info("socket")
            assert sock.family == socket.AF_INET6
            assert name == sock.getsockname()
            assert peer == sock.getpeername()

    loop.run_until_complete(main())


@pytest.mark.parametrize("is_accepted", [False, True])
def test_one_that_nobody_closed_warns_and_is_closed(is_accepted: bool) -> None:
    loop = new_event_loop()

    async def main() -> int:
        accepted: list[Kept] = []

        def accept() -> Kept:
            accepted.append(Kept())
            return accepted[-1]

        server = await loop.create_server(accept, "127.0.0.1", 0)
        _, ours = await loop.create_connection(Kept, *server.sockets[0].getsockname())
        while not accepted:
            await asyncio.sleep(0)
        server.close()
        left, other = (accepted[0], ours) if is_accepted else (ours, accepted[0])
        left.made.result().pause_reading()
        other.made.result().close()
        await other.lost
        number: int = left.made.result()._sock_fd
        return number

    number = loop.run_until_complete(main())
    gc.collect()
    os.fstat(number)
    with pytest.warns(ResourceWarning, match=r"unclosed transport <SocketTransport fd="):
        loop.close()
        gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_a_protocol_that_fails_at_once_is_reported_and_reads(loop: EventLoop, reports: list[dict[str, Any]]) -> None:
    class Failing(Kept):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            raise ValueError("on purpose")

    async def main() -> None:
        accepted: list[Failing] = []

        def accept() -> Failing:
            accepted.append(Failing())
            return accepted[-1]

        server = await loop.create_server(accept, "127.0.0.1", 0)
        transport, ours = await loop.create_connection(Kept, *server.sockets[0].getsockname())
        transport.write(b"all the same")
        while not accepted:
            await asyncio.sleep(0)
        assert await accepted[0].received == b"all the same"
        transport.close()
        await ours.lost
        await accepted[0].lost
        server.close()

    loop.run_until_complete(main())
    (report,) = reports
    assert isinstance(report["exception"], ValueError)
    assert "connection_made" in report["message"]


def test_without_a_descriptor_left_it_accepts_again_later(
    loop: EventLoop, reports: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.constants, "ACCEPT_RETRY_DELAY", 0.01)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def main() -> None:
        accepted = loop.create_future()

        def accept() -> Kept:
            protocol = Kept()
            accepted.set_result(protocol)
            return protocol

        server = await loop.create_server(accept, "127.0.0.1", 0)
        listening = server.sockets[0]
        with socket.socket() as client:
            free = os.dup(client.fileno())
            os.close(free)
            resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
            try:
                client.connect(listening.getsockname())
                while len(reports) < 2:
                    await asyncio.sleep(0)
                assert not accepted.done()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            protocol = await asyncio.wait_for(accepted, 20)
        await asyncio.wait_for(protocol.lost, 20)
        server.close()
        await server.wait_closed()

    loop.run_until_complete(main())
    for report in reports:
        assert report["message"] == "socket.accept() out of system resource"
        assert report["exception"].errno == errno.EMFILE
        assert isinstance(report["socket"], asyncio.trsock.TransportSocket)  # type: ignore[attr-defined]


@pytest.mark.parametrize("is_native", [True, False])
def test_a_server_that_closes_while_it_rests_from_accepting_begins_no_more(
    loop: EventLoop, reports: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, is_native: bool
) -> None:
    monkeypatch.setattr(asyncio.constants, "ACCEPT_RETRY_DELAY", 0.01)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def main() -> None:
        with socket.socket(socket.AF_INET if is_native else socket.AF_UNIX) as client:
            if is_native:
                server = await loop.create_server(Kept, "127.0.0.1", 0)
            else:
                server = await loop.create_unix_server(Kept, f"\0covet-test-rests-{os.getpid()}")
            listening = server.sockets[0]
            free = os.dup(client.fileno())
            os.close(free)
            resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
            try:
                client.connect(listening.getsockname())
                while not reports:
                    await asyncio.sleep(0)
                server.close()
                later = loop.create_future()
                loop.call_later(0.01, later.set_result, None)  # after what was to begin again
                await later
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    loop.run_until_complete(main())
    assert [report["message"] for report in reports] == ["socket.accept() out of system resource"]


def test_a_listening_socket_closed_behind_its_back_harms_nobody(loop: EventLoop, reports: list[object]) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            number = listening.fileno()
            await loop.create_server(Kept, sock=listening)
        # The number is another's by now.
        with socket.create_server(("127.0.0.1", 0)) as other:
            assert other.fileno() == number
            with socket.create_connection(other.getsockname()):
                await asyncio.sleep(0)
                other.accept()[0].close()
        async with both_ends() as (ours, theirs):
            ours.made.result().write(b"something")
            assert await theirs.received == b"something"

    loop.run_until_complete(main())
    assert reports == []


def test_the_number_of_one_that_was_cancelled_while_it_began_is_free(loop: EventLoop) -> None:
    async def main() -> None:
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        numbers = []
        for _ in range(3):
            made: list[Kept] = []

            def factory(made: list[Kept] = made) -> Kept:
                made.append(Kept())
                return made[-1]

            connecting = asyncio.ensure_future(loop.create_connection(factory, *address))
            while not made:
                await asyncio.sleep(0)
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            await made[0].lost
            numbers.append(made[0].made.result()._sock_fd)
        async with both_ends() as (ours, theirs):
            numbers.append(ours.made.result()._sock_fd)
            theirs.made.result().write(b"something")
            assert await asyncio.wait_for(ours.received, 20) == b"something"
        assert len(set(numbers)) < len(numbers), "the number was used again"
        server.close()

    loop.run_until_complete(main())


def test_its_descriptor_is_not_for_readers(loop: EventLoop) -> None:
    async def main() -> None:
        async with both_ends() as (ours, _):
            transport = ours.made.result()
            number = transport._sock_fd
            assert number in loop._transports
            with pytest.raises(RuntimeError, match="is used by transport"):
                loop.add_reader(number, int)
        assert number not in loop._transports
        assert transport not in loop._transports.values()
        with pytest.raises(KeyError):
            loop._transports[number]
        with pytest.raises(KeyError):
            del loop._transports[number]

    loop.run_until_complete(main())


def test_a_file_is_sent_over_it(loop: EventLoop, tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_bytes(b"the file's bytes")

    async def main() -> None:
        async with both_ends() as (ours, theirs):
            with (tmp_path / "file").open("rb") as file:
                assert await loop.sendfile(ours.made.result(), file) == 16
            assert await asyncio.wait_for(theirs.received, 20) == b"the file's bytes"
            with pytest.raises(RuntimeError, match="is used by transport"):
                loop.add_reader(ours.made.result()._sock_fd, int)

    loop.run_until_complete(main())


def test_many_who_wait_are_accepted_in_their_order(loop: EventLoop) -> None:
    async def main() -> None:
        peers: list[Any] = []

        class Noting(asyncio.Protocol):
            def connection_made(self, transport: Any) -> None:
                peers.append(transport.get_extra_info("peername"))
                transport.close()

        server = await loop.create_server(Noting, "127.0.0.1", 0, backlog=3, start_serving=False)
        listening = server.sockets[0]
        await server.start_serving()
        clients = [socket.create_connection(listening.getsockname()) for _ in range(4)]
        names = [client.getsockname() for client in clients]
        while len(peers) < len(clients):
            await asyncio.sleep(0)
        for client in clients:
            client.close()
        server.close()
        await server.wait_closed()
        assert peers == names

    loop.run_until_complete(main())
