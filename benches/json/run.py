"""JSON on its own beside orjson, msgspec and pydantic, in one process: `python -m benches.json.run`, about two minutes.

Every contestant has its turn in each round, so that what disturbs the machine disturbs all; a figure is the median of
its rounds. Writes `benches/results/DATE-json.json` with every round; `make bench-report` makes the page of it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import importlib.metadata
import json
import platform
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benches.http import environment
from benches.json.workloads import TARGETS, WORKLOADS, Workload

if TYPE_CHECKING:
    from collections.abc import Callable

Rounds = dict[str, list[float]]
PACKAGES = ("covetpy", "orjson", "msgspec", "pydantic", "pydantic-core")


def timed(call: Callable[[], object], loops: int) -> float:
    """Microseconds of one of `loops` calls; the collector waits."""
    gc.collect()
    gc.disable()
    start = time.perf_counter_ns()
    for _ in range(loops):
        call()
    taken = time.perf_counter_ns() - start
    gc.enable()
    return taken / loops / 1e3


def loops_of(call: Callable[[], object], seconds: float) -> int:
    """How many calls fill a turn."""
    loops = 1
    while (taken := timed(call, loops)) * loops < 2_000:
        loops *= 2
    return max(1, round(seconds * 1e6 / taken))


def measured(chosen: list[Workload], rounds: int, seconds: float) -> dict[str, Rounds]:
    """Microseconds of every round."""
    contestants = {workload.name: workload.make() for workload in chosen if not workload.once}
    loops = {
        (name, contestant): loops_of(call, seconds)
        for name, calls in contestants.items()
        for contestant, call in calls.items()
    }
    found: dict[str, Rounds] = {workload.name: {} for workload in chosen}
    for number in range(rounds):
        for name, calls in contestants.items():
            for contestant, call in calls.items():
                taken = timed(call, loops[name, contestant])
                found[name].setdefault(contestant, []).append(taken)
        for workload in chosen:
            if workload.once and number < max(3, rounds // 6):
                for contestant, call in workload.make().items():
                    found[workload.name].setdefault(contestant, []).append(timed(call, 1))
        print(f"round {number + 1} of {rounds}", flush=True)
    return found


def show(found: dict[str, Rounds]) -> None:
    """Medians, and the targets."""
    medians = {
        name: {each: statistics.median(turns) for each, turns in rounds.items()} for name, rounds in found.items()
    }
    for name, figures in medians.items():
        print(f"\n{name}")
        for contestant, figure in figures.items():
            print(f"  {contestant:20}{figure:12.2f} us{figure / figures['covet']:8.2f} x covet")
    print()
    for target in TARGETS:
        if target.workload in medians:
            ours = medians[target.workload][target.ours]
            ratio = ours / medians[target.workload][target.peer] if target.peer else ours / 1e6
            print(
                f"{target.workload} {target.ours} / {target.peer or 'one second'}: {ratio:.2f} (target {target.factor})"
            )


def versions() -> dict[str, str]:
    """Of what takes part."""
    found = {
        "commit": environment.output("git", "-C", environment.ROOT, "describe", "--always", "--dirty"),
        "python": platform.python_version(),
        "rustc": environment.output("rustc", "--version"),
    }
    return {**found, **{name: importlib.metadata.version(name) for name in PACKAGES}}


def main() -> None:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(prog="python -m benches.json.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=0.07, help="of each turn")
    parser.add_argument("--workloads", help="only these, separated by commas")
    parser.add_argument("--output", type=Path, help="the file to write (benches/results/DATE-json.json)")
    options = parser.parse_args()
    names = options.workloads.split(",") if options.workloads else [workload.name for workload in WORKLOADS]
    began = dt.datetime.now(dt.UTC)
    found = measured([workload for workload in WORKLOADS if workload.name in names], options.rounds, options.seconds)
    show(found)
    record: dict[str, Any] = {
        "format": 1,
        "kind": "json",
        "date": began.isoformat(timespec="seconds"),
        "machine": environment.machine(),
        "versions": versions(),
        "method": {"rounds": options.rounds, "seconds": options.seconds},
        "targets": TARGETS,
        "workloads": {
            each.name: {"title": each.title, "words": each.words} for each in WORKLOADS if each.name in names
        },
        "unit": "microseconds",
        "rounds": found,
    }
    target = options.output or environment.RESULTS / f"{began:%Y-%m-%d-%H%M}-json.json"
    target.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\nwrote {target.name}")


if __name__ == "__main__":
    main()
