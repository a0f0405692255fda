"""Limits of connections as a whole: how many, from where, how long they wait to be accepted and how they end."""

import itertools
import select
import signal
import socket
import sys
import time

import pytest

from tests.wire.connection import Connection, EndedError, ask, request
from tests.wire.server_process import ServerProcess, running

HERE = ("--workers", "0")


def other_address() -> str:
    """An address of this machine that is no loopback; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address: str = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return address


def test_connections_of_one_address() -> None:
    limit, host = 2, other_address()
    flags = (*HERE, "--host", "127.0.0.1", "--host", host, "--max-connections-per-address", str(limit))
    with running("examples.echo:main", *flags) as server:
        kept = [Connection(server.port, host) for _ in range(limit)]
        assert [connection.ask("GET", "/").status for connection in kept] == [200] * limit
        with Connection(server.port, host) as refused:
            answer = refused.next_answer()
            assert (answer.status, answer.closes, answer.get("retry-after")) == (503, True, "1")
            assert refused.rest() == b""
        server.wait_for(
            rf"too many connections: 1 turned away since the last such line \(max_connections_per_address is {limit}\)\n"
        )
        local = [Connection(server.port) for _ in range(limit + 2)]
        assert {connection.ask("GET", "/").status for connection in local} == {200}, "loopback is never counted"
        kept.pop().socket.close()
        assert let_in(server, host), "there is room again"
        for connection in (*kept, *local):
            connection.socket.close()


def let_in(server: ServerProcess, host: str) -> bool:
    """Whether a connection is served in the end: the server learns of a closed one in a turn of its own."""
    for _ in range(1000):
        with Connection(server.port, host) as connection:
            try:
                if connection.ask("GET", "/").status == 200:
                    return True
            except (EndedError, OSError):
                continue
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="what a full backlog does is the kernel's matter")
def test_backlog() -> None:
    backlog = 3
    with running("examples.echo:main", *HERE, "--backlog", str(backlog)) as server:
        server.signal(signal.SIGSTOP)
        waiting = list[socket.socket]()
        try:
            # Linux keeps one more than it was told.
            for _ in range(backlog + 1):
                waiting.append(socket.create_connection(("127.0.0.1", server.port), 5))
            with pytest.raises(TimeoutError):
                socket.create_connection(("127.0.0.1", server.port), 0.3)
        finally:
            server.signal(signal.SIGCONT)
            for each in waiting:
                each.close()
        assert ask(server.port, "GET", "/").status == 200


@pytest.mark.parametrize(("size", "stays"), [(999, True), (1000, True), (1001, False)])
def test_unread_body_is_thrown_away(size: int, stays: bool) -> None:  # noqa: FBT001 - a table's column
    flags = (*HERE, "--max-discard", "1KB")
    with running("examples.echo:main", *flags) as server, Connection(server.port) as connection:
        connection.send(f"POST /ignore-body HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode())
        answer = connection.next_answer()
        assert (answer.status, answer.closes) == (200, not stays)
        connection.send(b"b" * size)
        if stays:
            assert connection.ask("GET", "/after").status == 200
        else:
            assert connection.rest() == b""


def test_refused_connection_is_read_on_for_a_while() -> None:
    """With the default, two seconds, this would take as long."""
    with running("examples.echo:main", *HERE, "--linger", "0.2") as server, Connection(server.port) as connection:
        began = time.monotonic()
        connection.send(b"nonsense\r\n\r\n")
        assert connection.next_answer().status == 400
        assert connection.rest() == b""
        poll = select.poll()
        poll.register(connection.socket, 0)  # asks for errors alone: the connection was reset
        for _ in itertools.count():
            try:
                connection.send(b"more")
            except OSError:
                break
            if poll.poll(10):
                break
        assert 0.15 < time.monotonic() - began < 1.5


def test_idle_connection_outlives_the_signal_for_a_while() -> None:
    quiet = 1.6
    with (
        running("examples.echo:main", *HERE, "--drain-quiet", str(quiet)) as server,
        Connection(server.port) as idle,
        Connection(server.port) as busy,
    ):
        assert idle.ask("GET", "/").status == 200
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        busy.send(request("GET", "/"))
        assert busy.next_answer().status == 200
        assert idle.rest() == b""
        assert time.monotonic() - began > quiet - 0.1, "longer than the default, 1 second"
        assert server.end() == 0
