"""Workers whose loop stands still: found by their beats, asked where they are, replaced."""

import contextlib
import inspect
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import app
from tests.faults.possessions import BEATS, until, word
from tests.wire.connection import Connection, ask, request
from tests.wire.server_process import LOOP, ServerProcess, running

APP = "tests.faults.app:main"

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the system has no memory files")


def hang(server: ServerProcess, path: str) -> int:
    """Lets one worker hang, and gives its process id once it is replaced."""
    with Connection(server.port) as connection:
        pid = int(json.loads(connection.ask("GET", "/process").body)[0])
        connection.send(request("GET", path))
        server.wait_for(rf"worker {pid} has not answered for ")
        assert connection.rest() == b"", "no answer at all"
    server.wait_for(r"worker \d+ serves")
    assert pid not in server.workers()
    return pid


@pytest.mark.parametrize(
    ("name", "loop"), [("block", "covet"), ("deadlock", "covet"), ("block", "asyncio"), ("block", "uvloop")]
)
def test_the_log_names_the_line_that_hangs(name: str, loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    lines, first = inspect.getsourcelines(getattr(app, name))
    line = first + len(lines) - 1
    with running(APP, "--workers", "2", "--worker-timeout", "0.5", "--loop", loop) as server:
        pid = hang(server, f"/{name}")
        (found,) = server.wait_for(
            rf"worker {pid} has not answered for ([\d.]+) s: its loop is in (\S+):(\d+) in (\w+)"
        )
        assert float(found[1]) < 20
        assert (Path(found[2]).name, int(found[3]), found[4]) == ("app.py", line, name)
        assert f'line {line} in {name}\n  File "' in server.log, "and where that was called"
        assert ask(server.port, "GET", "/process").status == 200
        server.stop()


def test_who_is_late_but_comes_is_kept() -> None:
    with running(APP, "--worker-timeout", "0.5") as server:
        pid = server.workers()
        assert ask(server.port, "GET", "/nap/0.9").status == 204
        server.wait_for(rf"worker {pid[0]} goes on after [\d.]+ s: its loop is in \S+app\.py:\d+ in nap")
        assert server.workers() == pid
        server.stop()


TRACER = """
import ctypes, sys
libc = ctypes.CDLL(None)
print(libc.ptrace(*map(ctypes.c_long, (0x4206, int(sys.argv[1]), 0, 0))), flush=True)  # PTRACE_SEIZE
sys.stdin.read()
"""


@contextlib.contextmanager
def traced_by_another(pid: int) -> Iterator[None]:
    """With something like a debugger attached. Not allowed: skips."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", TRACER, str(pid)], stdin=pipe, stdout=pipe) as tracer:
        assert tracer.stdout is not None
        if tracer.stdout.readline() != b"0\n":
            tracer.communicate()
            pytest.skip("nothing can be traced here")
        yield
        tracer.communicate()


def test_who_is_debugged_is_kept() -> None:
    """Two workers hang, one of them under a tracer: the other one is replaced; it too, once the tracer has gone."""
    with (
        running(APP, "--workers", "2", "--worker-timeout", "0.5") as server,
        Connection(server.port) as first,
    ):
        traced = int(json.loads(first.ask("GET", "/process").body)[0])
        with traced_by_another(traced):
            first.send(request("GET", "/block"))
            server.wait_for(rf"process {traced} blocks")  # before that it could take the next connection, too
            (other,) = set(server.workers()) - {traced}
            with Connection(server.port) as second:
                assert json.loads(second.ask("GET", "/process").body)[0] == other
                second.send(request("GET", "/block"))
                server.wait_for(rf"worker {other} has not answered for ")
                server.wait_for(r"worker \d+ serves")
            assert traced in server.workers()
            assert f"worker {traced}" not in server.log
        server.wait_for(rf"worker {traced} has not answered for ")
        server.wait_for(r"worker \d+ serves", 2)
        server.stop()


def test_a_supervisor_that_was_stopped_blames_nobody() -> None:
    with running(APP, "--worker-timeout", "0.5") as server:
        before = server.workers()
        os.kill(server.process.pid, signal.SIGSTOP)
        os.kill(before[0], signal.SIGSTOP)
        until(lambda: "State:\tT" in Path(f"/proc/{before[0]}/status").read_text(), "it stops")
        with Connection(server.port) as connection:
            connection.send(request("GET", "/process"))
            connection.socket.settimeout(2.5)
            with pytest.raises(TimeoutError):  # so long did both stand still
                connection.next_answer()
            os.kill(server.process.pid, signal.SIGCONT)
            os.kill(before[0], signal.SIGCONT)
            connection.socket.settimeout(20)
            assert connection.next_answer().status == 200
        assert server.workers() == before
        assert "has not answered" not in server.log
        server.stop()


def test_asked_by_hand_a_worker_says_where_it_is() -> None:
    with running(APP, "--worker-timeout", "none") as server:
        (pid,) = server.workers()
        os.kill(pid, signal.SIGUSR2)
        server.wait_for(r"thread 0x\w+ (?:\[.*\] )?\(most recent call first\):\n  File ")
        assert ask(server.port, "GET", "/process").status == 200
        assert server.workers() == [pid]
        server.stop()


def sleeps(pid: int) -> int:
    """How often the main thread of a process has gone to sleep."""
    return int(Path(f"/proc/{pid}/task/{pid}/status").read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def test_an_idle_worker_wakes_up_once_a_second() -> None:
    with running("examples.echo:main") as server:
        (pid,) = server.workers()

        def next_beat() -> tuple[int, float]:
            count = word(server, pid, BEATS)
            until(lambda: word(server, pid, BEATS) > count, "it beats")
            return sleeps(pid), time.monotonic()

        next_beat()
        before, began = next_beat()
        next_beat()
        after, ended = next_beat()
        assert ended - began > 1.5
        looks = 20 * (ended - began) if LOOP == "uvloop" else 0  # a guest there looks at its timers: docs/embedding
        assert after - before <= 5 + looks, "one sleep a beat, and a few for what the system does"
        server.stop()
