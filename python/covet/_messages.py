"""How the server speaks to whoever watches it: lines on standard error, whole ones."""

import io
import os
import select
import sys


def say(text: str, details: str = "") -> None:
    """One message; `details` are whole lines that belong to it."""
    pass_on(f"covet: {text}\n{details}")


def pass_on(text: str) -> None:
    """What somebody else said, as it is."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.flush()
        _write_all(sys.stderr.fileno(), text.encode(sys.stderr.encoding, "backslashreplace"))
    except io.UnsupportedOperation:  # it is no file
        sys.stderr.write(text)
    except OSError:
        pass  # nobody watches


def _write_all(fd: int, data: bytes) -> None:
    """All of it: Python's own stream drops the rest of a write that a signal ended early, where it has no buffer."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # somebody who has the descriptor too made it so
            room = select.poll()
            room.register(fd, select.POLLOUT)
            room.poll()
