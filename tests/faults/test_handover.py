"""One covet hands its sockets to the next under load; a next one that fails leaves the first serving."""

import asyncio
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.load import Load, Tally
from tests.faults.possessions import Possessions, until
from tests.wire.connection import ask
from tests.wire.server_process import PATIENCE, SERVING, ServerProcess, running

CLIENTS = 32

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux: waits for processes that are no children")

Changing = tuple[ServerProcess, Callable[[str], None]]


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[Changing]:
    """Two workers of an application that answers /late and /version, and what writes it anew."""

    def write(text: str) -> None:
        (tmp_path / "handed.py").write_text(
            "from covet import Covet, Request, Response\n"
            "main = Covet()\n"
            "@main.post('/late')\n"
            "async def late(request: Request) -> Response:\n"
            "    return Response(await request.body())\n"
            f"@main.get('/version')\ndef version() -> str:\n    return {text}\n"
        )

    write("'first'")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with running("handed:main", "--workers", "2", "--app-dir", str(tmp_path), env=environment) as server:
        yield server, write


def test_under_load(changing: Changing) -> None:
    server, write = changing
    write("'next'")

    async def hand_over() -> Tally:
        load = Load(server.port, CLIENTS, 1_000_000)
        running_load = asyncio.create_task(load.run())
        await load.reached(1000)
        server.signal(signal.SIGUSR2)
        await asyncio.to_thread(server.process.wait, PATIENCE)
        await load.reached(2000)
        load.stop()
        return await running_load

    tally = asyncio.run(asyncio.wait_for(hand_over(), 60))
    assert not tally.failed
    assert tally.refused == 0
    (handed,) = server.wait_for(r"covet: handing over to process (\d+)\n")
    follower = int(handed[1])
    server.wait_for(rf"covet: process {follower} serves\n")
    assert [int(match[1]) for match in server.wait_for(SERVING, 2)] == [server.port, server.port]
    assert server.process.returncode == 0
    assert {ask(server.port, "GET", "/version").body for _ in range(5)} == {b"next"}
    os.kill(follower, signal.SIGTERM)
    assert server.end() == 0, "and nobody writes to its standard error any more"
    with pytest.raises(ConnectionRefusedError):
        ask(server.port, "GET", "/version")


def test_twice_and_a_unix_socket(tmp_path: Path) -> None:
    """The last one removes the file."""
    path = tmp_path / "app.sock"
    with running("examples.echo:main", "--uds", str(path), port=None) as server:
        server.signal(signal.SIGUSR2)
        server.process.wait(PATIENCE)
        second = int(server.wait_for(r"covet: process (\d+) serves\n")[0][1])
        assert path.exists()
        os.kill(second, signal.SIGUSR2)
        third = int(server.wait_for(r"covet: process (\d+) serves\n", 2)[1][1])
        until(lambda: not Path(f"/proc/{second}").exists() or "Z" in status(second), "the second ends")
        assert path.exists()
        os.kill(third, signal.SIGTERM)
        assert server.end() == 0
        assert not path.exists()


def status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text().partition("State:\t")[2][:1]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def test_a_next_one_that_fails(changing: Changing) -> None:
    server, write = changing
    before = Possessions(server)
    workers = server.workers()
    write("1 +")
    for number in (1, 2):
        server.signal(signal.SIGUSR2)
        server.wait_for(r"covet: handing over failed: process \d+ exited with code 1; this one goes on\n", number)
    assert "SyntaxError" in server.log
    assert ask(server.port, "GET", "/version").body == b"first"
    before.assert_same()
    assert server.workers() == workers
    write("'third'")
    server.signal(signal.SIGHUP)
    server.wait_for("covet: replaced\n")
    until(lambda: ask(server.port, "GET", "/version").body == b"third", "who was told to drain takes no more")
    server.stop()


def test_an_ignored_second_request(changing: Changing) -> None:
    """While one starts, no other is started."""
    server, _ = changing
    server.signal(signal.SIGUSR2)
    server.wait_for("covet: handing over to process")
    server.signal(signal.SIGUSR2)
    server.process.wait(PATIENCE)
    (follower,) = re.findall(r"covet: handing over to process (\d+)\n", server.log)
    os.kill(int(follower), signal.SIGTERM)
    assert server.end() == 0


def test_a_stop_meanwhile_ends_both(changing: Changing) -> None:
    server, _ = changing
    server.signal(signal.SIGUSR2)
    (handed,) = server.wait_for(r"covet: handing over to process (\d+)\n")
    server.signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0
    assert server.end() == 0, "and nobody writes to its standard error any more"
    assert status(int(handed[1])) in ("Z", "X")
    with pytest.raises(ConnectionRefusedError):
        ask(server.port, "GET", "/version")


@pytest.mark.parametrize("workers", ["0"])
def test_without_a_supervisor_nobody_follows(workers: str) -> None:
    """The signal has its usual effect there: docs/processes says so."""
    with running("examples.echo:main", "--workers", workers) as server:
        server.signal(signal.SIGUSR2)
        assert server.end() == -signal.SIGUSR2
