"""The parent of the workers: owns the listening sockets, starts workers, replaces those that die or are old, ends them.

Imports no user code, no asyncio and not the engine, and starts no thread. Workers are told what to do by arguments,
inherited descriptors and signals; they answer through one pipe each, by their beats on the board, and by exiting.
What a worker is held to while it serves is `_watch`'s.
"""

import os
import select
import signal
import sys
import time

from covet._board import Board
from covet._handover import Heir, Inheritance, start_heir
from covet._policy import Policy
from covet._processes import Worker, ending, spawn
from covet._systemd import Notifier
from covet._watch import Watch
from covet.launch import FAILED_START, Assignment
from covet.listeners import Sockets, url_of

FIRST_DELAY = 0.1
"""Seconds before a crashed worker is replaced; doubled while it keeps failing."""
LAST_DELAY = 5.0
"""Seconds, at most; who has served so long starts over with the first delay."""
CRASHES, WINDOW = 10, 60.0
"""So many crashes in so many seconds, with no worker ready, end the supervisor."""
GRACE = 5.0
"""Seconds that a worker has after the drain's deadline to end by itself."""
AT_ONCE = 1.0
"""Seconds that a worker has after a second signal."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD)


class Place:
    """For one worker at a time, and for the one that is to follow it."""

    __slots__ = ("delay", "due", "successor", "wanted", "worker")

    def __init__(self, due: float) -> None:
        self.worker: Worker | None = None
        self.successor: Worker | None = None
        """Starts while the worker still serves."""
        self.wanted = False
        """Whether the worker is to be replaced."""
        self.delay = FIRST_DELAY
        self.due: float | None = due
        """When a worker is started, where there is none, or a successor that failed is tried again."""

    @property
    def is_empty(self) -> bool:
        """Whether there is no worker, and none to come."""
        return self.worker is None and self.successor is None

    @property
    def is_settled(self) -> bool:
        """Whether its worker serves and is to stay."""
        ready = self.worker is not None and self.worker.ready_since is not None
        return ready and self.successor is None and not self.wanted


class Supervisor:
    """Workers on `sockets`, as `policy` has them; `words` are what the workers parse, as `covet run` did."""

    module = "covet.worker"
    """What a worker runs, as `python -m`."""

    def __init__(
        self, words: list[str], sockets: Sockets, policy: Policy, notifier: Notifier, before: Inheritance | None = None
    ) -> None:
        """`before`: what this supervisor got from another one, which waits to hear that we are ready."""
        self.words = words
        self.sockets = sockets
        self.policy = policy
        self.notifier = notifier
        self.before = before
        self.places = [Place(time.monotonic()) for _ in range(policy.workers)]
        self.leaving: list[Worker] = []
        """Told to end."""
        self.board = Board(2 * policy.workers + 2)
        self.watch = Watch(policy, self.board)
        self.crashes: list[float] = []
        self.announced = False
        self.reloading = False
        """Every worker is being replaced because a signal asked for it."""
        self.code = 0
        self.drain_at: float | None = None
        """When the drain begins; None while serving."""
        self.kill_at: float | None = None
        """When what is left is killed; None before the drain."""
        self.alive_at = 0.0
        self.heir: Heir | None = None
        self.poll = select.poll()
        self.reader = -1

    def run(self) -> int:
        """Until all workers have ended after a signal, or none can start; the exit code."""
        self.reader, writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(writer, False)
        for number in SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self.poll.register(self.reader, select.POLLIN)
        while self.kill_at is None or any(self._workers()):
            self._turn()
        self.sockets.close()
        return self.code

    def replace(self) -> None:
        """Replace every worker, one by one, the new one ready before the old one drains. Again: those that follow too."""
        if self.drain_at is None:
            for place in self.places:
                place.wanted = place.worker is not None
                if place.worker is None:
                    place.due = time.monotonic()

    def _turn(self) -> None:
        """Start what is due, wait, take what came."""
        now = time.monotonic()
        self._start_due(now)
        self._start_successor()
        for fd, _ in self.poll.poll(self._wait()):
            if fd == self.reader:
                for number in os.read(self.reader, 4096):
                    self._take_signal(number)
            elif self.heir is not None and fd == self.heir.pipe:
                self._hear_heir(self.heir)
            else:
                self._hear(fd)
        self._reap()
        self._look(time.monotonic())

    def _wait(self) -> float | None:
        """Milliseconds until something is due; None for nothing."""
        times = [place.due for place in self.places if place.is_empty and place.due is not None and self.board.has_room]
        times += [worker.kill_at for worker in self.leaving if worker.kill_at is not None]
        next_step = self.watch.due if self.drain_at is None else self.kill_at or self.drain_at
        if next_step is not None:
            times.append(next_step)
        if self.notifier.watchdog is not None:
            times.append(self.alive_at)
        return max(0.0, (min(times) - time.monotonic()) * 1000 + 1) if times else None

    def _take_signal(self, number: int) -> None:
        """Do what a signal asks for."""
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stop()
        elif number == signal.SIGHUP and self.drain_at is None:
            say(f"replacing {_workers_in_words(len(self.places))}, one by one")
            self.reloading = True
            self.notifier.reloading()
            self.replace()
        elif number == signal.SIGUSR1:
            for worker in self._workers():
                if worker.ready_since is not None:  # a later one opens the new file
                    worker.send(signal.SIGUSR1)
        elif number == signal.SIGUSR2:
            self._hand_over()

    def _look(self, now: float) -> None:
        """Do what the time asks for."""
        if self.notifier.watchdog is not None and now >= self.alive_at:
            self.alive_at = now + self.notifier.watchdog
            self.notifier.alive()
        if self.drain_at is None:
            self._watch_workers(now)
        elif self.kill_at is None and now >= self.drain_at:
            self._drain()
        for worker in self.leaving:
            if worker.kill_at is not None and now >= worker.kill_at:
                worker.kill_at = now + GRACE
                worker.send(signal.SIGKILL)
        if self.kill_at is not None and now >= self.kill_at:
            self._send_all(signal.SIGKILL)
            self.kill_at = now + GRACE

    def _watch_workers(self, now: float) -> None:
        """Replace those that hang, and those that have served long enough."""
        serving = [place.worker for place in self.places if place.worker and place.worker.ready_since]
        hung, worn = self.watch.look(serving, now)
        for place in self.places:
            worker = place.worker
            if worker in hung:
                worker.ended_by_us = True
                worker.send(signal.SIGKILL)
            elif worker in worn and not place.wanted and place.successor is None and self._may_try(place, now):
                say(f"worker {worker.pid} {worn[worker]}; replacing it")
                place.wanted = True

    def _may_try(self, place: Place, now: float) -> bool:
        """Whether a successor that failed was long enough ago."""
        return place.due is None or place.due <= now

    def _start_due(self, now: float) -> None:
        for number, place in enumerate(self.places):
            wanting = place.is_empty and place.due is not None and place.due <= now
            if wanting and self.kill_at is None and self.board.has_room:
                place.due = None
                try:
                    place.worker = self._spawn(number)
                except OSError as error:
                    say(f"cannot start a worker: {error.strerror}")
                    self._crashed(place, now)

    def _start_successor(self) -> None:
        """For the next worker that is to be replaced, unless one is starting."""
        room = self.drain_at is None and len(self.leaving) <= len(self.places)
        if not room or any(place.successor is not None for place in self.places):
            return
        for number, place in enumerate(self.places):
            if place.wanted and place.worker is not None and place.worker.ready_since is not None:
                place.wanted = False
                try:
                    place.successor = self._spawn(number)
                except OSError as error:
                    self._stays(place, f"cannot start a worker: {error.strerror}")
                return

    def _spawn(self, number: int) -> Worker:
        """Fork and exec one worker for a place. No process to be had: OSError."""
        slot = self.board.take()
        reader, writer = os.pipe()
        fds = [listener.fileno() for listener in self.sockets]
        part = Assignment(os.getpid(), writer, self.board.fd, slot, self.board.slots, *fds)
        try:
            worker = Worker(spawn(self.module, part, self.words, self.board.fd), reader, slot)
        except OSError:
            os.close(reader)
            self.board.give_back(slot)
            raise
        finally:
            os.close(writer)
        if self.policy.pin:
            pin(worker.pid, number)
        self.poll.register(reader, select.POLLIN)
        return worker

    def _workers(self) -> list[Worker]:
        """Every child but an heir."""
        kept = [worker for place in self.places for worker in (place.worker, place.successor) if worker is not None]
        return kept + self.leaving

    def _hear(self, fd: int) -> None:
        """What a worker says: that it is ready, why it cannot start, or where its threads are."""
        worker = next(worker for worker in self._workers() if worker.pipe == fd)
        piece = os.read(fd, 65536)
        worker.text += piece
        if not piece:
            self.poll.unregister(fd)
        elif worker.ready_since is None and worker.text == b"ready":
            worker.text = b""
            worker.ready_since = time.monotonic()
            self.watch.begin(worker, worker.ready_since)
            self._succeed(worker)
            self._announce()
        elif worker.ready_since is not None and worker.judged_at is None:
            sys.stderr.write(worker.text.decode(errors="replace"))  # somebody asked it where it is
            worker.text = b""

    def _succeed(self, worker: Worker) -> None:
        """A worker is ready: the one before it may go."""
        for place in self.places:
            if place.successor is worker:
                old, place.worker, place.successor = place.worker, worker, None
                place.delay, place.due = FIRST_DELAY, None
                if old is not None:
                    self._retire(old)
        if self.reloading and self.announced and all(place.is_settled for place in self.places):
            self._reloaded(f"{_workers_in_words(len(self.places))} replaced")

    def _reloaded(self, text: str) -> None:
        """The end of a reload."""
        self.reloading = False
        say(text)
        self.notifier.ready(self._status())

    def _retire(self, worker: Worker) -> None:
        """Let one worker drain."""
        worker.ended_by_us = True
        worker.kill_at = time.monotonic() + self.policy.drain_timeout + GRACE
        worker.send(signal.SIGTERM)
        self.leaving.append(worker)

    def _announce(self) -> None:
        """Say where we serve, once, when every worker is ready."""
        if self.announced or not all(place.worker and place.worker.ready_since for place in self.places):
            return
        self.announced = True
        say(self._status())
        if self.before is not None:
            self.before.tell_ready()  # it tells the service manager of us
        else:
            self.notifier.ready(self._status())

    def _status(self) -> str:
        return f"serving {', '.join(map(url_of, self.sockets))} ({_workers_in_words(len(self.places))})"

    def _reap(self) -> None:
        """Take the exit of every child that has ended: workers, an heir, and orphans where we are process 1."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            code = os.waitstatus_to_exitcode(status)
            if self.heir is not None and pid == self.heir.pid:
                self._heir_ended(self.heir, code)
            for worker in self._workers():
                if worker.pid == pid:
                    self._ended(worker, code)

    def _ended(self, worker: Worker, code: int) -> None:
        """Decide what the end of a worker means."""
        try:
            self.poll.unregister(worker.pipe)
        except KeyError:  # at its end already
            pass
        worker.hear_out()
        self.board.give_back(worker.slot)
        before_ready = worker.ready_since is None
        failure = worker.text.decode(errors="replace") if before_ready else ""
        place = next((place for place in self.places if worker in (place.worker, place.successor)), None)
        if place is None:
            self.leaving.remove(worker)
        elif place.worker is worker:
            place.worker = None
        else:
            place.successor = None
            if self.kill_at is None:
                self._stays(place, failure or f"worker {worker.pid} {ending(code)} before it was ready")
                return
        if self.kill_at is not None:
            if code not in (0, -signal.SIGTERM if before_ready else 0):
                self.code = self.code or 1
        elif place is None:
            if code != 0:
                say(f"worker {worker.pid} {ending(code)} while it drained")
        elif worker.ended_by_us:
            place.due = time.monotonic()
        else:
            self._lost(place, worker, failure, code)

    def _lost(self, place: Place, worker: Worker, failure: str, code: int) -> None:
        """A worker ended by itself."""
        now = time.monotonic()
        place.wanted = False
        if failure:
            say(failure)
        if code == FAILED_START and not self.announced:
            self._give_up()
            return
        if not failure:
            say(f"worker {worker.pid} {ending(code)}; starting another")
        if worker.ready_since is not None and now - worker.ready_since >= LAST_DELAY:
            place.delay = FIRST_DELAY
        self._crashed(place, now)

    def _stays(self, place: Place, why: str) -> None:
        """A successor did not become ready: the worker before it goes on, or, where that has died, is waited for."""
        say(why)
        for other in self.places:
            other.wanted = False
        now = time.monotonic()
        if place.worker is None:
            self._crashed(place, now)
        else:
            place.due = now + LAST_DELAY
        if self.reloading:
            self._reloaded("reload failed: the workers that were serving go on")

    def _crashed(self, place: Place, now: float) -> None:
        """Try again after a delay, or give up."""
        place.due = now + place.delay
        place.delay = min(place.delay * 2, LAST_DELAY)
        self.crashes = [*(crash for crash in self.crashes if now - crash < WINDOW), now]
        none_ready = not any(other.worker and other.worker.ready_since for other in self.places)
        if len(self.crashes) >= CRASHES and none_ready:
            say(f"{len(self.crashes)} crashes in {WINDOW:.0f} s and no worker ready: giving up")
            self._give_up()

    def _give_up(self) -> None:
        """End with an error."""
        self.code = 1
        self.drain_at = time.monotonic()
        self._drain()

    def _stop(self) -> None:
        """First call: readiness off, drain now or after the delay. Next: drain now. Last: end at once."""
        now = time.monotonic()
        if self.kill_at is not None:
            self.kill_at = min(self.kill_at, now + AT_ONCE)
            self._send_all(signal.SIGTERM)
            return
        first = self.drain_at is None
        delay = self.policy.drain_delay if first else 0.0
        self.drain_at = now + delay
        if first:
            self.board.announce_stop()
            self.notifier.stopping()
        if delay:
            say(f"draining in {delay:g} s; a second signal drains now")
        else:
            self._drain()

    def _drain(self, *, to_heir: bool = False) -> None:
        """Let every worker drain."""
        self.drain_at = time.monotonic()
        self.kill_at = self.drain_at + self.policy.drain_timeout + GRACE
        if to_heir:
            self.sockets.hand_over()
        else:
            self.sockets.close()  # the workers' copies are the last ones, which they empty before they close
        for place in self.places:
            place.due = None
        if self.code == 0:
            say("draining; a second signal ends at once")
        self._send_all(signal.SIGTERM)

    def _send_all(self, number: signal.Signals) -> None:
        for worker in self._workers():
            worker.send(number)

    def _hand_over(self) -> None:
        """Start the next covet on our sockets."""
        if os.getpid() == 1:
            say("process 1 cannot be followed by another: use SIGHUP, which replaces the workers")
        elif self.heir is None and self.drain_at is None and self.announced:
            try:
                self.heir = start_heir(self.sockets, owned=self.sockets.owned, variables=self.notifier.variables)
            except OSError as error:
                say(f"cannot start the next covet: {error.strerror}")
            else:
                say(f"handing over to process {self.heir.pid}")
                self.poll.register(self.heir.pipe, select.POLLIN)

    def _hear_heir(self, heir: Heir) -> None:
        """It is ready, or it has closed its pipe and will end."""
        self.poll.unregister(heir.pipe)
        ready = heir.is_ready()
        heir.close()
        if ready and self.drain_at is None:
            say(f"process {heir.pid} serves")
            self.notifier.followed_by(heir.pid)
            self._drain(to_heir=True)
        elif ready:  # we were told to stop meanwhile, and so is it
            os.kill(heir.pid, signal.SIGTERM)

    def _heir_ended(self, heir: Heir, code: int) -> None:
        """The next covet has ended."""
        self.heir = None
        if self.drain_at is None:
            if heir.pipe >= 0:
                self.poll.unregister(heir.pipe)
                heir.close()
            say(f"handing over failed: process {heir.pid} {ending(code)}; this one goes on")


def say(text: str) -> None:
    """One message of the server to whoever watches it."""
    try:
        print(f"covet: {text}", file=sys.stderr, flush=True)
    except OSError:
        pass  # nobody does


def pin(pid: int, number: int) -> None:
    """Keep a process on one processor, by its number among its kind."""
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(pid, {usable[number % len(usable)]})


def _workers_in_words(count: int) -> str:
    return f"{count} worker{'s' if count > 1 else ''}"
