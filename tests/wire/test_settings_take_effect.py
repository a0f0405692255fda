"""Settings from a file, the environment and a program, as clients notice them."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from covet import Server
from covet.loop import run
from covet.settings import ServerSettings
from tests.wire.app import main
from tests.wire.server_process import PATIENCE, running

LONG_TARGET = b"GET /" + b"a" * 100 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
MANY_FIELDS = b"GET /none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nA: 1\r\nB: 1\r\n\r\n"


async def status(port: int, request: bytes) -> bytes:
    """The status line's code."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer.split(b" ", 2)[1]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_command_takes_them_from_file_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    file = tmp_path / "covet.toml"
    file.write_text("max_target = 64\nmax_fields = 50\n")
    monkeypatch.setenv("COVET_CONFIG", str(file))
    monkeypatch.setenv("COVET_MAX_FIELDS", "3")
    with running("tests.wire.app:main", "--workers", workers) as server:
        for request, code in ((LONG_TARGET, b"414"), (MANY_FIELDS, b"431")):
            assert asyncio.run(status(server.port, request)) == code


def test_a_program_gives_them() -> None:
    async def serve() -> list[bytes]:
        async with Server(main, port=0, settings=ServerSettings(max_target=64, max_fields=3)) as server:
            port = int(server.url.rpartition(":")[2])
            return [await status(port, LONG_TARGET), await status(port, MANY_FIELDS)]

    assert run(serve()) == [b"414", b"431"]


def test_a_changed_file_counts_for_workers_that_are_replaced(tmp_path: Path) -> None:
    file = tmp_path / "covet.toml"
    file.write_text("max_target = 4096\n")
    with running("tests.wire.app:main", "--config", str(file)) as server:
        assert asyncio.run(status(server.port, LONG_TARGET)) == b"404"
        file.write_text("max_target = 64\n")
        server.signal(signal.SIGHUP)
        server.wait_for(r"covet: (1 worker )?replaced\n")
        deadline = time.monotonic() + PATIENCE  # the old worker answers what it had accepted
        while asyncio.run(status(server.port, LONG_TARGET)) != b"414":
            assert time.monotonic() < deadline, server.log
        file.write_text("max_targte = 64\n")
        server.signal(signal.SIGHUP)
        server.wait_for(rf"{file}:1: unknown setting 'max_targte': did you mean max_target\?")
        assert asyncio.run(status(server.port, LONG_TARGET)) == b"414"
