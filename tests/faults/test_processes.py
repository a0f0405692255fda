"""Processes that die, hang and end under load: nobody fails but the requests that a dead worker had."""

import asyncio
import os
import select
import signal
from collections.abc import Iterator

import pytest

from tests.faults.load import Load, Tally
from tests.wire.connection import Connection, ask, request
from tests.wire.server_process import ServerProcess, running

CLIENTS = 32
pytestmark = pytest.mark.timeout(180)  # 20,000 requests, and what else the machine does
SPAWNED = r"worker (\d+) was killed by SIGKILL; starting another"


@pytest.fixture
def pair() -> Iterator[ServerProcess]:
    """A supervisor with two workers."""
    with running("examples.echo:main", "--workers", "2") as server:
        yield server


def test_killed_worker_costs_only_its_own_requests(pair: ServerProcess) -> None:
    before = pair.workers()

    async def kill_under_load() -> Tally:
        load = Load(pair.port, CLIENTS, 100_000)
        running_load = asyncio.create_task(load.run())
        await load.reached(1000)
        os.kill(before[0], signal.SIGKILL)
        await load.reached(2000)
        load.stop()
        return await running_load

    tally = asyncio.run(kill_under_load())
    assert tally.answered >= 3000
    assert tally.refused == 0
    assert sum(tally.failed.values()) <= CLIENTS, tally.failed
    assert all("reset" in what.lower() or "IncompleteRead" in what for what in tally.failed), tally.failed
    assert int(pair.wait_for(SPAWNED)[0][1]) == before[0]
    os.kill(before[1], signal.SIGSTOP)
    try:
        assert ask(pair.port, "POST", "/", body=b"new").body == b"new", "which only the new worker can answer"
    finally:
        os.kill(before[1], signal.SIGCONT)
    assert before[0] not in pair.workers()


def test_stopped_worker_does_not_hold_up_the_others(pair: ServerProcess) -> None:
    stopped = pair.workers()[0]

    async def stop_under_load() -> tuple[Tally, Tally]:
        load = Load(pair.port, CLIENTS, 100_000)
        running_load = asyncio.create_task(load.run())
        await load.reached(1000)
        os.kill(stopped, signal.SIGSTOP)
        try:
            others = await Load(pair.port, CLIENTS, 2000).run()
        finally:
            os.kill(stopped, signal.SIGCONT)
        load.stop()
        return await running_load, others

    first, others = asyncio.run(stop_under_load())
    assert (others.answered, others.refused) == (2000, 0)
    assert not others.failed, "connections made while it stood still went to the other worker"
    assert not first.failed, "those that it held were answered when it went on"


@pytest.mark.parametrize("app", ["examples.echo:main", "tests.wire.app:main"])
@pytest.mark.parametrize("workers", [0, 2])
def test_signal_under_load_fails_nobody(app: str, workers: int) -> None:
    """Handlers that answer at once, and handlers that are at work when the signal comes."""
    with running(app, "--workers", str(workers)) as server:
        end_under_load(server)


def end_under_load(server: ServerProcess) -> None:
    most = 20_000

    async def signal_under_load() -> Tally:
        load = Load(server.port, CLIENTS, most)
        running_load = asyncio.create_task(load.run())
        await load.reached(most // 4)
        server.signal(signal.SIGTERM)
        return await running_load

    tally = asyncio.run(signal_under_load())
    assert not tally.failed
    assert tally.answered >= most // 4
    assert tally.refused > 0, "the signal came while requests did"
    assert server.end() == 0
    assert "Traceback" not in server.log


def test_full_load_before_the_signal(pair: ServerProcess) -> None:
    tally = asyncio.run(Load(pair.port, CLIENTS, 20_000).run())
    assert (tally.answered, tally.refused, tally.let_go) == (20_000, 0, 0)
    assert not tally.failed
    pair.stop()


def test_second_server_on_the_same_port(pair: ServerProcess) -> None:
    second = ServerProcess("examples.echo:main", port=pair.port)
    assert second.end() == 1
    assert len(second.log.splitlines()) == 1
    assert "in use" in second.log
    assert str(pair.port) in second.log
    assert ask(pair.port, "GET", "/").status == 200


CUT = r"WARNING covet\.server: cut 2 unfinished requests\n"


@pytest.mark.parametrize("workers", ["0", "1"])
def test_second_signal_cuts_what_still_works(workers: str) -> None:
    with (
        running("tests.wire.app:main", "--workers", workers, "--drain-timeout", "600") as server,
        Connection(server.port) as waiting,
        Connection(server.port) as gone,
        Connection(server.port) as other,
    ):
        waiting.send(request("GET", "/wait/forever"))
        gone.send(request("POST", "/wait/gone"))
        for name in ("forever", "gone"):
            assert other.ask("GET", f"/started/{name}").status == 204
        gone.socket.close()
        assert other.ask("GET", "/blocked/forever").status == 504, "its thread goes on"
        server.signal(signal.SIGTERM)
        while not other.ask("GET", "/quick").closes:
            pass  # the signal is on its way
        server.signal(signal.SIGTERM)
        assert server.end() == 1
        assert waiting.rest() == b"", "no answer at all"
        assert_quiet(server)
        server.wait_for(r"left while 1 blocking handlers still ran")


def test_drain_deadline_cuts_what_still_works() -> None:
    with (
        running("tests.wire.app:main", "--workers", "0", "--drain-timeout", "0.3") as server,
        Connection(server.port) as waiting,
        Connection(server.port) as gone,
        Connection(server.port) as other,
    ):
        waiting.send(request("GET", "/wait/forever"))
        gone.send(request("POST", "/wait/gone"))
        for name in ("forever", "gone"):
            assert other.ask("GET", f"/started/{name}").status == 204
        gone.socket.close()
        server.signal(signal.SIGTERM)
        assert server.end() == 0
        assert waiting.rest() == b"", "no answer at all"
        assert_quiet(server)


def assert_quiet(server: ServerProcess) -> None:
    """Two requests were cut: one line says so, and nothing else is wrong."""
    server.wait_for(CUT)
    assert server.log.count("cut") == 1
    for word in ("ERROR", "Traceback", "cancelled", "500"):
        assert word not in server.log, server.log


def test_supervisor_that_is_killed_leaves_no_workers(pair: ServerProcess) -> None:
    pids = [os.pidfd_open(pid) for pid in pair.workers()]
    try:
        pair.signal(signal.SIGKILL)
        for pidfd in pids:
            assert ended(pidfd), "a worker ends with its supervisor"
    finally:
        for pidfd in pids:
            os.close(pidfd)


def ended(pidfd: int) -> bool:
    """Whether the process ends while we watch."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(10_000))
