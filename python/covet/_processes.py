"""One child process of the supervisor: starting it, hearing it, looking at it from outside.

Knows what the system tells of a process; nothing of when one is started or ended.
"""

import contextlib
import os
import signal
import sys

from covet.launch import Assignment

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATUS_BYTES = 4096


class Worker:
    """One worker."""

    __slots__ = (
        "beats",
        "ended_by_us",
        "judged_at",
        "kill_at",
        "most_requests",
        "old_at",
        "pid",
        "pipe",
        "ready_since",
        "seen_at",
        "slot",
        "still",
        "text",
    )

    def __init__(self, pid: int, pipe: int, slot: int) -> None:
        self.pid = pid
        self.pipe = pipe
        """What it says: that it is ready or why it cannot start, later where its threads are."""
        self.slot = slot
        """Its place on the board."""
        self.text = b""
        self.ready_since: float | None = None
        self.kill_at: float | None = None
        """Told to end; killed at this time."""
        self.ended_by_us = False
        """Its end is no crash."""
        self.beats: tuple[int, ...] = ()
        """Of each of its threads."""
        self.seen_at = 0.0
        """When all of its beats were last seen to have changed."""
        self.judged_at: float | None = None
        """It did not answer and was asked where it is; when it is killed unless it goes on."""
        self.still = 0
        """Which of its threads did not beat then."""
        self.most_requests: float | None = None
        self.old_at: float | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it accepts, or has."""
        return self.ready_since is not None

    def send(self, number: signal.Signals) -> None:
        """A signal; nothing where it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def hear_out(self) -> None:
        """Read what the pipe still holds, and close it."""
        os.set_blocking(self.pipe, False)
        with contextlib.suppress(BlockingIOError):  # where a child of the worker holds the other end
            while piece := os.read(self.pipe, 65536):
                self.text += piece
        os.close(self.pipe)


def spawn(module: str, part: Assignment, words: list[str]) -> int:
    """Fork and exec one worker with the descriptors of its assignment; its process id. None to be had: OSError."""
    command = [sys.executable, *interpreter_flags(), "-m", module, *part.words(), *words]
    with inheritable([fd for fd in (part.ready, part.board, *part.listeners) if fd >= 0]):
        return os.posix_spawn(sys.executable, command, os.environ)


@contextlib.contextmanager
def inheritable(fds: list[int]) -> "Iterator[None]":
    """Let a child that starts meanwhile have these descriptors."""
    for fd in fds:
        os.set_inheritable(fd, True)
    try:
        yield
    finally:
        for fd in fds:
            os.set_inheritable(fd, False)


def interpreter_flags() -> list[str]:
    """What this interpreter was started with, for the workers."""
    flags = [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in sys._xoptions.items()]
    flags += [f"-W{option}" for option in sys.warnoptions]
    for name, letter in (("optimize", "O"), ("dont_write_bytecode", "B"), ("verbose", "v")):
        flags += [f"-{letter}"] * int(getattr(sys.flags, name))
    return flags


def pin(pid: int, number: int) -> None:
    """Keep a process on one of our processors, by its number among its kind; nothing where the system cannot."""
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        with contextlib.suppress(OSError):  # it has ended already
            os.sched_setaffinity(pid, {usable[number % len(usable)]})


def is_stopped(pid: int) -> bool:
    """Whether a signal has stopped the process (SIGSTOP, SIGTSTP); False where the system does not tell."""
    return "State:\tT" in _status(pid)


def is_debugged(pid: int) -> bool:
    """Whether a debugger or tracer is attached (proc_pid_status(5), TracerPid)."""
    tracer = _status(pid).partition("\nTracerPid:")[2].partition("\n")[0].strip()
    return tracer not in ("", "0")


def _status(pid: int) -> str:
    try:
        fd = os.open(f"/proc/{pid}/status", os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(fd, _STATUS_BYTES).decode(errors="replace")
    except OSError:  # it ended meanwhile
        return ""
    finally:
        os.close(fd)


def resident_bytes(pid: int) -> int:
    """Memory that the process has, shared pages included (proc_pid_statm(5)); 0 where the system does not tell."""
    with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{pid}/statm", "rb") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def loop_name(number: int) -> str:
    """What the thread of a worker's further event loop is called; at most the 15 bytes that Linux keeps."""
    return f"covet-loop-{number}"


def innermost(traceback: str, number: int = 0) -> str:
    """From what faulthandler wrote: where the thread is that runs that loop, as app.py:12 in slow; "" for unknown."""
    _, current, own = traceback.rpartition("Current thread")
    if number:
        _, found, own = traceback.rpartition(f"[{loop_name(number)}]")
        own = own if found else ""
    elif not current:  # the signal found it outside of Python: threads are written newest first
        own = traceback.rpartition("Thread 0x")[2]
    frame = own.partition('\n  File "')[2].partition("\n")[0]
    file, _, place = frame.partition('", line ')
    line, _, function = place.partition(" in ")
    return f"{file}:{line} in {function}" if function else ""


def ending(code: int) -> str:
    """How a worker ended, in words."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
