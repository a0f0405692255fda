"""The supervisor with workers that serve nothing: starting, replacing, giving up, ending.

The workers are real processes that run a module of this test's; the order to each is the one word of its command.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
    os.write(2, f"pid {os.getpid()} slot {part.slot}\n".encode())  # in one piece: two workers write here
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
