"""The loads: wrk for throughput, benches/paced for latency at a fixed rate. Runs them pinned and reads what they print.

It must not know servers or workloads.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benches.http.processes import HOST, Failed, cores, cpu_seconds, pinned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CONNECTIONS = 64
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6}


@dataclass(frozen=True)
class Asked:
    """What a load asks for."""

    path: str
    script: Path | None = None
    """Of wrk, for what is no single GET."""
    closes: bool = False
    """Whether every request comes on a connection of its own."""
    connections: int = CONNECTIONS


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


def wrk_command(port: int, asked: Asked, seconds: int) -> list[str]:
    """The command of the throughput load."""
    closes = ["-H", "Connection: close"] if asked.closes else []
    script = [] if asked.script is None else ["-s", str(asked.script)]
    return [
        "wrk",
        "-t1",
        f"-c{asked.connections}",
        f"-d{seconds}s",
        "--latency",
        *closes,
        *script,
        f"http://{HOST}:{port}{asked.path}",
    ]


def post_script(folder: Path, name: str, media_type: str, body: bytes) -> Path:
    """A script that has wrk post `body`."""
    script, file = folder / f"{name}.lua", folder / f"{name}.body"
    file.write_bytes(body)
    lines = [
        'wrk.method = "POST"',
        f'wrk.headers["content-type"] = "{media_type}"',
        f'local file = io.open("{file}", "rb")',
        'wrk.body = file:read("*a")',
        "file:close()",
    ]
    script.write_text("\n".join(lines) + "\n")
    return script


def pipeline_script(folder: Path, name: str, together: int) -> Path:
    """A script that has wrk send so many requests at once."""
    script = folder / f"{name}.lua"
    lines = [
        "local together",
        "init = function()",
        "   local requests = {}",
        f"   for number = 1, {together} do requests[number] = wrk.format() end",
        "   together = table.concat(requests)",
        "end",
        "request = function() return together end",
    ]
    script.write_text("\n".join(lines) + "\n")
    return script


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
    quantiles = dict(re.findall(r"^\s+(\d+)%\s+(\S+) *$", printed, re.MULTILINE))
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


def throughput(pid: int, port: int, asked: Asked, warm_up: int, seconds: int) -> Measured:
    """Warm up, then measure: requests by wrk, CPU time of the server's processes from /proc."""
    run(wrk_command(port, asked, warm_up), warm_up + 60)
    before = cpu_seconds(pid)
    printed = run(wrk_command(port, asked, seconds), seconds + 60)
    return parse_wrk(printed, cpu_seconds(pid) - before)


def paced_command(paced: Path, port: int, path: str, rate: float, connections: int) -> list[str]:
    """The command of the load at a fixed rate; five seconds are measured after one that is left out."""
    return [str(paced), f"{HOST}:{port}", path, f"{rate:.0f}", str(connections), "5"]


def latency(paced: Path, port: int, path: str, rate: float, connections: int = CONNECTIONS) -> dict[str, float]:
    """Latencies at a fixed rate, each from the moment at which the request was due."""
    printed = run(paced_command(paced, port, path, rate, connections), 60)
    return {"asked_rps": round(rate, 1), **json.loads(printed)}
