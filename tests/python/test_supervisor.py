"""The supervisor with workers that serve nothing: starting, replacing, giving up, ending.

The workers are real processes that run a module of this test's; the order to each is the one word of its command.
"""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.possessions import unread, until

PARENT = r"""
    import ast, sys

    before = set(sys.modules)  # what measures coverage is not ours
    from covet._policy import Policy
    from covet._systemd import Notifier
    from covet.listeners import Sockets, listen
    from covet.supervisor import Supervisor
    import covet._crew as policy
    import covet.supervisor

    policy.GRACE = covet.supervisor.GRACE = covet.supervisor.AT_ONCE = 0.2
    policy.LAST_DELAY = float(sys.argv[3])
    policy.FIRST_DELAY = min(policy.FIRST_DELAY, policy.LAST_DELAY)
    Supervisor.module = "obedient_worker"
    sockets = Sockets(listen(["127.0.0.1"], 0, 16))
    settings = {"drain_timeout": float(sys.argv[4]), **ast.literal_eval(sys.argv[5])}
    code = Supervisor([sys.argv[1]], sockets, Policy(int(sys.argv[2]), settings), Notifier()).run()
    forbidden = {"asyncio", "covet._native", "covet.app", "typing", "dataclasses"} & (sys.modules.keys() - before)
    print("forbidden", sorted(forbidden), file=sys.stderr)
    sys.exit(code)
"""

WORKER = r"""
    import os, signal, sys
    from covet.launch import Assignment

    part, order = Assignment.parse(sys.argv[1]), sys.argv[2]
    assert os.getppid() == part.parent
    assert os.fstat(part.board).st_size == 64 * part.slots or part.board < 0
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.path.exists(order):  # what it does is in a file
        with open(order) as file:
            order = file.read()
    if order == "crash":
        os._exit(9)
    if order == "refuse":
        os.write(part.ready, b"cannot: " + b"x" * 100_000)
        sys.exit(3)
    if order != "stubborn":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(order) if order.isdigit() else 0))
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    os.write(2, f"pid {os.getpid()} slot {part.slot}\n".encode())  # in one piece: two workers write here
    if order == "silent":  # until it is told to speak
        signal.sigwait({signal.SIGUSR1})
    os.write(part.ready, b"ready")
    while True:
        signal.pause()
"""


class Run:
    """A supervisor under test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seen: list[str] = []

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The next line that matches."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.seen.append(line)
            match = re.search(pattern, line)
            if match:
                return match
        raise AssertionError(f"no line matches {pattern!r} in {self.seen}")

    def pids(self, count: int) -> list[int]:
        """Of the next workers that start."""
        return [int(self.wait_for(r"pid (\d+) slot")[1]) for _ in range(count)]

    def end(self) -> int:
        """The exit code; nothing that costs start-up time was imported."""
        self.wait_for(r"^forbidden \[\]$")
        return self.process.wait(30)


Start = Callable[..., Run]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    import covet

    (tmp_path / "parent.py").write_text(textwrap.dedent(PARENT))
    (tmp_path / "obedient_worker.py").write_text(textwrap.dedent(WORKER))
    package = str(Path(covet.__file__ or "").parents[1])
    environment = {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{tmp_path}", "PYTHONUNBUFFERED": "1"}
    started: list[subprocess.Popen[str]] = []

    def run(order: str, workers: int = 2, last_delay: float = 0.05, drain: float = 20.0, **settings: object) -> Run:
        words = [sys.executable, "parent.py", order, str(workers), str(last_delay), str(drain)]
        words.append(repr({"worker_timeout": None, **settings}))
        process = subprocess.Popen(words, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return Run(process)

    yield run
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 3])
def test_start_and_drain(start: Start, number: int, workers: int) -> None:
    run = start("serve", workers)
    noun = "worker" if workers == 1 else "workers"
    run.wait_for(rf"^covet: serving http://127\.0\.0\.1:\d+ \({workers} {noun}\)$")
    run.process.send_signal(number)
    assert run.end() == 0


def test_a_dead_worker_is_replaced(start: Start) -> None:
    run = start("serve")
    first, _ = run.pids(2)
    run.wait_for("serving")
    os.kill(first, signal.SIGKILL)
    run.wait_for(rf"^covet: worker {first} was killed by SIGKILL; starting another$")
    (replacement,) = run.pids(1)
    assert replacement != first
    run.process.terminate()
    assert run.end() == 0


def test_a_failed_start_is_said_once_and_ends_all(start: Start) -> None:
    run = start("refuse", 3)
    run.wait_for(r"^covet: cannot: x{100000}$")
    assert run.end() == 1
    assert sum("cannot" in line for line in run.seen) == 1


@pytest.mark.skipif(not hasattr(fcntl, "F_GETPIPE_SZ"), reason="Linux: tells what a pipe and a process wait for")
def test_a_long_reason_is_said_whole_whatever_ends_meanwhile(start: Start) -> None:
    """Its child ended while the supervisor waited for room on standard error, and the rest of the message was lost."""
    run = start("refuse", 1)
    assert run.process.stderr is not None
    room = fcntl.fcntl(run.process.stderr, fcntl.F_GETPIPE_SZ)
    until(lambda: unread(run.process.stderr) == room, "standard error is full")
    run.process.send_signal(signal.SIGCHLD)
    until(lambda: not is_pending(run.process.pid, signal.SIGCHLD), "the signal has ended the write")
    run.wait_for(r"^covet: cannot: x{100000}$")
    assert run.end() == 1


def is_pending(pid: int, number: int) -> bool:
    """Whether the process has not taken the signal yet (proc_pid_status(5), ShdPnd)."""
    pending = Path(f"/proc/{pid}/status").read_text().partition("\nShdPnd:")[2].split()[0]
    return bool(int(pending, 16) >> (number - 1) & 1)


def test_crashes_without_a_ready_worker_end_it(start: Start) -> None:
    run = start("crash", 1)
    run.wait_for(r"^covet: 10 crashes in 60 s and no worker ready: giving up$")
    assert run.end() == 1
    assert sum("exited with code 9; starting another" in line for line in run.seen) == 10


def test_a_worker_that_ends_badly_makes_the_exit_code(start: Start) -> None:
    run = start("7", 1)
    run.wait_for("serving")
    run.process.terminate()
    assert run.end() == 1


def test_a_second_signal_ends_at_once(start: Start) -> None:
    run = start("stubborn", 2, drain=600.0)
    run.wait_for("serving")
    run.process.terminate()
    run.wait_for(r"^covet: draining; a second signal ends at once$")
    run.process.terminate()
    assert run.end() == 1


def test_the_deadline_ends_what_is_left(start: Start) -> None:
    run = start("stubborn", 1, drain=0.1)
    run.wait_for("serving")
    run.process.terminate()
    assert run.end() == 1


def test_a_signal_before_anything_is_ready(start: Start) -> None:
    run = start("crash", 1, last_delay=600.0)
    run.wait_for("starting another")
    run.process.terminate()
    assert run.end() == 0


def orders(tmp_path: Path, order: str) -> str:
    """A file with what workers that start from now on do; its path is an order."""
    path = tmp_path / "order"
    path.write_text(order)
    return str(path)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_are_replaced_one_by_one(start: Start) -> None:
    """While a successor starts, every worker before it is there; the worker's end is waited for by nobody."""
    run = start("serve", 3)
    before = run.pids(3)
    run.wait_for("serving")
    run.process.send_signal(signal.SIGHUP)
    run.wait_for(r"^covet: replacing 3 workers, one by one$")
    after = run.pids(1)
    assert sum(map(is_alive, before)) == 3, "the first successor speaks before it is ready"
    after += run.pids(2)
    run.wait_for(r"^covet: replaced$")
    assert not set(before) & set(after)
    assert all(map(is_alive, after))
    run.process.terminate()
    assert run.end() == 0


def test_two_signals_replace_also_what_has_followed(start: Start) -> None:
    run = start("serve", 1)
    run.wait_for("serving")
    run.process.send_signal(signal.SIGHUP)
    run.process.send_signal(signal.SIGHUP)
    run.wait_for(r"^covet: replaced$")
    run.process.send_signal(signal.SIGHUP)
    run.wait_for(r"^covet: replaced$")
    run.process.terminate()
    assert run.end() == 0


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("refuse", r"^covet: cannot: x{100000}$"),
        ("crash", r"^covet: worker \d+ exited with code 9 before it was ready$"),
    ],
)
def test_code_that_does_not_start_leaves_the_old_workers(start: Start, tmp_path: Path, broken: str, text: str) -> None:
    order = orders(tmp_path, "serve")
    run = start(order, 2)
    before = run.pids(2)
    run.wait_for("serving")
    orders(tmp_path, broken)
    run.process.send_signal(signal.SIGHUP)
    run.wait_for(text)
    run.wait_for(r"^covet: replacing failed: the workers that were serving go on$")
    assert all(map(is_alive, before))
    orders(tmp_path, "serve")
    run.process.send_signal(signal.SIGHUP)
    run.wait_for(r"^covet: replaced$")
    run.process.terminate()
    assert run.end() == 0


def test_a_worker_that_dies_while_it_is_replaced_is_followed_once(start: Start, tmp_path: Path) -> None:
    order = orders(tmp_path, "serve")
    run = start(order, 1)
    (before,) = run.pids(1)
    run.wait_for("serving")
    orders(tmp_path, "silent")
    run.process.send_signal(signal.SIGHUP)
    (successor,) = run.pids(1)
    os.kill(before, signal.SIGKILL)
    run.wait_for(rf"^covet: worker {before} was killed by SIGKILL")
    os.kill(successor, signal.SIGUSR1)
    run.wait_for(r"^covet: replaced$")
    children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children")
    if children.exists():
        assert children.read_text().split() == [str(successor)]
    run.process.terminate()
    assert run.end() == 0


def test_a_replaced_worker_that_does_not_end_is_killed(start: Start, tmp_path: Path) -> None:
    order = orders(tmp_path, "stubborn")
    run = start(order, 1, drain=0.1)
    (before,) = run.pids(1)
    run.wait_for("serving")
    orders(tmp_path, "serve")
    run.process.send_signal(signal.SIGHUP)
    run.wait_for(rf"^covet: worker {before} was killed by SIGKILL while it drained$")
    run.process.terminate()
    assert run.end() == 0


def test_a_worker_is_replaced_at_an_age(start: Start) -> None:
    run = start("serve", 1, max_age=0.05)
    first, second, third = run.pids(3)
    assert len({first, second, third}) == 3
    assert sum(bool(re.search(r"worker \d+ has served for \d+ s; replacing it", line)) for line in run.seen) >= 2
    run.process.terminate()
    assert run.end() == 0


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the system does not tell")
def test_a_worker_is_replaced_at_a_size(start: Start) -> None:
    run = start("serve", 1, max_rss=1)
    first, second = run.pids(2)
    assert first != second
    assert any(re.search(rf"worker {first} has \d+ MiB of memory; replacing it", line) for line in run.seen)
    run.process.terminate()
    assert run.end() == 0


def test_the_delay_before_the_drain(start: Start) -> None:
    run = start("serve", 1, drain_delay=600.0)
    (worker,) = run.pids(1)
    run.wait_for("serving")
    run.process.terminate()
    run.wait_for(r"^covet: draining in 600 s; a second signal drains now$")
    os.kill(worker, signal.SIGKILL)
    assert run.pids(1) != [worker], "until then everything goes on"
    run.process.send_signal(signal.SIGTERM)
    run.wait_for(r"^covet: draining; a second signal ends at once$")
    assert run.end() == 0


def test_the_delay_ends_by_itself(start: Start) -> None:
    run = start("serve", 1, drain_delay=0.05)
    run.wait_for("serving")
    run.process.terminate()
    run.wait_for(r"^covet: draining; a second signal ends at once$")
    assert run.end() == 0


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be pinned here")
def test_pinned_workers(start: Start) -> None:
    run = start("serve", 2, pin_workers=True)
    pids = run.pids(2)
    run.wait_for("serving")
    usable = sorted(os.sched_getaffinity(0))
    wanted = sorted([{usable[0]}, {usable[1 % len(usable)]}], key=sorted)
    assert sorted((os.sched_getaffinity(pid) for pid in pids), key=sorted) == wanted
    run.process.terminate()
    assert run.end() == 0


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_signals_before_anything_is_ready_end_nothing(start: Start, number: int) -> None:
    """Neither has anything to do then: no log is open, nobody can be followed."""
    run = start("silent", 1)
    (worker,) = run.pids(1)
    run.process.send_signal(number)
    run.process.send_signal(signal.SIGHUP)
    run.wait_for("replacing 1 worker, one by one")
    assert is_alive(worker)
    os.kill(worker, signal.SIGUSR1)
    run.wait_for("serving")
    (successor,) = run.pids(1)
    os.kill(successor, signal.SIGUSR1)
    run.wait_for(r"^covet: replaced$")
    run.process.terminate()
    assert run.end() == 0
