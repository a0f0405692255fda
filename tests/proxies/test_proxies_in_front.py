"""CovetPy behind nginx and HAProxy: connections that are kept, requests meant to deceive, who asked, and a long load."""

import asyncio
import contextlib
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.proxies.proxy_servers import haproxy_before, nginx_before
from tests.wire.conformance_cases import CASES, payload
from tests.wire.connection import Connection, EndedError, Fields, ask, request
from tests.wire.programs import needs
from tests.wire.server_process import PATIENCE, ServerProcess, running

APP = "tests.proxies.app:main"
Before = Callable[[Path, int], AbstractContextManager[int]]
NGINX, HAPROXY = needs("nginx"), needs("haproxy")
PROXIES = [
    pytest.param(nginx_before, marks=NGINX, id="nginx"),
    pytest.param(partial(nginx_before, buffering=False), marks=NGINX, id="nginx that does not buffer"),
    pytest.param(haproxy_before, marks=HAPROXY, id="HAProxy"),
    pytest.param(
        partial(haproxy_before, more="option accept-invalid-http-request"), marks=HAPROXY, id="HAProxy that takes all"
    ),
]
SOAK_SECONDS = float(os.environ.get("COVET_TEST_SOAK_SECONDS", "60"))


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running(APP, "--workers", "0") as process:
        yield process
        process.stop()
        assert "Traceback" not in process.log


@pytest.mark.parametrize("before", PROXIES)
def test_connections_are_kept(server: ServerProcess, tmp_path: Path, before: Before) -> None:
    with before(tmp_path, server.port) as port:
        told = [ask(port, "GET", f"/victim/{number}").json() for number in range(20)]
        assert [number for number, _ in told] == list(range(20))
        assert len({connection for _, connection in told}) <= 2, "of 20 requests"
        with Connection(port) as connection:
            sizes = [len(connection.ask("POST", "/echo", (), b"b" * size).body) for size in (1, 100_000, 0, 1_000_000)]
        assert sizes == [1, 100_000, 0, 1_000_000]


def deceive(port: int, data: bytes) -> None:
    """Send it, shut the sending side, and read until the proxy ends the connection."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection, contextlib.suppress(OSError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


@pytest.mark.timeout(300)
@pytest.mark.parametrize("before", PROXIES)
def test_nobody_gets_the_answer_of_another(server: ServerProcess, tmp_path: Path, before: Before) -> None:
    """After each case a victim asks over the connection that the case went over, where it was not closed."""
    connections = Counter[int]()
    with before(tmp_path, server.port) as port:
        for number, (name, case) in enumerate(CASES.items()):
            deceive(port, payload(case))
            for own in (2 * number, 2 * number + 1):
                answer = ask(port, "GET", f"/victim/{own}")
                assert answer.status == 200, (name, answer)
                got, connection = answer.json()
                assert got == own, name
                connections[connection] += 1
    # Victims share connections with the cases: else none of this could fail.
    assert sum(connections.values()) / len(connections) > 3, connections


def asked_from(host: str, port: int, fields: Fields = ()) -> tuple[object, int]:
    """What the server says of a client that connects to the proxy from this address; the client's port."""
    with Connection(port) as connection:
        connection.socket.close()
        connection.socket = socket.create_connection(("127.0.0.1", port), PATIENCE, (host, 0))
        own: int = connection.socket.getsockname()[1]
        said = [connection.ask("GET", "/who", fields).json() for _ in range(2)]
    assert said[0] == said[1]
    return said[0], own


@pytest.mark.parametrize("before", PROXIES)
def test_who_asked(tmp_path: Path, before: Before) -> None:
    lies = (("X-Forwarded-For", "6.6.6.6"),)
    with (
        running(APP, "--workers", "0", "--trusted-proxies", "127.0.0.1") as server,
        before(tmp_path, server.port) as port,
    ):
        for fields in ((), lies):
            said, _ = asked_from("127.0.0.5", port, fields)
            assert said == {"client": ["127.0.0.5", 0], "url": "http://localhost/who"}
        said, _ = asked_from("127.0.0.1", port, lies)
        assert said == {"client": ["6.6.6.6", 0], "url": "http://localhost/who"}, "from a proxy before the proxy"


@HAPROXY
@pytest.mark.parametrize("sending", ["send-proxy", "send-proxy-v2"])
def test_proxy_protocol(tmp_path: Path, sending: str) -> None:
    flags = ("--workers", "0", "--proxy-protocol", "--trusted-proxies", "127.0.0.1")
    with running(APP, *flags) as server, haproxy_before(tmp_path, server.port, sending=sending) as port:
        for host in ("127.0.0.5", "127.0.0.6", "127.0.0.5"):
            said, own = asked_from(host, port)
            assert said == {"client": [host, own], "url": "http://localhost/who"}
        with pytest.raises(EndedError):
            ask(server.port, "GET", "/who")


class Load:
    """Clients that keep their connections and rest for different times; counts what is not as it should be."""

    def __init__(self, port: int, until: float) -> None:
        self.port = port
        self.until = until
        self.answered = 0
        self.wrong = Counter[str]()

    async def client(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        turn = number
        while loop.time() < self.until:
            turn += 32
            writer.write(request("POST", f"/work/{turn}", (), b"b" * (turn % 5000)))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            body = await reader.readexactly(length)
            if body != b"[%d,%d]" % (turn, turn % 5000):
                self.wrong[(head.partition(b"\r\n")[0] + body).decode()] += 1
            self.answered += 1
            if turn % 11 == 0:
                await asyncio.sleep(turn % 13 / 10)
        writer.close()


async def load(port: int, seconds: float) -> Load:
    load = Load(port, asyncio.get_running_loop().time() + seconds)
    async with asyncio.TaskGroup() as group:
        for number in range(32):
            group.create_task(load.client(number))
    return load


def steady(folder: Path, seconds: float) -> None:
    """Connections to the server are idle, aged and replaced all the time, and none ends under a request."""
    flags = ("--workers", "2", "--keep-alive", "3", "--connection-max-age", "1")
    with running(APP, *flags) as server, nginx_before(folder, server.port, kept=64, idle=1) as port:
        done = asyncio.run(load(port, seconds))
    assert not done.wrong
    assert done.answered > 50 * seconds
    log = (folder / "nginx.error.log").read_text()
    assert [line for line in log.splitlines() if "upstream" in line] == []


@NGINX
def test_no_connection_ends_under_a_request(tmp_path: Path) -> None:
    steady(tmp_path, 3)


@NGINX
@pytest.mark.soak
@pytest.mark.timeout(SOAK_SECONDS + 60)
def test_no_connection_ends_under_a_request_for_long(tmp_path: Path) -> None:
    steady(tmp_path, SOAK_SECONDS)
