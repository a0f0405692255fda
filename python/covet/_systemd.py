"""The service manager's side of a start: sockets that it has opened, what it is told.

Sources: sd_listen_fds(3), sd_notify(3). Knows nothing of workers.
"""

import contextlib
import os
import socket
import time

FIRST_FD = 3
_PATIENCE = 0.5
"""Seconds for a manager that reads nothing; then it is not told."""
_NOTIFY = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
_LISTEN = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")


def take_listen_fds() -> list[tuple[int, str]]:
    """The descriptors that were opened for this process, with their names; forgets them for our children."""
    count, pid, names = (os.environ.pop(name, "") for name in _LISTEN)
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    said = names.split(":")
    return [(FIRST_FD + i, said[i] if i < len(said) else "unknown") for i in range(int(count))]


class Notifier:
    """Tells the service manager; does nothing where there is none. Takes its variables out of the environment."""

    def __init__(self) -> None:
        self.variables = {name: os.environ.pop(name) for name in _NOTIFY if name in os.environ}
        """For a process that follows us."""
        address = self.variables.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog = self._watchdog()
        """Seconds between two signs of life; None where nobody waits for them."""

    def _watchdog(self) -> float | None:
        """Half of the time that the manager allows."""
        allowed, pid = (self.variables.get(name, "") for name in ("WATCHDOG_USEC", "WATCHDOG_PID"))
        wanted = self._address and allowed.isdecimal() and int(allowed) > 0 and pid in ("", str(os.getpid()))
        return int(allowed) / 2e6 if wanted else None

    def ready(self, status: str) -> None:
        """Every worker accepts; after a start and after a reload."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """Workers are being replaced; `ready` follows."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}\nSTATUS=replacing workers")

    def stopping(self) -> None:
        """Readiness is off."""
        self._send("STOPPING=1\nSTATUS=draining")

    def alive(self) -> None:
        """A sign of life."""
        self._send("WATCHDOG=1")

    def followed_by(self, pid: int) -> None:
        """Another process is the service from now on; nothing more comes from us."""
        self._send(f"MAINPID={pid}\nREADY=1")
        self._address, self.watchdog = "", None

    def _send(self, text: str) -> None:
        if not self._address.startswith(("/", "\0")):
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(_PATIENCE)
            out.sendto(text.encode(), self._address)
