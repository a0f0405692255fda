"""The loads: wrk for throughput, h2load for latency at a fixed rate. Runs them pinned and reads what they print.

It must not know servers or workloads.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benches.http.processes import HOST, Failed, cores, cpu_seconds, pinned

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECTIONS = 64
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6}


@dataclass(frozen=True)
class Measured:
    """One round of one server at one workload."""

    requests: int
    seconds: float
    cpu_us: float
    """Server CPU microseconds per request, user and system, kernel included."""
    rps: float
    p50_us: float
    p99_us: float
    errors: str


def wrk_command(port: int, path: str, seconds: int, connections: int = CONNECTIONS) -> list[str]:
    """The command of the throughput load."""
    return ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", f"http://{HOST}:{port}{path}"]


def run(command: Sequence[str], patience: float) -> str:
    """Run a load on its core and return what it printed."""
    done = subprocess.run(
        pinned(command, frozenset({cores()[1]})),
        capture_output=True,
        text=True,
        check=False,
        timeout=patience,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise Failed(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[:200]}")
    return done.stdout


def microseconds(text: str) -> float:
    """The `1.23ms` of wrk as microseconds."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * UNITS[unit]


def parse_wrk(printed: str, cpu: float) -> Measured:
    """Read wrk's report."""
    total = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", printed)
    if not total or not int(total[1]):
        raise Failed(f"no request was answered: {printed.strip()[-200:]}")
    requests, seconds = int(total[1]), microseconds(total[2] + total[3]) / 1e6
    quantiles = dict(re.findall(r"^\s+(\d+)%\s+(\S+)$", printed, re.MULTILINE))
    errors = "; ".join(line.strip() for line in printed.splitlines() if "Socket errors" in line or "Non-2xx" in line)
    return Measured(
        requests=requests,
        seconds=seconds,
        cpu_us=round(cpu / requests * 1e6, 3),
        rps=round(requests / seconds, 1),
        p50_us=microseconds(quantiles["50"]),
        p99_us=microseconds(quantiles["99"]),
        errors=errors,
    )


def throughput(pid: int, port: int, path: str, warm_up: int, seconds: int) -> Measured:
    """Warm up, then measure: requests by wrk, CPU time of the server's processes from /proc."""
    run(wrk_command(port, path, warm_up), warm_up + 60)
    before = cpu_seconds(pid)
    printed = run(wrk_command(port, path, seconds), seconds + 60)
    return parse_wrk(printed, cpu_seconds(pid) - before)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of an ordered list lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def h2load_command(port: int, path: str, rate: float, connections: int, seconds: float, log: str) -> list[str]:
    """HTTP/1.1 at a fixed rate per connection; h2load paces each connection by itself, one request at a time."""
    per_connection = max(1, round(rate / connections))
    options = ["--h1", f"-c{connections}", "-t1", f"--rps={per_connection}", f"-D{seconds:g}", f"--log-file={log}"]
    return ["h2load", *options, f"http://{HOST}:{port}{path}"]


def latency(
    port: int, path: str, rate: float, connections: int = CONNECTIONS, seconds: float = 5.0
) -> dict[str, float]:
    """Latencies at a fixed rate; the first second is left out."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "requests.tsv"
        run(h2load_command(port, path, rate, connections, seconds + 1, str(log)), seconds + 60)
        rows = [tuple(map(int, line.split("\t")[:3])) for line in log.read_text().splitlines()]
    if not rows:
        raise Failed("h2load logged no request")
    start = min(row[0] for row in rows) + 1_000_000
    kept = [row for row in rows if row[0] >= start]
    times = sorted(float(row[2]) for row in kept)
    return {
        "asked_rps": rate,
        "rps": round(len(kept) / seconds, 1),
        "p50_us": quantile(times, 0.5),
        "p99_us": quantile(times, 0.99),
        "p99_9_us": quantile(times, 0.999),
        "failed": sum(row[1] != 200 for row in kept),
    }
