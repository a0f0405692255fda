"""Many connections: idle ones and their memory, and more than there are descriptors."""

import json
import resource
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.load.measures import cpu_seconds, descriptors, resident
from tests.wire.connection import Connection, ask, request
from tests.wire.server_process import PATIENCE, ServerProcess, running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc, and loopback addresses to connect from")
APP = "tests.load.app:main"
IDLE = 10_000
PER_CONNECTION = 2048
"""Bytes of memory an idle connection may take, allocator's loss included."""
ADDRESSES = [f"127.0.0.{host}" for host in range(2, 7)]


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """As many as this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + 1000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this process may open {hard} files, {wanted} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def idle_connection(port: int, number: int) -> socket.socket:
    """A connection that has had its answer, from one of several addresses so that ports suffice."""
    host = ADDRESSES[number % len(ADDRESSES)]
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE, (host, 0))
    connection.sendall(request("GET", "/"))
    assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    return connection


@pytest.mark.usefixtures("many_descriptors")
def test_idle_connections_take_little(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as out, ExitStack() as held:
        flags = ("--workers", "0", "--access-log", "--access-log-format", "json")
        server = held.enter_context(running(APP, *flags, stdout=out.fileno()))
        pid = server.process.pid
        warm = [idle_connection(server.port, number) for number in range(200)]
        before, files = resident(pid), descriptors(pid)
        idle = [idle_connection(server.port, number) for number in range(IDLE)]
        taken = (resident(pid) - before) / IDLE
        assert descriptors(pid) - files == IDLE, "all are there"
        assert taken < PER_CONNECTION, f"{taken:.0f} bytes a connection"
        for connection in (idle[0], idle[IDLE // 2], idle[-1]):
            connection.sendall(request("GET", "/"))
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        for connection in (*idle, *warm):
            connection.close()
        assert ask(server.port, "GET", "/").status == 200
        server.stop()
    statuses = {json.loads(line)["status"] for line in log.read_text().splitlines()}
    assert statuses == {200}, "no limit was reached"


def test_out_of_descriptors() -> None:
    """The limit is lowered under the server, so that accepting itself fails."""
    with running(APP, "--workers", "0") as server, ExitStack() as held:
        pid = server.process.pid
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (256, 256))
        connections = [held.enter_context(Connection(server.port)) for _ in range(400)]
        first = connections[0]
        assert first.ask("GET", "/").status == 200, "who is connected is served"
        used, began = cpu_seconds(pid), time.monotonic()
        while time.monotonic() - began < 1.5:
            assert first.ask("GET", "/").status == 200
            first.socket.settimeout(0.2)
            with pytest.raises(TimeoutError):
                first.socket.recv(1)
            first.socket.settimeout(PATIENCE)
        assert descriptors(pid) == 256
        assert cpu_seconds(pid) - used < 0.5, "it does not try all the time"
        for connection in connections[1:300]:
            connection.socket.close()
        late = connections[-1]
        assert late.ask("GET", "/").status == 200, "who waited is served in the end"
        assert ask(server.port, "GET", "/").status == 200
        server.stop()
        assert "Traceback" not in server.log
        assert "panic" not in server.log


def test_few_descriptors_from_the_start() -> None:
    """A part of them is kept back, so that who is one too many is told."""
    server = ServerProcess(APP, "--workers", "0")
    try:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (256, 256))
        server.wait_until_serving()
        with ExitStack() as held:
            kept = [held.enter_context(Connection(server.port)) for _ in range(230)]
            assert [each.ask("GET", "/").status for each in kept] == [200] * 230
            with Connection(server.port) as refused:
                answer = refused.next_answer()
                assert (answer.status, answer.get("retry-after"), answer.closes) == (503, "1", True)
            assert kept[-1].ask("GET", "/").status == 200
        assert ask(server.port, "GET", "/").status in (200, 503)
        server.stop()
    finally:
        server.kill()
