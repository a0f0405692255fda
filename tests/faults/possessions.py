"""What the processes of a server hold: children, descriptors, shared memory. Linux only: read from /proc."""

import fcntl
import os
import struct
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tests.wire.server_process import PATIENCE, ServerProcess

BOARD = "/memfd:covet-board"


def descriptors(pid: int) -> list[str]:
    """What the open descriptors of a process lead to."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(entry))
        except FileNotFoundError:  # closed meanwhile
            continue
    return found


def boards(pid: int) -> int:
    """Shared memory that the process has mapped or open."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    return len({line.split()[4] for line in maps.splitlines() if BOARD in line} | {*inodes(pid)})


def inodes(pid: int) -> list[str]:
    """Of the memory files that a process has open."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.readlink(entry).startswith(BOARD):
                found.append(str(os.stat(entry).st_ino))
        except FileNotFoundError:
            continue
    return found


def unread(pipe: int | IO[str] | None) -> int:
    """How many bytes in a pipe nobody has read yet."""
    assert pipe is not None
    return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0])


CONNECTIONS, BEATS = 0, 1
"""Words of a worker's slot in the memory file."""


def word(server: ServerProcess, worker: int, index: int) -> int:
    """What the worker has written there; its command line says which slot it has."""
    command = Path(f"/proc/{worker}/cmdline").read_bytes().split(b"\0")
    board, slot = (int(number) for number in next(text for text in command if text.count(b",") >= 5).split(b",")[2:4])
    with open(f"/proc/{server.process.pid}/fd/{board}", "rb") as file:
        return int.from_bytes(os.pread(file.fileno(), 8, slot * 64 + index * 8), "little")


def until(fact: Callable[[], bool], what: str) -> None:
    """Looks until something is so."""
    end = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < end, what
        time.sleep(0.01)


class Possessions:
    """Of a supervisor and its workers, to be the same later."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.workers = len(server.workers())
        self.own = sorted(map(kind, descriptors(server.process.pid)))

    def assert_same(self) -> None:
        """As many workers, the same kinds of descriptors in the supervisor, one memory file for all."""
        pid = self.server.process.pid
        until(lambda: len(self.server.workers()) == self.workers, "workers that are too many end")
        until(lambda: sorted(map(kind, descriptors(pid))) == self.own, "the supervisor's descriptors are the same")
        assert boards(pid) == 1
        for worker in self.server.workers():
            assert boards(worker) == 1, "a worker has the one memory file"


def kind(target: str) -> str:
    """A descriptor without its number."""
    return target.partition("[")[0]
