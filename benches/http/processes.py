"""Starting, pinning, watching and ending the processes of a measurement.

CPU time and memory are read from /proc for a server and everything it started. It must not know servers or workloads.
"""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

TICK = os.sysconf("SC_CLK_TCK")
HOST = "127.0.0.1"


class Failed(Exception):
    """A server that did not start or gave a wrong answer; the text says why."""


@functools.cache
def cores() -> tuple[int, int]:
    """The core of the server and the core of the load, as found at the first call: later the runner itself is pinned."""
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[-1]


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard one and return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def pinned(command: Sequence[str], cpus: frozenset[int]) -> list[str]:
    """The command, pinned to some cores."""
    return ["taskset", "-c", ",".join(map(str, sorted(cpus))), *command]


def tree(root: int) -> list[int]:
    """A process and all its descendants that still run."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of a process tree, ended children included."""
    ticks = 0
    for pid in tree(root):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / TICK


def memory(root: int) -> dict[str, int]:
    """Resident and proportional bytes of a process tree in user space."""
    sums = {"Rss": 0, "Pss": 0}
    for pid in tree(root):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, rest = line.partition(":")
                if name in sums:
                    sums[name] += int(rest.split()[0]) * 1024
    return {"rss": sums["Rss"], "pss": sums["Pss"]}


def ask(port: int, path: str, posted: tuple[str, bytes] | None = None, timeout: float = 5.0) -> tuple[int, bytes]:
    """One GET, or a POST of a media type and a body, on a connection of its own."""
    connection = HTTPConnection(HOST, port, timeout=timeout)
    try:
        if posted is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, posted[1], {"content-type": posted[0]})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@dataclass(frozen=True)
class Start:
    """How a server is started and where it is asked."""

    command: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    log: Path
    port: int
    path: str
    cpus: frozenset[int]


def wait_until_answering(process: subprocess.Popen[bytes], start: Start, limit: float = 30.0) -> None:
    """Poll until the server answers anything over HTTP."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError, HTTPException):
            ask(start.port, start.path)
            return
        time.sleep(0.001)
    tail = start.log.read_text(errors="replace").strip().splitlines()[-3:]
    state = "ended" if process.poll() is not None else "did not answer"
    raise Failed(f"{state}: {' | '.join(tail) or 'no output'}")


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server and everything it started in its session."""
    for number, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def spawn(start: Start) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, pinned, its output in a log."""
    with start.log.open("wb") as sink:
        return subprocess.Popen(
            pinned(start.command, start.cpus),
            cwd=start.cwd,
            env={**os.environ, **start.environment},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_until_free(port: int) -> None:
    """Wait until nobody listens on the port any more."""
    for _ in range(500):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                return
        time.sleep(0.01)
    raise Failed(f"port {port} is still taken")


@contextlib.contextmanager
def running(start: Start) -> Generator[subprocess.Popen[bytes]]:
    """A server that answers, ended afterwards."""
    wait_until_free(start.port)
    process = spawn(start)
    try:
        wait_until_answering(process, start)
        yield process
    finally:
        end(process)
