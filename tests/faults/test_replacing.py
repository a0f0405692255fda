"""Workers that are replaced under load, by signals, by faults and by age: nobody fails but what a dead worker had."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.load import Load, Tally
from tests.faults.possessions import CONNECTIONS, Possessions, until, word
from tests.wire.connection import Connection, ask
from tests.wire.server_process import ServerProcess, running

CLIENTS = 32
MOST = 20_000
ECHO = "examples.echo:main"
LOST = ("reset", "IncompleteRead", "BrokenPipe")
"""How a request ends whose worker is killed."""

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not tell what processes hold"),
    pytest.mark.timeout(180),
]


def under_load(server: ServerProcess, act: Callable[[Load], Awaitable[None]]) -> Tally:
    """What became of at least 20,000 requests while `act` was at work."""

    async def both() -> Tally:
        load = Load(server.port, CLIENTS, 1_000_000)
        running_load = asyncio.create_task(load.run())
        await load.reached(500)
        await act(load)
        await load.reached(max(500, MOST - load.tally.answered))
        load.stop()
        return await running_load

    before = Possessions(server)
    tally = asyncio.run(asyncio.wait_for(both(), 120))
    before.assert_same()
    assert tally.answered >= MOST
    assert tally.refused == 0
    return tally


async def said(server: ServerProcess, pattern: str, count: int = 1) -> None:
    """Until the server has said so, so often."""
    await asyncio.to_thread(server.wait_for, pattern, count)


def assert_only_lost(tally: Tally, workers: int) -> None:
    """No request failed but those that so many killed workers had."""
    assert sum(tally.failed.values()) <= workers * CLIENTS, tally.failed
    assert all(any(word.lower() in what.lower() for word in LOST) for what in tally.failed), tally.failed


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[tuple[ServerProcess, Callable[[str], None]]]:
    """Two workers of an application that answers /late with its body and /version; and what writes it anew."""

    def write(version: str, more: str = "") -> None:
        (tmp_path / "changing.py").write_text(
            "from covet import Covet, Request, Response\n"
            "main = Covet()\n"
            "@main.post('/late')\n"
            "async def late(request: Request) -> Response:\n"
            "    return Response(await request.body())\n"
            "@main.get('/version')\n"
            f"def version() -> str:\n    return {version!r}\n{more}"
        )

    write("v0")
    flags = ("--workers", "2", "--app-dir", str(tmp_path))
    with running("changing:main", *flags, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}) as server:
        yield server, write


def test_ten_times_new_code(changing: tuple[ServerProcess, Callable[..., None]]) -> None:
    server, write = changing
    first = server.workers()

    async def replace(load: Load) -> None:
        for number in range(1, 11):
            write(f"v{number}")
            server.signal(signal.SIGHUP)
            await said(server, r"covet: replaced\n", number)

    tally = under_load(server, replace)
    assert not tally.failed
    until(
        lambda: {ask(server.port, "GET", "/version").body for _ in range(10)} == {b"v10"},
        "who was told to drain takes no more",
    )
    assert not set(first) & set(server.workers())
    server.stop()


def test_broken_code(changing: tuple[ServerProcess, Callable[..., None]]) -> None:
    server, write = changing
    first = server.workers()

    async def break_it(load: Load) -> None:
        write("v1", "1 / 0\n")
        for number in (1, 2):
            server.signal(signal.SIGHUP)
            await said(server, "covet: replacing failed: the workers that were serving go on", number)

    tally = under_load(server, break_it)
    assert not tally.failed
    assert ask(server.port, "GET", "/version").body == b"v0"
    assert sorted(first) == sorted(server.workers())
    assert "ZeroDivisionError: division by zero" in server.log
    server.stop()


def test_each_worker_killed_in_turn() -> None:
    """Twenty times; four workers, so that the pauses before crashed ones are tried again stay short."""
    with running(ECHO, "--workers", "4") as server:

        async def kill_each(load: Load) -> None:
            pids = deque(server.workers())
            for number in range(1, 21):
                pid = pids.popleft()
                os.kill(pid, signal.SIGKILL)
                await said(server, rf"worker {pid} was killed by SIGKILL; starting another")
                serving = await asyncio.to_thread(server.wait_for, r"worker (\d+) serves", number)
                pids.append(int(serving[-1][1]))

        assert_only_lost(under_load(server, kill_each), 20)
        server.stop()


def test_stopped_worker_is_replaced() -> None:
    with running(ECHO, "--workers", "2", "--worker-timeout", "1") as server:
        stopped = server.workers()[0]

        async def stop(load: Load) -> None:
            os.kill(stopped, signal.SIGSTOP)
            await said(server, rf"worker {stopped} has not answered for .* it is stopped \(SIGSTOP\)")
            await said(server, r"worker \d+ serves")

        assert_only_lost(under_load(server, stop), 1)
        assert stopped not in server.workers()
        server.stop()


def test_worn_workers_are_replaced() -> None:
    """By their requests: nobody notices."""
    with running(ECHO, "--workers", "2", "--max-requests", "2000") as server:

        async def wear(load: Load) -> None:
            await said(server, r"worker \d+ has answered \d+ requests; replacing it", 3)

        tally = under_load(server, wear)
        assert not tally.failed
        server.stop()


def test_a_stop_while_workers_are_replaced() -> None:
    with running(ECHO, "--workers", "2") as server:

        async def replace_and_stop() -> Tally:
            load = Load(server.port, CLIENTS, MOST)
            running_load = asyncio.create_task(load.run())
            await load.reached(500)
            server.signal(signal.SIGHUP)
            await said(server, "replacing 2 workers")
            server.signal(signal.SIGTERM)
            return await running_load

        tally = asyncio.run(asyncio.wait_for(replace_and_stop(), 60))
        assert not tally.failed
        assert tally.refused > 0
        assert server.end() == 0


def listens(server: ServerProcess, pid: int) -> bool:
    """Whether the process has the server's listening socket (proc_pid_net(5): state 0A)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    wanted = {
        f"socket:[{line[9]}]" for line in lines if int(line[1].partition(":")[2], 16) == server.port and line[3] == "0A"
    }
    assert wanted
    found = set[str]()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.add(os.readlink(fd))
    return not wanted.isdisjoint(found)


def test_connections_are_shared_out_before_and_after() -> None:
    """Those that drain, and places where nobody is, do not count for the mean that a worker compares itself with."""
    most = 100
    with running(ECHO, "--workers", "2", "--drain-quiet", "600", "--drain-timeout", "600") as server:
        opened: list[Connection] = []

        def share_out() -> None:
            workers = server.workers()[-2:]
            start = len(opened)
            for _ in range(most):
                opened.append(Connection(server.port))
                assert opened[-1].ask("GET", "/").status == 200
            counts = [word(server, worker, CONNECTIONS) for worker in workers]
            assert sum(counts) == most, f"from {start} on: {counts}"
            assert min(counts) >= most // 4, counts

        share_out()
        first = server.workers()
        assert all(listens(server, pid) for pid in first)
        server.signal(signal.SIGHUP)
        server.wait_for("covet: replaced\n")
        until(lambda: not any(listens(server, pid) for pid in first), "they were told, and have emptied the queue")
        assert len(server.workers()) == 4, "two drain, and wait for what their clients may send"
        share_out()
        for connection in opened:
            connection.socket.close()
        until(lambda: len(server.workers()) == 2, "those that drain end with their last connection")
        server.stop()
