"""The parent of the workers: owns the listening sockets, starts workers, replaces those that die, ends them all.

Imports no user code, no asyncio and not the engine, and starts no thread. Workers are told what to do by arguments,
inherited descriptors and signals; they answer through one pipe each, by exiting, and in no other way.
"""

import contextlib
import os
import select
import signal
import socket
import sys
import time

from covet.launch import FAILED_START, Assignment
from covet.listeners import refuse_new, remove_unix, url_of

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
SLOT_BYTES = 64
"""Of each worker in the memory file of counters: one cache line."""


class Worker:
    """One child process."""

    __slots__ = ("pid", "pipe", "ready_since", "text")

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self.pipe = pipe
        self.text = b""
        self.ready_since: float | None = None


class Slot:
    """A place for a worker, which outlives it."""

    __slots__ = ("delay", "due", "worker")

    def __init__(self) -> None:
        self.worker: Worker | None = None
        self.delay = FIRST_DELAY
        self.due: float | None = None


class Supervisor:
    """`workers` processes on `listeners`; `words` are what the workers parse, as `covet run` did."""

    module = "covet.worker"
    """What a worker runs, as `python -m`."""

    def __init__(self, words: list[str], listeners: list[socket.socket], workers: int, drain_timeout: float) -> None:
        self.words = words
        self.listeners = listeners
        self.slots = [Slot() for _ in range(workers)]
        self.drain_timeout = drain_timeout
        self.counters = _memory_file(workers * SLOT_BYTES)
        self.crashes: list[float] = []
        self.announced = False
        self.code = 0
        self.kill_at: float | None = None
        """When what is left is killed; None while serving."""
        self.poll = select.poll()

    def run(self) -> int:
        """Until all workers have ended after a signal, or none can start; the exit code."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self.poll.register(reader, select.POLLIN)
        for listener in self.listeners:
            listener.set_inheritable(True)
        now = time.monotonic()
        for slot in self.slots:
            slot.due = now
        while self.kill_at is None or any(slot.worker is not None for slot in self.slots):
            self._turn(reader)
        self._close_listeners()
        return self.code

    def _turn(self, reader: int) -> None:
        """Start what is due, wait, take what came."""
        self._start_due(time.monotonic())
        for fd, _ in self.poll.poll(self._wait()):
            if fd == reader:
                for number in os.read(reader, 4096):
                    if number in (signal.SIGTERM, signal.SIGINT):
                        self._stop()
            else:
                self._hear(fd)
        self._reap()
        if self.kill_at is not None and time.monotonic() >= self.kill_at:
            self._signal(signal.SIGKILL)
            self.kill_at = time.monotonic() + GRACE

    def _wait(self) -> float | None:
        """Milliseconds until something is due; None for nothing."""
        times = [slot.due for slot in self.slots if slot.due is not None]
        if self.kill_at is not None:
            times.append(self.kill_at)
        return max(0.0, (min(times) - time.monotonic()) * 1000 + 1) if times else None

    def _start_due(self, now: float) -> None:
        for number, slot in enumerate(self.slots):
            if slot.due is not None and slot.due <= now and self.kill_at is None:
                slot.due = None
                try:
                    slot.worker = self._spawn(number)
                except OSError as error:
                    say(f"cannot start a worker: {error.strerror}")
                    self._crashed(slot, now)
                else:
                    self.poll.register(slot.worker.pipe, select.POLLIN)

    def _spawn(self, number: int) -> Worker:
        """Fork and exec one worker. No process to be had: OSError."""
        if self.counters >= 0:
            os.pwrite(self.counters, bytes(SLOT_BYTES), number * SLOT_BYTES)
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        fds = [listener.fileno() for listener in self.listeners]
        part = Assignment(os.getpid(), writer, self.counters, number, len(self.slots), *fds)
        command = [sys.executable, *_interpreter_flags(), "-m", self.module, *part.words(), *self.words]
        try:
            return Worker(os.posix_spawn(sys.executable, command, os.environ), reader)
        except OSError:
            os.close(reader)
            raise
        finally:
            os.close(writer)

    def _hear(self, fd: int) -> None:
        """What a worker says: that it is ready, or why it cannot start."""
        slot = next(slot for slot in self.slots if slot.worker is not None and slot.worker.pipe == fd)
        worker = slot.worker
        piece = os.read(fd, 65536)
        if worker is None:
            return
        worker.text += piece
        if not piece:
            self.poll.unregister(fd)
        elif worker.text == b"ready":
            worker.ready_since = time.monotonic()
            self._announce()

    def _announce(self) -> None:
        """Say where we serve, once, when every worker is ready."""
        if not self.announced and all(slot.worker and slot.worker.ready_since for slot in self.slots):
            self.announced = True
            count = len(self.slots)
            say(f"serving {', '.join(map(url_of, self.listeners))} ({count} worker{'s' if count > 1 else ''})")

    def _reap(self) -> None:
        """Take the exit of every worker that has ended."""
        for slot in self.slots:
            worker = slot.worker
            if worker is None:
                continue
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                slot.worker = None
                self._hear_out(worker)
                self._ended(slot, worker, os.waitstatus_to_exitcode(status))

    def _hear_out(self, worker: Worker) -> None:
        """Read what the worker's pipe still holds, and close it."""
        os.set_blocking(worker.pipe, False)
        with contextlib.suppress(BlockingIOError):  # where a child of the worker holds the other end
            while piece := os.read(worker.pipe, 65536):
                worker.text += piece
        with contextlib.suppress(KeyError):  # at its end already
            self.poll.unregister(worker.pipe)
        os.close(worker.pipe)

    def _ended(self, slot: Slot, worker: Worker, code: int) -> None:
        """Decide what the end of a worker means."""
        now = time.monotonic()
        before_ready = worker.ready_since is None
        failure = worker.text.decode(errors="replace") if before_ready else ""
        if self.kill_at is not None:
            if code not in (0, -signal.SIGTERM if before_ready else 0):
                self.code = self.code or 1
            return
        if failure:
            say(failure)
        if code == FAILED_START and not self.announced:
            self._give_up()
            return
        if not failure:
            say(f"worker {worker.pid} {_ending(code)}; starting another")
        if worker.ready_since is not None and now - worker.ready_since >= LAST_DELAY:
            slot.delay = FIRST_DELAY
        self._crashed(slot, now)

    def _crashed(self, slot: Slot, now: float) -> None:
        """Try again after a delay, or give up."""
        slot.due = now + slot.delay
        slot.delay = min(slot.delay * 2, LAST_DELAY)
        self.crashes = [*(crash for crash in self.crashes if now - crash < WINDOW), now]
        none_ready = not any(other.worker and other.worker.ready_since for other in self.slots)
        if len(self.crashes) >= CRASHES and none_ready:
            say(f"{len(self.crashes)} crashes in {WINDOW:.0f} s and no worker ready: giving up")
            self._give_up()

    def _give_up(self) -> None:
        """End with an error."""
        self.code = 1
        self._stop()

    def _stop(self) -> None:
        """First call: drain. Second: at once."""
        if self.kill_at is None:
            self.kill_at = time.monotonic() + self.drain_timeout + GRACE
            self._close_listeners()  # the workers' copies are the last ones, which they empty before they close
            for slot in self.slots:
                slot.due = None
            if self.code == 0:
                say("draining; a second signal ends at once")
        else:
            self.kill_at = min(self.kill_at, time.monotonic() + AT_ONCE)
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        for slot in self.slots:
            if slot.worker is not None:
                os.kill(slot.worker.pid, number)

    def _close_listeners(self) -> None:
        for listener in self.listeners:
            if listener.fileno() >= 0:
                refuse_new(listener)
                remove_unix(listener)
                listener.close()


def say(text: str) -> None:
    """One message of the server to whoever watches it."""
    print(f"covet: {text}", file=sys.stderr, flush=True)


def _memory_file(size: int) -> int:
    """A memory file that workers inherit; -1 where the system has none."""
    if not hasattr(os, "memfd_create"):
        return -1
    fd = os.memfd_create("covet-counters", 0)
    os.ftruncate(fd, size)
    os.set_inheritable(fd, True)
    return fd


def _interpreter_flags() -> list[str]:
    """What this interpreter was started with, for the workers."""
    flags = [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in sys._xoptions.items()]
    flags += [f"-W{option}" for option in sys.warnoptions]
    for name, letter in (("optimize", "O"), ("dont_write_bytecode", "B"), ("verbose", "v")):
        flags += [f"-{letter}"] * int(getattr(sys.flags, name))
    return flags


def _ending(code: int) -> str:
    """How a worker ended, in words."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
