"""Which workers hang and which are worn, by times that the test makes up; the processes are real."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from covet import _watch
from covet._board import SLOT_BYTES, Board
from covet._policy import Policy
from covet._processes import Worker, innermost, is_debugged, is_stopped, resident_bytes
from covet._watch import Watch

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the system has no memory files")


class Bench:
    """One worker on a board that only this test writes."""

    def __init__(self, pid: int, threads: int = 1, **settings: object) -> None:
        self.policy = Policy(1, settings, threads)
        self.board = Board(4, threads)
        self.worker = Worker(pid, -1, self.board.take())
        self.watch = Watch(self.policy, self.board)
        assert self.watch.due is not None
        self.now = self.watch.due
        self.worker.ready_since = self.now
        self.watch.begin(self.worker, self.now)

    def write(self, word: int, number: int, thread: int = 0) -> None:
        place = (self.worker.slot + thread) * SLOT_BYTES + 8 * word
        os.pwrite(self.board.fd, number.to_bytes(8, "little"), place)

    def pass_time(self, seconds: float) -> tuple[list[Worker], dict[Worker, str]]:
        """Looks as often as the supervisor does; what the last look gave."""
        end = self.now + seconds
        found: tuple[list[Worker], dict[Worker, str]] = ([], {})
        while self.now < end and not (found[0] or found[1]):
            self.now = min(end, self.now + self.policy.beat)
            found = self.watch.look([self.worker], self.now)
        return found


@pytest.fixture
def sleeper() -> Iterator[int]:
    """A process that takes SIGUSR2 and does nothing."""
    code = (
        "import signal; signal.signal(signal.SIGUSR2, lambda *_: None); print(flush=True)\nwhile True: signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_who_stands_still_is_asked_and_then_killed(sleeper: int, capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(sleeper)
    assert bench.pass_time(30) == ([], {})
    assert bench.worker.judged_at is not None, "it is asked after 30 s"
    bench.worker.text = (
        b'Current thread 0x1 (most recent call first):\n  File "a.py", line 3 in f\n  File "b.py", line 4 in g\n'
    )
    assert bench.pass_time(_watch.TELL + 0.1)[0] == [bench.worker]
    said = capsys.readouterr().err
    assert f"worker {sleeper} has not answered for 31.0 s: its loop is in a.py:3 in f; replacing it\n" in said
    assert '  File "b.py", line 4 in g\n' in said


def test_who_goes_on_meanwhile_is_left_alone(sleeper: int, capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(sleeper)
    bench.pass_time(30)
    bench.write(1, 7)
    assert bench.pass_time(29) == ([], {})
    assert "goes on after 31.0 s: it did not say where it is" in capsys.readouterr().err


def test_beats_keep_it(sleeper: int) -> None:
    bench = Bench(sleeper, worker_timeout=2.0)
    for beat in range(1, 20):
        bench.write(1, beat)
        assert bench.pass_time(1.5) == ([], {})
    assert bench.worker.judged_at is None


def test_our_own_sleep_counts_for_nobody(sleeper: int) -> None:
    bench = Bench(sleeper)
    bench.pass_time(29)
    bench.now += 3600
    assert bench.pass_time(29) == ([], {})
    assert bench.worker.judged_at is None


def test_who_is_stopped_cannot_be_asked(sleeper: int, capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(sleeper, worker_timeout=5.0)
    os.kill(sleeper, signal.SIGSTOP)
    os.waitpid(sleeper, os.WUNTRACED)
    assert is_stopped(sleeper)
    assert bench.pass_time(5)[0] == [bench.worker]
    assert (
        "has not answered for 5.0 s: it is stopped (SIGSTOP) and cannot say where; replacing it"
        in capsys.readouterr().err
    )


def test_who_is_debugged_is_left_alone(sleeper: int) -> None:
    bench = Bench(sleeper, worker_timeout=5.0)
    assert not is_debugged(sleeper)
    try:
        attach(sleeper)
    except OSError as error:
        pytest.skip(f"nothing can be traced here: {error}")
    assert is_debugged(sleeper)
    assert bench.pass_time(60) == ([], {})
    assert bench.worker.judged_at is None


def attach(pid: int) -> None:
    """As a debugger does (ptrace(2), PTRACE_SEIZE), until this thread ends or the process does."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(ctypes.c_long(0x4206), ctypes.c_long(pid), ctypes.c_long(0), ctypes.c_long(0)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def test_none_switches_it_off(sleeper: int) -> None:
    bench = Bench(sleeper, worker_timeout=None, max_age=3600.0)
    assert bench.pass_time(3000) == ([], {})


def test_nothing_to_look_at() -> None:
    watch = Watch(Policy(1, {"worker_timeout": None}), Board(1))
    assert watch.due is None
    assert watch.look([], 0.0) == ([], {})


def test_requests_and_their_spread() -> None:
    bench = Bench(os.getpid(), worker_timeout=None, max_requests=1000)
    bench.write(2, 999)
    assert bench.pass_time(5) == ([], {})
    bench.write(2, 1100)
    assert bench.pass_time(1)[1] == {bench.worker: "has answered 1100 requests"}
    limits = set()
    for _ in range(20):
        bench.watch.begin(bench.worker, bench.now)
        limits.add(bench.worker.most_requests)
    assert len(limits) > 1
    assert all(limit is not None and 1000 <= limit < 1100 for limit in limits)


def test_age_and_its_spread() -> None:
    bench = Bench(os.getpid(), worker_timeout=None, max_age=1000.0)
    assert bench.worker.old_at is not None
    assert 1000 <= bench.worker.old_at - bench.now < 1100
    assert bench.pass_time(999) == ([], {})
    assert bench.pass_time(101)[1].keys() == {bench.worker}


def test_memory() -> None:
    own = resident_bytes(os.getpid())
    assert own > 1024 * 1024
    assert Bench(os.getpid(), worker_timeout=None, max_rss=own * 4).pass_time(5) == ([], {})
    worn = Bench(os.getpid(), worker_timeout=None, max_rss=own // 4).pass_time(5)[1]
    assert all(why.endswith(" MiB of memory") for why in worn.values())
    assert worn


def test_what_the_system_does_not_tell() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert (is_stopped(gone.pid), is_debugged(gone.pid), resident_bytes(gone.pid)) == (False, False, 0)


@pytest.mark.parametrize(
    ("traceback", "place"),
    [
        (
            'Thread 0x2 (most recent call first):\n  File "p.py", line 1 in pool\n\nCurrent thread 0x1 (most recent call first):\n  File "m.py", line 2 in main\n',
            "m.py:2 in main",
        ),
        (
            'Thread 0x2 (most recent call first):\n  File "p.py", line 1 in pool\n\nThread 0x1 (most recent call first):\n  File "m.py", line 2 in main\n',
            "m.py:2 in main",
        ),
        ('Current thread 0x1 (most recent call first):\n  File "a b.py", line 9 in <lambda>\n', "a b.py:9 in <lambda>"),
        ("Current thread 0x1 (most recent call first):\n  <no Python frame>\n", ""),
        ("", ""),
    ],
)
def test_where_the_loop_is(traceback: str, place: str) -> None:
    assert innermost(traceback) == place


def test_where_a_further_loop_is() -> None:
    traceback = (
        'Thread 0x3 [covet-loop-2] (most recent call first):\n  File "b.py", line 3 in two\n\n'
        'Thread 0x2 [covet-loop-1] (most recent call first):\n  File "a.py", line 1 in one\n\n'
        'Current thread 0x1 [python] (most recent call first):\n  File "m.py", line 2 in main\n'
    )
    assert [innermost(traceback, number) for number in range(4)] == [
        "m.py:2 in main",
        "a.py:1 in one",
        "b.py:3 in two",
        "",
    ]


def test_one_of_several_threads_stands_still(sleeper: int) -> None:
    """A worker hangs where one of its threads does, however the others beat."""
    bench = Bench(sleeper, threads=3, worker_timeout=1.0)
    for beat in range(1, 20):
        for number in (0, 1, 2):
            bench.write(1, beat, number)
        assert bench.pass_time(0.5) == ([], {})
    found: list[Worker] = []
    beat = 20
    while not found and beat < 40:
        for number in (0, 2):
            bench.write(1, beat, number)
        found = bench.pass_time(0.5)[0]
        beat += 1
    assert found == [bench.worker]
    assert bench.worker.still == 1


def test_slots_of_a_worker_are_neighbours() -> None:
    board = Board(2, 3)
    first, second = board.take(), board.take()
    assert {first, second} == {1, 4}
    assert (board.slots, board.has_room) == (7, False)
    for slot, number in ((4, 10), (5, 20), (6, 30)):
        os.pwrite(board.fd, number.to_bytes(8, "little"), slot * SLOT_BYTES + 16)
    assert (board.requests(4), board.requests(1)) == (60, 0)
    board.give_back(4)
    assert board.requests(4) == 0
    os.close(board.fd)


def test_beats_are_rarer_than_a_second_only_for_short_bounds() -> None:
    assert [Policy(1, {"worker_timeout": bound}).beat for bound in (None, 30.0, 4.0, 1.0)] == [1.0, 1.0, 1.0, 0.25]


def test_slots_are_given_again_and_empty() -> None:
    board = Board(2)
    first, second = board.take(), board.take()
    assert sorted((first, second)) == [1, 2]
    assert not board.has_room
    os.pwrite(board.fd, b"\1" * SLOT_BYTES, first * SLOT_BYTES)
    board.give_back(first)
    assert board.take() == first
    assert (board.beats(first), board.requests(first)) == ((0,), 0)
    board.announce_stop()
    assert os.pread(board.fd, SLOT_BYTES, 0) == (1).to_bytes(SLOT_BYTES, "little")
    os.close(board.fd)
