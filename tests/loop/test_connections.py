"""How connections begin: addresses that are numbers, names, refusals, factories that fail."""

import asyncio
import contextvars
import errno
import logging
import os
import socket
from typing import Any

import pytest

from covet.loop import EventLoop, new_event_loop


class Told(asyncio.Protocol):
    """Knows its transport, and that it has lost it."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost.set_result(None)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_both_ends_know_the_addresses(loop: EventLoop, host: str, debug: bool) -> None:
    accepted: list[Told] = []

    def factory() -> Told:
        accepted.append(Told())
        return accepted[-1]

    async def main() -> None:
        server = await loop.create_server(factory, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        transport, protocol = await loop.create_connection(Told, host, port)
        assert protocol.transport is transport, "told before create_connection returns"
        assert transport.get_extra_info("peername") == ("127.0.0.1", port)
        assert transport.get_extra_info("socket").getpeername() == ("127.0.0.1", port)
        while not (accepted and accepted[0].transport):
            await asyncio.sleep(0)
        theirs = accepted[0].transport
        assert theirs.get_extra_info("peername") == transport.get_extra_info("sockname")
        transport.close()
        await asyncio.wait_for(accepted[0].lost, 20)
        assert theirs.get_extra_info("peername") == transport.get_extra_info("sockname"), "after the end, too"
        server.close()
        await server.wait_closed()

    loop.set_debug(debug)
    loop.run_until_complete(main())


@pytest.mark.parametrize("from_the_start", [True, False])
def test_debug_mode_speaks_of_who_comes(
    loop: EventLoop, caplog: pytest.LogCaptureFixture, from_the_start: bool
) -> None:
    async def main() -> None:
        accepted: asyncio.Queue[Told] = asyncio.Queue()

        def factory() -> Told:
            accepted.put_nowait(protocol := Told())
            return protocol

        server = await loop.create_server(factory, "127.0.0.1", 0)
        loop.set_debug(True)
        transport, _ = await loop.create_connection(Told, *server.sockets[0].getsockname())
        protocol = await asyncio.wait_for(accepted.get(), 20)
        transport.close()
        await asyncio.wait_for(protocol.lost, 20)
        server.close()

    loop.set_debug(from_the_start)
    with caplog.at_level(logging.DEBUG, "asyncio"):
        loop.run_until_complete(main())
    (line,) = [line for line in caplog.messages if "got a new connection from" in line]
    assert "<Server sockets=" in line
    assert "('127.0.0.1', " in line
    assert "socket.socket" in line or "TransportSocket" in line


def test_a_refusal_says_of_whom(loop: EventLoop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
    loop.run_until_complete(asyncio.sleep(0))
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(ConnectionRefusedError, match="Connect call failed") as refused:
        loop.run_until_complete(loop.create_connection(asyncio.Protocol, *address))
    assert str(address) in str(refused.value)
    assert len(os.listdir("/dev/fd")) == before, "the socket was closed"


def test_a_factory_that_fails_ends_that_connection_alone(loop: EventLoop) -> None:
    fails = [True, False]
    made: list[Told] = []

    def factory() -> asyncio.Protocol:
        if fails.pop(0):
            raise ValueError("on purpose")
        made.append(Told())
        return made[-1]

    async def main() -> None:
        server = await loop.create_server(factory, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*address)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
        _, writer = await asyncio.open_connection(*address)
        while not made:
            await asyncio.sleep(0)
        writer.close()
        await asyncio.wait_for(made[0].lost, 20)
        server.close()

    loop.run_until_complete(main())


def test_a_factory_that_fails_leaves_no_socket_of_the_client(loop: EventLoop) -> None:
    def factory() -> asyncio.Protocol:
        raise ValueError("on purpose")

    with socket.create_server(("127.0.0.1", 0)) as server:
        connecting = loop.create_connection(factory, *server.getsockname())
        with pytest.raises(ValueError, match="on purpose") as failed:
            loop.run_until_complete(connecting)
        theirs, _ = server.accept()
        with theirs:
            theirs.settimeout(20)
            assert theirs.recv(1) == b"", "while the exception is still held"
    del failed


def test_a_factory_has_a_context_of_its_own(loop: EventLoop) -> None:
    variable = contextvars.ContextVar("variable", default="unset")
    found: list[str] = []
    made: list[Told] = []

    def factory() -> Told:
        found.append(variable.get())
        variable.set("of the connection before")
        made.append(Told())
        return made[-1]

    async def main() -> None:
        server = await loop.create_server(factory, "127.0.0.1", 0)
        for number in range(2):
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            while len(made) == number:
                await asyncio.sleep(0)
            writer.close()
            await asyncio.wait_for(made[number].lost, 20)
        server.close()

    loop.run_until_complete(main())
    assert found == ["unset", "unset"]


class Exhausted:
    """A listening socket of a process that has no descriptor left for the first who comes."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._fails = True
        self.fileno, self.family, self.type, self.proto = listening.fileno, 0, 0, 0

    def accept(self) -> Any:
        if self._fails:
            self._fails = False
            raise OSError(errno.EMFILE, "none left")
        return self._listening.accept()


def test_accept_without_a_descriptor_left_is_reported_once_and_tried_again(
    loop: EventLoop, reports: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.constants, "ACCEPT_RETRY_DELAY", 0.01)
    made: asyncio.Queue[Told] = asyncio.Queue()

    def factory() -> Told:
        told = Told()
        made.put_nowait(told)
        return told

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            accepting: Any = loop
            accepting._start_serving(factory, Exhausted(listening), None, None, 100)
            with socket.create_connection(listening.getsockname()):
                told = await asyncio.wait_for(made.get(), 20)
                assert len(reports) == 1
            await asyncio.wait_for(told.lost, 20)
            accepting._remove_reader(listening.fileno())

    loop.run_until_complete(main())
    assert reports[0]["message"] == "socket.accept() out of system resource"


def test_another_failure_of_accept_is_reported_as_the_callbacks(
    loop: EventLoop, reports: list[dict[str, object]]
) -> None:
    class Broken(Exhausted):
        def accept(self) -> Any:
            loop.stop()
            raise OSError(errno.EPROTO, "no protocol")

    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()):
        accepting: Any = loop
        accepting._start_serving(asyncio.Protocol, Broken(listening), None, None, 100)
        loop.run_forever()
        accepting._remove_reader(listening.fileno())
    assert "_accept_connection" in str(reports[0]["message"])
    assert isinstance(reports[0]["exception"], OSError)


def test_a_server_with_a_backlog_of_none_accepts(loop: EventLoop) -> None:
    """`listen(0)` still lets one wait."""

    async def main() -> None:
        told = Told()
        server = await loop.create_server(lambda: told, "127.0.0.1", 0, backlog=0)
        async with server:
            with socket.create_connection(server.sockets[0].getsockname()):
                pass
            await asyncio.wait_for(told.lost, 20)

    loop.run_until_complete(main())


def test_who_left_before_the_accept_does_not_hold_up_the_next(loop: EventLoop) -> None:
    class Aborted(Exhausted):
        aborts = 1

        def accept(self) -> Any:
            if self.aborts:
                self.aborts = 0
                raise ConnectionAbortedError
            return self._listening.accept()

    made: list[Told] = []

    def factory() -> Told:
        made.append(Told())
        return made[-1]

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            with socket.create_connection(listening.getsockname()):
                accepting: Any = loop
                accepting._accept_connection(factory, Aborted(listening), None, None, 100)
                assert len(made) == 1
            await asyncio.wait_for(made[0].lost, 20)

    loop.run_until_complete(main())


def test_a_connection_that_is_cancelled_while_it_begins_is_closed(loop: EventLoop) -> None:
    async def main() -> None:
        accepted: list[Told] = []
        made: list[Told] = []

        def accept() -> Told:
            accepted.append(Told())
            return accepted[-1]

        server = await loop.create_server(accept, "127.0.0.1", 0)

        def factory() -> Told:
            made.append(Told())
            connecting.cancel()
            return made[-1]

        connecting = asyncio.ensure_future(loop.create_connection(factory, *server.sockets[0].getsockname()))
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await asyncio.wait_for(made[0].lost, 20)
        while not accepted:
            await asyncio.sleep(0)
        await asyncio.wait_for(accepted[0].lost, 20)
        server.close()

    loop.run_until_complete(main())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_has_a_loop_of_its_own(loop: EventLoop) -> None:
    loop.run_until_complete(asyncio.sleep(0))
    child = os.fork()
    if child == 0:
        answer = 1
        try:
            # The parent's engine is left alone, and a new one is made.
            loop.run_until_complete(asyncio.sleep(0))
            other = new_event_loop()
            other.run_until_complete(asyncio.sleep(0))
            answer = 0
        finally:
            os._exit(answer)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    loop.run_until_complete(asyncio.sleep(0))
