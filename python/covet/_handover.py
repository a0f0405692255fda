"""One covet gives its listening sockets to the next: the new program, a child, inherits them and says when it is ready.

Knows descriptors and one variable of the environment; nothing of workers.
"""

import contextlib
import os
import socket
import sys

from covet._processes import inheritable

_VARIABLE = "_COVET_HANDOVER"
"""Pipe, whether the sockets are ours to end, then the sockets: decimal, with commas."""


class Heir:
    """The new program, while it starts."""

    __slots__ = ("pid", "pipe")

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self.pipe = pipe
        """-1 once it is closed."""

    def is_ready(self) -> bool:
        """Whether it has said so; call when the pipe can be read."""
        return os.read(self.pipe, 16) == b"ready"

    def close(self) -> None:
        """Nothing more is to be heard."""
        os.close(self.pipe)
        self.pipe = -1


def start_heir(listeners: list[socket.socket], *, owned: bool, variables: dict[str, str]) -> Heir:
    """Run the command of this process again, with these sockets. No process to be had: OSError."""
    reader, writer = os.pipe()
    fds = [listener.fileno() for listener in listeners]
    environment = {**os.environ, **variables, _VARIABLE: ",".join(map(str, (writer, int(owned), *fds)))}
    environment.pop("WATCHDOG_PID", None)  # it names us
    try:
        with inheritable([writer, *fds]):
            return Heir(os.posix_spawn(sys.executable, sys.orig_argv, environment), reader)
    except OSError:
        os.close(reader)
        raise
    finally:
        os.close(writer)


class Inheritance:
    """What this process got from the covet before it."""

    __slots__ = ("fds", "owned", "pipe")

    def __init__(self, text: str) -> None:
        self.pipe, owned, *self.fds = map(int, text.split(","))
        self.owned = bool(owned)

    def tell_ready(self) -> None:
        """The covet before it may go."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.pipe, b"ready")
        os.close(self.pipe)


def take_inheritance() -> Inheritance | None:
    """What we got, if we follow another covet; forgets it for our children."""
    text = os.environ.pop(_VARIABLE, "")
    if not text:
        return None
    found = Inheritance(text)
    for fd in (found.pipe, *found.fds):
        os.set_inheritable(fd, False)
    return found
