"""What a process takes, from /proc, and how long requests to it take. Changes nothing."""

import os
import re
import time
from pathlib import Path

from tests.wire.connection import Connection

TICKS = os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Bytes of memory that the process has."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def descriptors(pid: int) -> int:
    """How many descriptors the process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_seconds(pid: int) -> float:
    """Processor time that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def p99(port: int, count: int = 1500) -> float:
    """Seconds that the slowest percent of so many requests takes at least, one after the other on one connection."""
    times = []
    with Connection(port) as connection:
        for _ in range(count):
            began = time.perf_counter()
            answer = connection.ask("GET", "/")
            times.append(time.perf_counter() - began)
            assert answer.status == 200
    return sorted(times)[count * 99 // 100]


def calm_p99(port: int) -> float:
    """The best of three: what other processes of the machine cost is left out."""
    return min(p99(port) for _ in range(3))
