"""Large flows: streams to slow readers, and bodies without a length that go on and on. Memory stays as it is."""

import selectors
import socket
import sys
import time

import pytest

from tests.load.measures import resident
from tests.wire.connection import Connection, ask, request
from tests.wire.server_process import ServerProcess, running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc")
APP = "tests.load.app:main"
READERS = 100
MIB = 1024 * 1024
UNSENT = 512 * 1024
"""What a reader that does not keep up may cost: some pieces that are made, that wait and that are being sent."""
GROWTH = 8 * MIB
"""What all of them may take more in the second half than in the first."""
CHUNK = b"10000\r\n" + b"b" * 65536 + b"\r\n"
HEAD = request("POST", "/upload/%d", (("Transfer-Encoding", "chunked"),)).decode()


@pytest.mark.parametrize("target", ["/stream", "/stream/thread"])
def test_slow_readers(target: str) -> None:
    with running(APP, "--workers", "0") as server:
        read_slowly(server, target, 3)


@pytest.mark.soak
@pytest.mark.timeout(120)
@pytest.mark.parametrize("target", ["/stream", "/stream/thread"])
def test_slow_readers_for_long(target: str) -> None:
    with running(APP, "--workers", "0") as server:
        read_slowly(server, target, 30)


def read_slowly(server: ServerProcess, target: str, seconds: float) -> None:
    """Each of many readers takes a little of a stream of 1 GiB at a time; one more client is answered meanwhile."""
    pid = server.process.pid
    readers = list[socket.socket]()
    with selectors.DefaultSelector() as ready, Connection(server.port) as other:
        other.ask("GET", "/")
        before = resident(pid)
        for _ in range(READERS):
            reader = socket.create_connection(("127.0.0.1", server.port))
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            reader.sendall(request("GET", target))
            ready.register(reader, selectors.EVENT_READ, reader)
            readers.append(reader)
        taken, most, early, began = 0, 0, 0, time.monotonic()
        while (elapsed := time.monotonic() - began) < seconds:
            for key, _ in ready.select(1):
                piece = key.data.recv(512)
                assert piece, "a stream ended"
                taken += len(piece)
            most = max(most, resident(pid) - before)
            early = most if elapsed < seconds / 2 else early
            assert other.ask("GET", "/").status == 200
    for reader in readers:
        reader.close()
    assert taken > READERS * 1000
    assert most < READERS * UNSENT, f"{most / MIB:.1f} MiB for {READERS} readers"
    assert most - early < GROWTH, f"{early / MIB:.1f} MiB, then {most / MIB:.1f} MiB"
    assert ask(server.port, "GET", "/").status == 200


def test_body_without_end_is_refused_at_its_limit() -> None:
    with running(APP, "--workers", "0") as server:
        upload_on_and_on(server, 64)


@pytest.mark.soak
@pytest.mark.timeout(120)
def test_ten_gibibytes_are_refused_at_one() -> None:
    with running(APP, "--workers", "0") as server:
        upload_on_and_on(server, 1024)


def upload_on_and_on(server: ServerProcess, limit: int) -> None:
    """Send ten times the limit, in MiB, in chunks: it ends with 413, a little after the limit."""
    pid = server.process.pid
    with Connection(server.port) as connection:
        connection.ask("POST", f"/upload/{limit}", (), b"x")
        before, most = resident(pid), 0
        connection.send((HEAD % limit).encode())
        sent = 0
        connection.socket.setblocking(False)  # noqa: FBT003 - the standard library's
        with selectors.DefaultSelector() as ready:
            ready.register(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while sent < 10 * limit * MIB:
                (_, events), *_ = ready.select(20)
                if events & selectors.EVENT_READ:
                    break
                sent += send_all(connection.socket, CHUNK)
                if sent % (16 * MIB) < len(CHUNK):
                    most = max(most, resident(pid) - before)
        connection.socket.settimeout(20)
        answer = connection.next_answer()
        assert (answer.status, answer.closes) == (413, True)
    assert limit * MIB < sent < (limit + 32) * MIB, f"{sent / MIB:.1f} MiB sent"
    assert most < 16 * MIB, f"{most / MIB:.1f} MiB more memory"
    assert ask(server.port, "GET", "/").status == 200


def send_all(connection: socket.socket, data: bytes) -> int:
    """All of it, however long it takes; how much that was."""
    connection.settimeout(20)
    connection.sendall(data)
    connection.settimeout(0)
    return len(data)


@pytest.mark.soak
@pytest.mark.timeout(120)
def test_a_stream_of_a_gibibyte_is_whole() -> None:
    with running(APP, "--workers", "0") as server, Connection(server.port) as connection:
        before = resident(server.process.pid)
        connection.send(request("GET", "/stream", (("Connection", "close"),)))
        room, size, tail = bytearray(MIB), 0, b""
        while got := connection.socket.recv_into(room):
            size += got
            tail = (tail + bytes(room[max(0, got - 16) : got]))[-16:]
        assert size > 1024 * MIB
        assert tail.endswith(b"\r\n0\r\n\r\n")
        assert resident(server.process.pid) - before < 8 * MIB
