"""The parent of the workers: owns the listening sockets, follows signals, ends everything in order.

Imports no user code, no asyncio and not the engine, and starts no thread. Workers are told what to do by arguments,
inherited descriptors and signals; they answer through one pipe each, by their beats on the board, and by exiting:
`_crew`'s matter.
"""

import os
import select
import signal
import time

from covet._crew import GRACE, Crew
from covet._handover import Heir, Inheritance, start_heir
from covet._messages import say
from covet._policy import Policy
from covet._processes import ending
from covet._systemd import Notifier
from covet.listeners import Sockets, url_of

AT_ONCE = 1.0
"""Seconds that a worker has after a second signal."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD)


class Supervisor:
    """Workers on `sockets`, as `policy` has them; `words` are what the workers parse, as `covet run` did."""

    module = "covet.worker"
    """What a worker runs, as `python -m`."""

    def __init__(
        self, words: list[str], sockets: Sockets, policy: Policy, notifier: Notifier, before: Inheritance | None = None
    ) -> None:
        """`before`: what this supervisor got from another one, which waits to hear that we are ready."""
        self._sockets = sockets
        self._policy = policy
        self._notifier = notifier
        self._before = before
        self._poll = select.poll()
        self._reader = -1
        self._crew = Crew(self.module, words, sockets, policy, self._poll)
        self._announced = False
        self._failed_before: int | None = None
        """While workers are replaced because a signal asked for it: how many successors had failed before."""
        self._code = 0
        self._drain_at: float | None = None
        """When the drain begins; None while serving."""
        self._kill_at: float | None = None
        """When what is left is killed; None before the drain."""
        self._alive_at = 0.0
        self._heir: Heir | None = None
        self._has_terminal = False
        """Whether we end with our terminal, as programs do: it sends the same signal."""

    def run(self) -> int:
        """Until all workers have ended after a signal, or none can start; the exit code."""
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)
        self._has_terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _terminal_is_there()
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._poll.register(self._reader, select.POLLIN)
        while self._kill_at is None or self._crew.workers:
            self._turn()
        self._sockets.close()
        return self._code

    def replace(self) -> None:
        """Replace every worker, one by one, the new one ready before the old one drains.

        Again meanwhile: also those that have followed.
        """
        if self._drain_at is None:
            say(f"replacing {_in_words(self._policy.workers)}, one by one")
            self._failed_before = self._crew.failed_successors
            self._notifier.reloading()
            self._crew.replace()

    def _turn(self) -> None:
        """Start what is due, wait, take what came."""
        self._crew.start(time.monotonic())
        for fd, _ in self._poll.poll(self._wait()):
            if fd == self._reader:
                for number in os.read(self._reader, 4096):
                    self._take_signal(number)
            elif self._heir is not None and fd == self._heir.pipe:
                self._hear_heir(self._heir)
            else:
                self._crew.hear(fd)
        self._reap()
        self._look(time.monotonic())

    def _wait(self) -> float | None:
        """Milliseconds until something is due; None for nothing."""
        times = self._crew.due()
        step = self._drain_at if self._kill_at is None else self._kill_at
        if step is not None:
            times.append(step)
        if self._announced and self._notifier.watchdog is not None:
            times.append(self._alive_at)
        return max(0.0, (min(times) - time.monotonic()) * 1000 + 1) if times else None

    def _take_signal(self, number: int) -> None:
        """Do what a signal asks for."""
        if number == signal.SIGHUP and self._has_terminal and not _terminal_is_there():
            number = signal.SIGTERM
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stop()
        elif number == signal.SIGHUP:
            self.replace()
        elif number == signal.SIGUSR1:
            self._crew.send(signal.SIGUSR1, only_ready=True)  # a later one opens the new file
        elif number == signal.SIGUSR2:
            self._hand_over()

    def _look(self, now: float) -> None:
        """Do what the time asks for, and tell what has changed."""
        if self._announced and self._notifier.watchdog is not None and now >= self._alive_at:
            self._alive_at = now + self._notifier.watchdog
            self._notifier.alive()
        self._crew.look(now)
        if self._kill_at is not None:
            if now >= self._kill_at:
                self._crew.send(signal.SIGKILL)
                self._kill_at = now + GRACE
        elif self._crew.has_given_up:
            self._code = 1
            self._drain()
        elif self._drain_at is not None:
            if now >= self._drain_at:
                self._drain()
        else:
            self._announce()

    def _announce(self) -> None:
        """Say where we serve, once, when every worker is ready; say how a reload ended."""
        if self._crew.was_complete and not self._announced:
            self._announced = True
            say(self._status())
            if self._before is not None:
                self._sockets.owned = self._before.owned
                self._before.tell_ready()  # it tells the service manager of us
            else:
                self._notifier.ready(self._status())
        if self._failed_before is None:
            return
        failed = self._crew.failed_successors > self._failed_before
        if failed or self._crew.is_settled:
            self._failed_before = None
            say("replacing failed: the workers that were serving go on" if failed else "replaced")
            self._notifier.ready(self._status())

    def _status(self) -> str:
        threads = f" of {self._policy.threads} threads" if self._policy.threads > 1 else ""
        return f"serving {', '.join(map(url_of, self._sockets))} ({_in_words(self._policy.workers)}{threads})"

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
            if self._heir is not None and pid == self._heir.pid:
                self._heir_ended(self._heir, code)
                continue
            worker = self._crew.ended(pid, code)
            if worker is not None and self._kill_at is not None:
                well = code == 0 or (code == -signal.SIGTERM and not worker.is_ready)
                self._code = self._code or int(not well)

    def _stop(self) -> None:
        """First call: readiness off, drain now or after the delay. Next: drain now. Last: end at once."""
        now = time.monotonic()
        if self._kill_at is not None:
            self._kill_at = min(self._kill_at, now + AT_ONCE)
            self._crew.send(signal.SIGTERM)
        elif self._drain_at is None and self._policy.drain_delay:
            self._readiness_off()
            self._drain_at = now + self._policy.drain_delay
            say(f"draining in {self._policy.drain_delay:g} s; a second signal drains now")
        else:
            self._readiness_off()
            self._drain()

    def _readiness_off(self) -> None:
        """Tell everybody that no traffic should come any more."""
        self._crew.board.announce_stop()
        self._notifier.stopping()

    def _drain(self, *, to_heir: bool = False) -> None:
        """Let every worker drain."""
        self._drain_at = time.monotonic()
        self._kill_at = self._drain_at + self._policy.drain_timeout + GRACE
        if to_heir:
            self._sockets.hand_over()
        else:
            if self._heir is not None:  # it would go on with sockets on which nothing begins any more
                os.kill(self._heir.pid, signal.SIGTERM)
            self._sockets.close()  # the workers' copies are the last ones, which they empty before they close
        if self._code == 0:
            say("draining; a second signal ends at once")
        self._crew.end()

    def _hand_over(self) -> None:
        """Start the next covet on our sockets."""
        if os.getpid() == 1:
            say("process 1 cannot be followed by another: use SIGHUP, which replaces the workers")
        elif self._heir is None and self._drain_at is None and self._announced:
            try:
                self._heir = start_heir(self._sockets, owned=self._sockets.owned, variables=self._notifier.variables)
            except OSError as error:
                say(f"cannot start the next covet: {error.strerror}")
            else:
                say(f"handing over to process {self._heir.pid}")
                self._poll.register(self._heir.pipe, select.POLLIN)

    def _hear_heir(self, heir: Heir) -> None:
        """It is ready, or it has closed its pipe and will end."""
        self._poll.unregister(heir.pipe)
        ready = heir.is_ready()
        heir.close()
        if ready and self._drain_at is None:
            say(f"process {heir.pid} serves")
            self._notifier.followed_by(heir.pid)
            self._drain(to_heir=True)

    def _heir_ended(self, heir: Heir, code: int) -> None:
        """The next covet has ended."""
        self._heir = None
        if heir.pipe >= 0:
            self._poll.unregister(heir.pipe)
            heir.close()
        if self._drain_at is None:
            say(f"handing over failed: process {heir.pid} {ending(code)}; this one goes on")


def _terminal_is_there() -> bool:
    """Whether we have a controlling terminal that has not hung up."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _in_words(count: int) -> str:
    return f"{count} worker{'s' if count > 1 else ''}"
