"""The parent of the worker while a project is developed: `covet run --reload`.

Keeps the listening sockets, so that a request waits while the worker is replaced; what changed it hears from
`covet.changes`. One worker at a time: the old one has ended before the new one loads the application, since it may hold
what the new one needs. The new one waits meanwhile with its imports done (`covet.warm`). As the supervisor it imports
no user code, no asyncio and not the engine, and starts no thread.
"""

import contextlib
import os
import select
import signal
import sys
import time

from covet._crew import GRACE
from covet._messages import say
from covet._policy import Policy
from covet._processes import inheritable, interpreter_flags
from covet.launch import Assignment, Launch
from covet.listeners import Sockets, url_of
from covet.supervisor import AT_ONCE

PATIENCE = 0.5
"""Seconds that requests of the old worker have to finish; as long again until what is left of it is killed."""


class Child:
    """A process and the pipe on which it speaks."""

    __slots__ = ("is_ready", "kill_at", "pid", "pipe", "text", "told", "word")

    def __init__(self, pid: int, pipe: int, word: int = -1) -> None:
        self.pid = pid
        self.pipe = pipe
        self.word = word
        """Where a warm worker gets the word to start; -1 for others, and afterwards."""
        self.text = b""
        self.is_ready = False
        self.told = 0
        """How often to end."""
        self.kill_at: float | None = None


class Reloader:
    """One worker on `sockets`, replaced on every change; `words` are those of `covet run`."""

    def __init__(self, words: list[str], sockets: Sockets, launch: Launch) -> None:
        self.words = words
        self.sockets = sockets
        self.drain_timeout = Policy(1, launch.settings).drain_timeout
        self.threads = launch.threads
        self.folders = launch.reload_dir or (launch.app_dir,)
        self.watcher: Child | None = None
        self.worker: Child | None = None
        self.spare: Child | None = None
        self.is_wanted = True
        """Whether a worker is to be started once there is none."""
        self.is_ending = False
        self.announced = False
        self.code = 0
        self.poll = select.poll()

    def run(self) -> int:
        """Until a signal; the exit code."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self.poll.register(reader, select.POLLIN)
        try:
            self.watcher = self._start_watcher()
            while not self.is_ending or self.worker is not None:
                self._turn(reader)
        finally:
            self._kill_all()
            self.sockets.close()
        return self.code

    def _turn(self, reader: int) -> None:
        """Start what is wanted, wait, take what came."""
        if self.is_wanted and self.worker is None and not self.is_ending:
            self.is_wanted = False
            self.worker = self._start_worker()
        for fd, _ in self.poll.poll(self._wait()):
            if fd == reader:
                for number in os.read(reader, 4096):
                    self._take(number)
            else:
                self._hear(fd)
        self._reap()
        worker = self.worker
        if worker is not None and worker.kill_at is not None and time.monotonic() >= worker.kill_at:
            self._tell_to_end(worker, PATIENCE)

    def _wait(self) -> float | None:
        """Milliseconds until something is due; None for nothing."""
        if self.worker is None or self.worker.kill_at is None:
            return None
        return max(0.0, (self.worker.kill_at - time.monotonic()) * 1000 + 1)

    def _take(self, number: int) -> None:
        """What a signal asks for."""
        if number in (signal.SIGTERM, signal.SIGINT):
            self._end()
        elif number == signal.SIGHUP:
            self._reload("SIGHUP")

    def _reload(self, why: str) -> None:
        """Replace the worker."""
        if self.is_ending:
            return
        say(f"{why}; reloading")
        self.is_wanted = True
        if self.worker is not None and not self.worker.told:
            self._tell_to_end(self.worker, PATIENCE)

    def _end(self) -> None:
        """First call: drain. Second: at once."""
        self.is_wanted = False
        if not self.is_ending:
            self.is_ending = True
            say("draining; a second signal ends at once")
            self.sockets.close()
            if self.worker is not None:
                self._tell_to_end(self.worker, self.drain_timeout + GRACE)
        elif self.worker is not None:
            self._tell_to_end(self.worker, AT_ONCE)

    def _tell_to_end(self, worker: Child, patience: float) -> None:
        """First: drain. Second: at once. Then it is not the worker's to decide."""
        worker.told += 1
        worker.kill_at = time.monotonic() + patience
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGTERM if worker.told <= 2 else signal.SIGKILL)

    def _hear(self, fd: int) -> None:
        """What a child says."""
        piece = os.read(fd, 65536)
        for child in (self.worker, self.watcher, self.spare):
            if child is None or child.pipe != fd:
                continue
            child.text += piece
            if not piece:
                self.poll.unregister(fd)
            if child is self.watcher:
                self._hear_watcher(child)
            elif child is self.worker and child.text == b"ready":
                child.is_ready = True
                self._announce()
                self.spare = self.spare or self._warm()

    def _hear_watcher(self, watcher: Child) -> None:
        """Its lines."""
        *lines, watcher.text = watcher.text.split(b"\n")
        for line in lines:
            text = line.decode(errors="replace")
            if text == "+":
                watcher.is_ready = True
                say(f"watching {', '.join(map(os.path.abspath, self.folders))}")
            elif text.startswith("!"):
                say(text[1:])
            else:
                self._reload(f"{text} changed")

    def _announce(self) -> None:
        """Say where we serve, once."""
        if not self.announced:
            self.announced = True
            say(f"serving {', '.join(map(url_of, self.sockets))} (1 worker, reloading)")

    def _reap(self) -> None:
        """Take the exit of each child that has ended."""
        for child in (self.worker, self.watcher, self.spare):
            if child is None:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: Child, code: int) -> None:
        """Decide what the end of a child means."""
        failure = self._hear_out(child)
        if child is self.spare:
            self.spare = None
        elif child is self.watcher:
            self.watcher = None
            self._hear_watcher(child)
            if not self.is_ending:
                say("changes are no longer seen: ending")
                self.code = 1
                self._end()
        else:
            self.worker = None
            if self.is_ending:
                self.code = self.code or int(code != 0 and child.is_ready)
            elif not child.told:
                say(failure or f"the worker {'was killed' if code < 0 else 'exited'} ({code})")
                say("waiting for a change")

    def _hear_out(self, child: Child) -> str:
        """Close its pipe; why it could not start."""
        os.set_blocking(child.pipe, False)
        with contextlib.suppress(BlockingIOError):  # where a child of the worker holds the other end
            while piece := os.read(child.pipe, 65536):
                child.text += piece
        self._forget(child)
        return "" if child.is_ready else child.text.decode(errors="replace")

    def _forget(self, child: Child) -> None:
        """Close what we have of a child."""
        with contextlib.suppress(KeyError):  # at its end already
            self.poll.unregister(child.pipe)
        os.close(child.pipe)
        if child.word >= 0:
            os.close(child.word)
            child.word = -1

    def _start_watcher(self) -> Child:
        reader, writer = os.pipe()
        return self._start("covet.changes", [f"{os.getpid()},{writer}", *self.words], reader, [writer])

    def _start_worker(self) -> Child:
        """Give the word to the warm one."""
        worker, self.spare = self.spare or self._warm(), None
        with contextlib.suppress(BrokenPipeError):  # it has ended: that will be heard
            os.write(worker.word, b"!")
        os.close(worker.word)
        worker.word = -1
        return worker

    def _warm(self) -> Child:
        """A worker that waits for the word."""
        reader, writer = os.pipe()
        word, our_word = os.pipe()
        fds = [listener.fileno() for listener in self.sockets]
        part = Assignment(os.getpid(), writer, -1, 0, 1, self.threads, *fds)
        child = self._start("covet.warm", [str(word), *part.words(), *self.words], reader, [writer, word], fds)
        child.word = our_word
        return child

    def _start(
        self, module: str, arguments: list[str], pipe: int, theirs: list[int], shared: list[int] | None = None
    ) -> Child:
        """Fork and exec; `pipe`: ours of the child's, `theirs`: to be closed here, `shared`: not to be."""
        command = [sys.executable, *interpreter_flags(), "-m", module, *arguments]
        try:
            with inheritable([*theirs, *(shared or ())]):
                child = Child(os.posix_spawn(sys.executable, command, os.environ), pipe)
        finally:
            for fd in theirs:
                os.close(fd)
        self.poll.register(pipe, select.POLLIN)
        return child

    def _kill_all(self) -> None:
        """What has nothing to finish."""
        for child in (self.watcher, self.spare, self.worker):
            if child is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)
                self._forget(child)
