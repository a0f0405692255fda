"""Which workers hang, and which have served long enough. The supervisor looks through this now and then.

Judges by the board and by what the system tells of a process; starts and ends nothing.
"""

import os
import signal
import time

from covet._board import Board
from covet._messages import say
from covet._policy import Policy
from covet._processes import Worker, innermost, is_debugged, is_stopped, resident_bytes

TELL = 1.0
"""Seconds that a worker has to say where it hangs."""
FROZEN = 2.0
"""We were stopped ourselves, if so many periods passed between two looks; and a second."""
_SPREAD = 0.1


class Watch:
    """Over the workers that serve."""

    def __init__(self, policy: Policy, board: Board) -> None:
        self._policy = policy
        self._board = board
        self._looked = time.monotonic()
        self.due = self._looked if policy.watches else None
        """When to look next; None for never."""

    def begin(self, worker: Worker, now: float) -> None:
        """A worker is ready. Workers that started together do not grow old together."""
        spread = 1 + _SPREAD * int.from_bytes(os.urandom(2), "little") / 65536
        worker.beats, worker.seen_at = self._board.beats(worker.slot), now
        if self._policy.max_requests is not None:
            worker.most_requests = self._policy.max_requests * spread
        if self._policy.max_age is not None:
            worker.old_at = now + self._policy.max_age * spread

    def look(self, workers: list[Worker], now: float) -> tuple[list[Worker], dict[Worker, str]]:
        """Those to kill, and those to replace with why; nothing before it is due."""
        if self.due is None or now < self.due:
            return [], {}
        period = self._policy.beat
        frozen = now - self._looked > FROZEN * period + 1
        self._looked = now
        self.due = now + period
        hung = [worker for worker in workers if self._hangs(worker, now, frozen=frozen)]
        worn = {worker: why for worker in workers if worker not in hung and (why := self._worn(worker, now))}
        self.due = min([self.due, *(worker.judged_at for worker in workers if worker.judged_at is not None)])
        return hung, worn

    def _hangs(self, worker: Worker, now: float, *, frozen: bool) -> bool:
        """Whether the worker is to be killed now."""
        timeout = self._policy.worker_timeout
        beats = self._board.beats(worker.slot)
        if timeout is None or self._board.fd < 0:
            return False
        if all(new != old for new, old in zip(beats, worker.beats, strict=True)) or frozen:  # every thread has beaten
            if worker.judged_at is not None:
                say(f"worker {worker.pid} goes on after {now - worker.seen_at:.1f} s{_where(worker)}")
            worker.beats, worker.seen_at, worker.judged_at, worker.text = beats, now, None, b""
            return False
        silent = now - worker.seen_at
        if worker.judged_at is not None:
            if now < worker.judged_at:
                return False
            text = f"worker {worker.pid} has not answered for {silent:.1f} s{_where(worker)}; replacing it"
            say(text, worker.text.decode(errors="replace"))
            return True
        if silent < timeout:
            return False
        if is_debugged(worker.pid):
            worker.seen_at = now
            return False
        if is_stopped(worker.pid):
            stopped = "it is stopped (SIGSTOP) and cannot say where"
            say(f"worker {worker.pid} has not answered for {silent:.1f} s: {stopped}; replacing it")
            return True
        worker.judged_at = now + TELL
        worker.still = next(number for number, beat in enumerate(beats) if beat == worker.beats[number])
        worker.send(signal.SIGUSR2)
        return False

    def _worn(self, worker: Worker, now: float) -> str:
        """Why the worker has served long enough; "" where it has not."""
        policy = self._policy
        if worker.most_requests is not None and (answered := self._board.requests(worker.slot)) >= worker.most_requests:
            return f"has answered {answered} requests"
        if worker.old_at is not None and now >= worker.old_at and worker.ready_since is not None:
            return f"has served for {now - worker.ready_since:.0f} s"
        if policy.max_rss is not None and (resident := resident_bytes(worker.pid)) > policy.max_rss:
            return f"has {resident >> 20} MiB of memory"
        return ""


def _where(worker: Worker) -> str:
    """Where it said that it is."""
    place = innermost(worker.text.decode(errors="replace"), worker.still)
    return f": its loop is in {place}" if place else ": it did not say where it is"
