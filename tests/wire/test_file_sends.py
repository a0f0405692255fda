"""Large files on their way: whole, swapped, shrunk, and beside other requests."""

import os
import time
from pathlib import Path

import pytest

from tests.wire.connection import Connection, request
from tests.wire.file_site import laid_out, served, static
from tests.wire.server_process import PATIENCE

MIB = 1024 * 1024


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return laid_out(tmp_path)


def received(connection: Connection, target: str) -> tuple[int, int, bool]:
    """The length that the answer promised, the length that came, and whether it was all zeros."""
    connection.send(request("GET", target))
    head = bytearray()
    while b"\r\n\r\n" not in head:
        head += connection.socket.recv(1)
    promised = int(next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))[15:])
    came, zeros = 0, True
    while came < promised and (piece := connection.socket.recv(min(256 * 1024, promised - came))):
        came += len(piece)
        zeros &= not any(piece)
    return promised, came, zeros


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_a_large_sparse_file(site: Path) -> None:
    sparse(site / "large", 100 * MIB)

    def converse(port: int) -> tuple[int, int, bool]:
        with Connection(port) as connection:
            found = received(connection, "/s/large")
            assert connection.ask("GET", "/alive").body == b"alive"
            return found

    assert served(static(site), converse) == (100 * MIB, 100 * MIB, True)


@pytest.mark.parametrize("what", ["file", "directory", "link"])
def test_swapped_during_the_send(site: Path, what: str) -> None:
    (site / "deep").mkdir()
    sparse(site / "deep" / "large", 64 * MIB)
    (site.parent / "deep").mkdir()
    (site.parent / "deep" / "large").write_bytes(b"secret")

    def swap() -> None:
        if what == "file":
            (site / "deep" / "other").write_bytes(b"new")
            (site / "deep" / "other").rename(site / "deep" / "large")
        elif what == "link":
            (site / "deep" / "large").unlink()
            (site / "deep" / "large").symlink_to("../../secret")
        else:
            (site / "deep").rename(site / "gone")
            (site / "deep").symlink_to("../deep")

    def converse(port: int) -> tuple[int, bytes]:
        with Connection(port) as connection:
            connection.send(request("GET", "/s/deep/large"))
            first = connection.socket.recv(1024)
            swap()
            came = len(first) - first.index(b"\r\n\r\n") - 4
            while came < 64 * MIB:
                piece = connection.socket.recv(256 * 1024)
                assert piece
                assert not any(piece)
                came += len(piece)
            assert came == 64 * MIB
            after = connection.ask("GET", "/s/deep/large")
            return after.status, after.body

    status, body = served(static(site), converse)
    assert (status, body) == (200, b"new") if what == "file" else status == 404
    assert b"secret" not in body


def test_shrunk_during_the_send(site: Path) -> None:
    large = sparse(site / "large", 64 * MIB)

    def converse(port: int) -> int:
        with Connection(port) as connection:
            connection.send(request("GET", "/s/large"))
            connection.socket.recv(1024)
            os.truncate(large, 1024)
            return len(connection.rest())

    assert served(static(site), converse) < 64 * MIB


def test_others_are_answered_meanwhile(site: Path) -> None:
    sparse(site / "large", 256 * MIB)

    def converse(port: int) -> float:
        with Connection(port) as greedy, Connection(port) as modest:
            greedy.send(request("GET", "/s/large"))
            greedy.socket.recv(1024)
            started = time.monotonic()
            for _ in range(10):
                assert modest.ask("GET", "/alive").body == b"alive"
            return time.monotonic() - started

    assert served(static(site), converse) < PATIENCE / 4
