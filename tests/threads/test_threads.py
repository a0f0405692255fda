"""Workers of several threads: each has a loop, an engine and a lifespan, and all end as one process."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.load import Load
from tests.faults.possessions import until
from tests.threads.interpreters import FREE_THREADED, with_gil, without_gil
from tests.wire.connection import Connection, ask
from tests.wire.server_process import PATIENCE, ServerProcess, running

APP = "tests.threads.app:main"
NAMES = {"MainThread", "covet-loop-1", "covet-loop-2"}
CLIENTS = 32
ENOUGH = 20_000

pytestmark = pytest.mark.timeout(180)


def read_out(server: ServerProcess) -> str:
    """What it writes to standard output until its end."""
    assert server.process.stdout is not None
    with server.process.stdout as out:
        said: str = out.read()
    return said


def where(server: ServerProcess) -> tuple[int, int, str]:
    pid, ident, name = json.loads(ask(server.port, "GET", "/where").body)
    return pid, ident, name


def connection_to(server: ServerProcess, name: str) -> Connection:
    """One that the thread called `name` has accepted."""
    while True:
        connection = Connection(server.port)
        if json.loads(connection.ask("GET", "/where").body)[2] == name:
            return connection
        connection.socket.close()


@with_gil
@pytest.mark.parametrize("workers", ["0", "1"])
def test_threads_that_would_take_turns_are_refused(workers: str) -> None:
    command = [sys.executable, "-m", "covet", "run", APP, "--workers", workers, "--threads", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("covet: --threads 2 needs free-threaded Python without its GIL: ")
    assert ("PYTHON_GIL=1" if FREE_THREADED else "whose threads take turns; use --workers") in done.stderr


@without_gil
def test_the_engine_leaves_the_gil_off() -> None:
    program = "import sys, covet, covet._native; print(sys._is_gil_enabled())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=PATIENCE, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")


@without_gil
def test_an_application_that_turns_the_gil_on_is_refused() -> None:
    with_gil = {**os.environ, "COVET_THREADS": "2", "PYTHON_GIL": "1"}
    command = [sys.executable, "-m", "covet", "run", APP, "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, env=with_gil, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert "the GIL is on, by PYTHON_GIL=1" in done.stderr


@without_gil
@pytest.mark.parametrize("workers", ["0", "1"])
def test_all_threads_of_one_process_answer(workers: str) -> None:
    with running(APP, "--workers", workers, "--threads", "3", stdout=subprocess.PIPE) as server:
        found = {where(server) for _ in range(200)}
        assert len({pid for pid, _, _ in found}) == 1
        assert len({ident for _, ident, _ in found}) == 3
        assert {name for _, _, name in found} == NAMES
        assert set(json.loads(ask(server.port, "GET", "/living").body)) == NAMES
        assert len({ask(server.port, "GET", "/pool").body for _ in range(200)}) > 1, "each thread has a pool"
        server.signal(signal.SIGTERM)
        said = read_out(server)
        assert server.end() == 0
    assert said.endswith("MainThread ended, 0 left\n")
    assert set(line.split()[0] for line in said.splitlines()) == NAMES


@without_gil
@pytest.mark.parametrize("loop", ["covet", "asyncio", "uvloop"])
def test_each_thread_has_the_loop_that_was_asked_for(loop: str) -> None:
    pytest.importorskip(loop)
    with running(APP, "--workers", "1", "--threads", "3", "--loop", loop) as server:
        found = {tuple(json.loads(ask(server.port, "GET", "/loop").body)) for _ in range(200)}
        server.stop()
    assert found == {(name, loop) for name in NAMES}


@without_gil
def test_a_drain_finishes_what_each_thread_works_on() -> None:
    with running(APP, "--workers", "1", "--threads", "3") as server, ThreadPoolExecutor(48) as pool:
        # Long enough that none has its answer before the last one is there, on a busy machine too.
        asked = [pool.submit(ask, server.port, "GET", "/sleep/6") for _ in range(48)]
        until(lambda: len(server.workers()) == 1, "one worker")
        until(lambda: connections(server.workers()[0]) >= 48, "all are accepted")
        server.signal(signal.SIGTERM)
        answers = Counter(each.result().body.decode().strip('"') for each in asked)
        assert server.end() == 0
    assert set(answers) == NAMES
    assert sum(answers.values()) == 48


def connections(pid: int) -> int:
    """Sockets that a process has, its listening ones among them."""
    found = 0
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            found += os.readlink(f"/proc/{pid}/fd/{entry}").startswith("socket:")
        except FileNotFoundError:
            continue
    return found


@without_gil
def test_a_second_signal_ends_every_thread_at_once() -> None:
    with running(APP, "--workers", "0", "--threads", "3") as server, ThreadPoolExecutor(24) as pool:
        asked = [pool.submit(ask, server.port, "GET", "/sleep/300") for _ in range(24)]
        until(lambda: connections(server.process.pid) >= 24, "all are accepted")
        server.signal(signal.SIGTERM)
        until(lambda: b"0A" not in listening(server.port), "nobody listens")
        server.signal(signal.SIGTERM)
        assert server.end() == 1
        assert all(each.exception() is not None for each in asked)


def listening(port: int) -> bytes:
    """The states of the sockets at a port, as /proc/net/tcp has them; 0A listens."""
    with open("/proc/net/tcp", "rb") as table:
        rows = [line.split() for line in table]
    return b" ".join(row[3] for row in rows if row[1].endswith(b":%04X" % port))


@without_gil
@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_thread_that_cannot_start_is_a_worker_that_cannot(workers: str) -> None:
    failing = {**os.environ, "FAILING_THREAD": "covet-loop-2"}
    server = ServerProcess(APP, "--workers", workers, "--threads", "3", env=failing, stdout=subprocess.PIPE)
    said = read_out(server)
    assert server.end() == 1
    assert "the lifespan failed to start: ValueError: not on covet-loop-2 (" in server.log
    assert said.endswith("ended, 0 left\n"), "those that had started came to their ends"


@without_gil
def test_a_thread_that_ends_the_process_ends_it_all() -> None:
    with running(APP, "--workers", "1", "--threads", "3") as server:
        first = server.workers()
        with connection_to(server, "covet-loop-1") as connection:
            connection.send(b"GET /leave HTTP/1.1\r\nHost: a\r\n\r\n")
            connection.rest()
        server.wait_for(rf"worker {first[0]} exited with code 7; starting another")
        server.wait_for(r"worker \d+ serves")
        assert {where(server)[2] for _ in range(200)} == NAMES


@without_gil
def test_one_thread_that_stands_still_is_seen() -> None:
    with running(APP, "--workers", "1", "--threads", "3", "--worker-timeout", "1") as server:
        (first,) = server.workers()
        with connection_to(server, "covet-loop-2") as connection:
            connection.send(b"GET /block HTTP/1.1\r\nHost: a\r\n\r\n")
            server.wait_for(rf"worker {first} has not answered for .*; replacing it")
        server.wait_for(r"worker \d+ serves")
        assert re.search(
            r"not answered for .*: its loop is in .*tests/threads/app.py:\d+ in block; replacing it", server.log
        )
        assert {where(server)[2] for _ in range(200)} == NAMES


@without_gil
def test_requests_of_all_threads_count() -> None:
    with running(APP, "--workers", "1", "--threads", "3", "--max-requests", "300") as server:
        (first,) = server.workers()
        for _ in range(331):
            ask(server.port, "GET", "/where")
        server.wait_for(rf"worker {first} has answered \d+ requests; replacing it")
        until(lambda: first not in server.workers(), "the worn worker ends")


@without_gil
def test_enough_requests_through_the_end() -> None:
    with running(APP, "--workers", "1", "--threads", "3") as server:

        async def end() -> Load:
            load = Load(server.port, CLIENTS, 1_000_000)
            at_work = asyncio.create_task(load.run())
            await load.reached(ENOUGH)
            server.signal(signal.SIGTERM)
            await at_work
            return load

        tally = asyncio.run(asyncio.wait_for(end(), 150)).tally
        assert server.end() == 0
    assert tally.answered >= ENOUGH
    assert not tally.failed


@without_gil
def test_enough_requests_through_replacements() -> None:
    with running(APP, "--workers", "1", "--threads", "3") as server:

        async def replace() -> Load:
            load = Load(server.port, CLIENTS, 1_000_000)
            at_work = asyncio.create_task(load.run())
            for number in range(1, 6):
                await load.reached(ENOUGH // 6)
                server.signal(signal.SIGHUP)
                await asyncio.to_thread(server.wait_for, r"covet: replaced\n", number)
            await load.reached(max(500, ENOUGH - load.tally.answered))
            load.stop()
            await at_work
            return load

        tally = asyncio.run(asyncio.wait_for(replace(), 150)).tally
        server.stop()
    assert tally.answered >= ENOUGH
    assert not tally.failed
    assert tally.refused == 0
