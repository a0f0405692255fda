"""Choose the default of `switch_interval` by measurement: `python -m benches.switching.run`, as `make bench-switching`.

JSON answers beside two CPU-bound `def` handlers, for each interval, with the server on one core and on two. It shows what
each side gets: latency of JSON at a fixed rate and jobs a second meanwhile, then JSON at full load and jobs a second
meanwhile. The rounds are interleaved. Writes `.bench/*-switching.json`; knows no server but CovetPy.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benches.http import environment, load
from benches.http.environment import APPS, COVET, WORKSHOP
from benches.http.processes import Failed, Start, ask, cores, free_port, running
from benches.http.servers import covet_command
from benches.http.sizes import busy_pool
from benches.http.workloads import WORKLOADS

INTERVALS = ("none", "0.002", "0.001", "0.0005")
"""Seconds; `none` leaves Python's own, 5 ms."""
JSON = WORKLOADS["json"]
JOBS = 2
CONNECTIONS = 8
FIGURES = ("p50_us", "p99_us", "jobs_beside_rate", "rps", "jobs_beside_load")
Row = dict[str, Any]


def start(port: int, interval: str, cpus: frozenset[int]) -> Start:
    """One worker in one process, with this interval."""
    command = [*covet_command(port), "--switch-interval", interval]
    return Start(command, APPS, {}, WORKSHOP / "server.log", port, JSON.path, cpus)


def beside(ended: list[float], command: list[str], patience: float) -> tuple[str, float]:
    """What a load prints, and how many jobs a second ended meanwhile."""
    before, began = len(ended), time.monotonic()
    printed = load.run(command, patience)
    return printed, round((len(ended) - before) / (time.monotonic() - began), 1)


def turn(options: argparse.Namespace, paced: Path, interval: str, cpus: frozenset[int]) -> Row:
    """One interval on these cores: at the fixed rate, then at full load, the jobs going on."""
    port, seconds = options.port, options.seconds
    at_rate = [*load.paced_command(paced, port, JSON.path, options.rate, CONNECTIONS)[:-1], str(seconds)]
    at_full_load = load.wrk_command(port, load.Asked(JSON.path), seconds)
    with running(start(port, interval, cpus)):
        status, _ = ask(port, "/cpu", timeout=30)
        if status != 200:
            raise Failed(f"/cpu answered {status}")
        with busy_pool(port, options.jobs) as ended:
            printed, jobs_beside_rate = beside(ended, at_rate, seconds + 60)
            report, jobs_beside_load = beside(ended, at_full_load, seconds + 60)
    latency = json.loads(printed)
    return {
        "interval": interval,
        "cores": len(cpus),
        "jobs": options.jobs,
        "rps_at_rate": latency["rps"],
        "p50_us": latency["p50_us"],
        "p99_us": latency["p99_us"],
        "jobs_beside_rate": jobs_beside_rate,
        "rps": load.parse_wrk(report, 0.0).rps,
        "jobs_beside_load": jobs_beside_load,
    }


def medians(rows: list[Row]) -> list[Row]:
    """One row for each number of cores and interval: the median of each figure over the rounds."""
    groups: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["cores"], row["interval"]), []).append(row)
    return [
        {"cores": cpus, "interval": interval}
        | {figure: round(statistics.median(row[figure] for row in found), 1) for figure in FIGURES}
        for (cpus, interval), found in sorted(groups.items(), key=lambda group: group[0][0])
    ]


def show(rows: list[Row]) -> None:
    """The table, with each figure against that of Python's own interval on as many cores."""
    print(f"\n{'cores':>5} {'interval':>9}" + "".join(f"{figure:>26}" for figure in FIGURES))
    for row in rows:
        own = next(other for other in rows if (other["cores"], other["interval"]) == (row["cores"], INTERVALS[0]))
        cells = (
            f"{row[figure]:,.1f} (x {row[figure] / own[figure]:.2f})" if own[figure] else "-" for figure in FIGURES
        )
        print(f"{row['cores']:>5} {row['interval']:>9}" + "".join(f"{cell:>26}" for cell in cells))


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benches.switching.run", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--rate", type=float, default=1000, help="JSON requests a second where latency is measured")
    parser.add_argument("--jobs", type=int, default=JOBS, help="CPU-bound handlers at a time")
    parser.add_argument("--output", help="the file to write (.bench/DATE-switching.json)")
    return parser.parse_args()


def main() -> int:
    """Measure, show, write."""
    options = parsed()
    for program, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if not environment.binary(program):
            print(f"bench: {program} is missing: apt-get install {package}", file=sys.stderr)
            return 2
    if not COVET.exists():
        print("bench: not built: make build", file=sys.stderr)
        return 2
    WORKSHOP.mkdir(exist_ok=True)
    options.port = free_port()
    one, both = frozenset({cores()[0]}), frozenset(cores())
    os.sched_setaffinity(0, {cores()[1]})
    paced, rows = environment.built("paced"), list[Row]()
    began = dt.datetime.now(dt.UTC)
    for number, cpus, interval in itertools.product(range(options.rounds), sorted({one, both}, key=len), INTERVALS):
        rows.append({"round": number + 1, **turn(options, paced, interval, cpus)})
        print(rows[-1], flush=True)
    found = medians(rows)
    show(found)
    record = {
        "date": began.isoformat(timespec="seconds"),
        "machine": environment.machine(),
        "method": {"rounds": options.rounds, "seconds": options.seconds, "rate": options.rate, "jobs": options.jobs},
        "medians": found,
        "rounds": rows,
    }
    target = Path(options.output) if options.output else WORKSHOP / f"{began:%Y-%m-%d-%H%M}-switching.json"
    target.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\nwrote {target.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
