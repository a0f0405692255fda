"""The workers of one server: starts them, replaces those that die, hang, are worn or are to follow new code.

Knows processes, their pipes and the board; nothing of the supervisor's own signals, of the end of the server, or of
who else is told.
"""

import contextlib
import os
import select
import signal
import time

from covet._board import Board
from covet._messages import pass_on, say
from covet._policy import Policy
from covet._processes import Worker, ending, pin, spawn
from covet._watch import Watch
from covet.launch import FAILED_START, Assignment
from covet.listeners import Sockets

FIRST_DELAY = 0.1
"""Seconds before a crashed worker is replaced; doubled while it keeps failing."""
LAST_DELAY = 5.0
"""Seconds, at most; who has served so long starts over with the first delay."""
CRASHES, WINDOW = 10, 60.0
"""So many crashes in so many seconds, with no worker ready, end the server."""
GRACE = 5.0
"""Seconds that a worker has after the drain's deadline to end by itself."""


class Place:
    """For one worker at a time, and for the one that is to follow it."""

    __slots__ = ("delay", "due", "retry_at", "successor", "wanted", "worker")

    def __init__(self) -> None:
        self.worker: Worker | None = None
        self.successor: Worker | None = None
        """Starts while the worker still serves."""
        self.wanted = False
        """Whether the worker is to be replaced."""
        self.delay = FIRST_DELAY
        self.due: float | None = time.monotonic()
        """When a worker is started, where there is none."""
        self.retry_at = 0.0
        """A worn worker is not replaced before; a successor failed."""

    @property
    def is_empty(self) -> bool:
        """Whether there is no worker, and none to come."""
        return self.worker is None and self.successor is None

    @property
    def is_settled(self) -> bool:
        """Whether its worker serves and is to stay."""
        return self.worker is not None and self.worker.is_ready and self.successor is None and not self.wanted


class Crew:
    """Workers on `sockets`, as `policy` has them, running `module` with `words`. `poll` waits for their pipes too."""

    def __init__(self, module: str, words: list[str], sockets: Sockets, policy: Policy, poll: select.poll) -> None:
        self.places = [Place() for _ in range(policy.workers)]
        self.leaving: list[Worker] = []
        """Told to end."""
        self.board = Board(2 * policy.workers + 2, policy.threads)
        self.was_complete = False
        """Whether all were ready at some time."""
        self.has_given_up = False
        self.failed_successors = 0
        self._module, self._words, self._sockets, self._policy = module, words, sockets, policy
        self._poll = poll
        self._watch = Watch(policy, self.board)
        self._crashes: list[float] = []
        self._is_ending = False

    @property
    def workers(self) -> list[Worker]:
        """All of them."""
        kept = [worker for place in self.places for worker in (place.worker, place.successor) if worker is not None]
        return kept + self.leaving

    @property
    def is_settled(self) -> bool:
        """Whether every place has a worker that serves and is to stay."""
        return all(place.is_settled for place in self.places)

    def replace(self) -> None:
        """Replace every worker, one by one, the new one ready before the old one drains.

        Again meanwhile: also those that have followed.
        """
        for place in self.places:
            place.wanted = place.worker is not None
            if place.worker is None:
                place.due = time.monotonic()

    def due(self) -> list[float]:
        """When something is to be done."""
        times = [worker.kill_at for worker in self.leaving if worker.kill_at is not None]
        if not self._is_ending:
            if self.board.has_room:
                times += [place.due for place in self.places if place.is_empty and place.due is not None]
            if self._watch.due is not None:
                times.append(self._watch.due)
        return times

    def start(self, now: float) -> None:
        """Start what is due, and the next successor."""
        if self._is_ending:
            return
        for number, place in enumerate(self.places):
            if place.is_empty and place.due is not None and place.due <= now and self.board.has_room:
                place.due = None
                try:
                    place.worker = self._spawn(number)
                except OSError as error:
                    say(f"cannot start a worker: {error.strerror}")
                    self._crashed(place)
        waiting = any(place.successor is not None for place in self.places) or len(self.leaving) > len(self.places)
        for number, place in enumerate(self.places):
            if place.wanted and not waiting and place.worker is not None and place.worker.is_ready:
                waiting = True
                place.wanted = False
                try:
                    place.successor = self._spawn(number)
                except OSError as error:
                    self._stays(place, f"cannot start a worker: {error.strerror}")

    def hear(self, fd: int) -> None:
        """What a worker says: that it is ready, why it cannot start, or where its threads are."""
        worker = next(worker for worker in self.workers if worker.pipe == fd)
        piece = os.read(fd, 65536)
        worker.text += piece
        if not piece:
            self._poll.unregister(fd)
        elif not worker.is_ready and worker.text == b"ready":
            worker.text = b""
            worker.ready_since = time.monotonic()
            self._watch.begin(worker, worker.ready_since)
            if self.was_complete and any(place.worker is worker for place in self.places):
                say(f"worker {worker.pid} serves")  # after a crash
            self._succeed(worker)
            self.was_complete = self.was_complete or all(each.worker and each.worker.is_ready for each in self.places)
        elif worker.is_ready and worker.judged_at is None:
            pass_on(worker.text.decode(errors="replace"))  # somebody asked it where it is
            worker.text = b""

    def look(self, now: float) -> None:
        """Replace those that hang and those that have served long enough; kill those that do not end."""
        for worker in self.leaving:
            if worker.kill_at is not None and now >= worker.kill_at:
                worker.kill_at = now + GRACE
                worker.send(signal.SIGKILL)
        if self._is_ending:
            return
        kept = [place.worker for place in self.places if place.worker is not None]
        serving = [worker for worker in kept if worker.is_ready and not worker.ended_by_us]
        hung, worn = self._watch.look(serving, now)
        for place in self.places:
            if place.worker is None:
                continue
            if place.worker in hung:
                place.worker.ended_by_us = True
                place.worker.send(signal.SIGKILL)
            elif place.worker in worn and place.is_settled and now >= place.retry_at:
                say(f"worker {place.worker.pid} {worn[place.worker]}; replacing it")
                place.wanted = True

    def ended(self, pid: int, code: int) -> Worker | None:
        """A child has ended; which of ours it was, with everything decided unless all are to end."""
        worker = next((worker for worker in self.workers if worker.pid == pid), None)
        if worker is None:
            return None
        with contextlib.suppress(KeyError):  # at its end already
            self._poll.unregister(worker.pipe)
        worker.hear_out()
        self.board.give_back(worker.slot)
        place = next((place for place in self.places if worker in (place.worker, place.successor)), None)
        if place is None:
            self.leaving.remove(worker)
            if code != 0 and not self._is_ending:
                say(f"worker {worker.pid} {ending(code)} while it drained")
        elif place.worker is worker:
            place.worker = None
            if not self._is_ending:
                self._lost(place, worker, code)
        else:
            place.successor = None
            if not self._is_ending:
                said = worker.text.decode(errors="replace")
                self._stays(place, said or f"worker {worker.pid} {ending(code)} before it was ready")
        return worker

    def send(self, number: signal.Signals, *, only_ready: bool = False) -> None:
        """A signal to all; `only_ready`: to those that are known to handle it."""
        for worker in self.workers:
            if worker.is_ready or not only_ready:
                worker.send(number)

    def end(self) -> None:
        """Let all drain; none is started any more."""
        self._is_ending = True
        for worker in self.workers:
            if worker not in self.leaving:  # to which it would be the second signal
                worker.send(signal.SIGTERM)

    def _spawn(self, number: int) -> Worker:
        """Fork and exec one worker for a place. No process to be had: OSError."""
        slot = self.board.take()
        reader, writer = os.pipe()
        fds = [listener.fileno() for listener in self._sockets]
        part = Assignment(os.getpid(), writer, self.board.fd, slot, self.board.slots, self._policy.threads, *fds)
        try:
            worker = Worker(spawn(self._module, part, self._words), reader, slot)
        except OSError:
            os.close(reader)
            self.board.give_back(slot)
            raise
        finally:
            os.close(writer)
        if self._policy.pin:
            pin(worker.pid, number)
        self._poll.register(reader, select.POLLIN)
        return worker

    def _succeed(self, worker: Worker) -> None:
        """A worker is ready: the one before it may go."""
        for place in self.places:
            if place.successor is worker:
                old, place.worker, place.successor = place.worker, worker, None
                place.delay, place.due = FIRST_DELAY, None
                if old is None:
                    continue
                self.leaving.append(old)
                if not self._is_ending:  # else it was told, and a second signal ends a worker at once
                    old.kill_at = time.monotonic() + self._policy.drain_timeout + GRACE
                    old.send(signal.SIGTERM)

    def _lost(self, place: Place, worker: Worker, code: int) -> None:
        """A worker that was to stay has ended."""
        place.wanted = False
        if self.has_given_up:  # and has said why
            return
        if worker.ended_by_us:
            place.due = time.monotonic()
            return
        failure = "" if worker.is_ready else worker.text.decode(errors="replace")
        if failure:
            say(failure)
        if code == FAILED_START and not self.was_complete:
            self.has_given_up = True
            return
        if not failure:
            say(f"worker {worker.pid} {ending(code)}; starting another")
        if worker.ready_since is not None and time.monotonic() - worker.ready_since >= LAST_DELAY:
            place.delay = FIRST_DELAY
        self._crashed(place)

    def _stays(self, place: Place, why: str) -> None:
        """A successor did not become ready: the worker before it goes on; none is replaced any more."""
        say(why)
        self.failed_successors += 1
        for other in self.places:
            other.wanted = False
        place.retry_at = time.monotonic() + LAST_DELAY
        if place.worker is None:
            self._crashed(place)

    def _crashed(self, place: Place) -> None:
        """Try again after a delay, or give up."""
        now = time.monotonic()
        place.due = now + place.delay
        place.delay = min(place.delay * 2, LAST_DELAY)
        self._crashes = [*(crash for crash in self._crashes if now - crash < WINDOW), now]
        none_ready = not any(other.worker and other.worker.is_ready for other in self.places)
        if len(self._crashes) >= CRASHES and none_ready:
            say(f"{len(self._crashes)} crashes in {WINDOW:.0f} s and no worker ready: giving up")
            self.has_given_up = True
