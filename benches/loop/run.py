"""The loops beside each other: `python -m benches.loop.run`, as `make bench-loop`; about eight minutes.

Each lap is a process of its own, and in each round every loop has its lap of a workload, so that what disturbs the
machine disturbs all; a figure is the median of its laps. Writes `benches/results/DATE-loop.json` with every lap;
`make bench-report` makes the page of it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benches.http import environment
from benches.loop.services import services
from benches.loop.workloads import TARGETS, WORKLOADS, Workload

LOOPS = ("covet", "uvloop", "asyncio", "rloop")
REQUIREMENTS = environment.ROOT / "requirements" / "bench-loop.txt"
PEERS = environment.WORKSHOP / "loop"
PEERS_PYTHON = PEERS / "bin" / "python"
SHOWN = ("uvloop", "rloop", "asyncpg", "redis")
Laps = dict[str, dict[str, list[float]]]
"""Of each loop: microseconds of an operation, `cpu` and `wall`."""


def make_peers() -> None:
    """Create `.bench/loop`: the interpreter of .venv with the other loops and the drivers."""
    stamp, wanted = PEERS / REQUIREMENTS.name, REQUIREMENTS.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("making .bench/loop with the peers", flush=True)
    subprocess.run([str(environment.COVET_PYTHON), "-m", "venv", "--clear", str(PEERS)], check=True)
    pip = [
        str(PEERS_PYTHON),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
    ]
    for peer in wanted.splitlines():
        if not peer.startswith("#") and subprocess.run([*pip, peer], check=False).returncode:
            print(f"could not install {peer}: it is left out", file=sys.stderr)
    stamp.write_text(wanted)


def has(module: str) -> bool:
    """Whether the peers' interpreter can import it."""
    return not subprocess.run([PEERS_PYTHON, "-c", f"import {module}"], check=False, capture_output=True).returncode


def lap(loop: str, workload: Workload, operations: int, variables: dict[str, str]) -> dict[str, float] | None:
    """Seconds of one lap, or nothing where it failed."""
    path = os.pathsep.join([str(environment.ROOT / "python"), str(environment.ROOT)])
    command = [str(PEERS_PYTHON), "-m", "benches.loop.lap", loop, workload.name, str(operations)]
    surroundings = {**os.environ, **variables, "PYTHONPATH": path}
    try:
        done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False, timeout=120)
    except subprocess.TimeoutExpired:
        print(f"{workload.name} on {loop}: no end after two minutes", file=sys.stderr)
        return None
    if done.returncode:
        print(f"{workload.name} on {loop}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measured(
    chosen: list[Workload], loops: list[str], rounds: int, share: float, variables: dict[str, str]
) -> dict[str, Laps]:
    """Microseconds of an operation, of every lap. A loop that fails a workload has no more laps of it."""
    found: dict[str, Laps] = {workload.name: {loop: {"cpu": [], "wall": []} for loop in loops} for workload in chosen}
    for number in range(rounds):
        for workload in chosen:
            operations = max(round(workload.operations * share / 1000) * 1000, 100)
            if workload.operations < 10_000:
                operations = max(round(workload.operations * share / 10) * 10, 10)
            for loop in list(found[workload.name]):
                taken = lap(loop, workload, operations, variables)
                if taken is None:
                    del found[workload.name][loop]
                    continue
                for kind, seconds in taken.items():
                    found[workload.name][loop][kind].append(round(seconds / operations * 1e6, 4))
        print(f"round {number + 1} of {rounds}", flush=True)
    return found


def show(found: dict[str, Laps]) -> None:
    """Medians of the processor's time, and their ratios."""
    for name, laps in found.items():
        print(f"\n{name}")
        for kind in ("cpu", "wall"):
            medians = {loop: statistics.median(times[kind]) for loop, times in laps.items()}
            line = "".join(f"{loop:>10}{figure:10.2f}" for loop, figure in medians.items())
            peer = medians.get("uvloop")
            ratio = f"   {medians['covet'] / peer:.2f} x uvloop" if peer and "covet" in medians else ""
            print(f"  {kind:5}{line}{ratio}")


def versions() -> dict[str, str]:
    """Of what takes part."""
    code = (
        "import sys, json, importlib.metadata as m\n"
        "found = {d.name.lower(): d.version for d in m.distributions()}\n"
        "print(json.dumps({n: found[n] for n in sys.argv[1:] if n in found}))"
    )
    text = environment.output(PEERS_PYTHON, "-c", code, *SHOWN)
    return {
        "commit": environment.output("git", "-C", environment.ROOT, "describe", "--always", "--dirty"),
        "python": environment.output(PEERS_PYTHON, "-c", "import platform; print(platform.python_version())"),
        "rustc": environment.output("rustc", "--version"),
        **(dict(json.loads(text)) if text.startswith("{") else {}),
    }


def main() -> None:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(prog="python -m benches.loop.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--share", type=float, default=1.0, help="of each workload's operations")
    parser.add_argument("--workloads", help="only these, separated by commas")
    parser.add_argument("--loops", help="only these, separated by commas")
    parser.add_argument("--output", type=Path, help="the file to write (benches/results/DATE-loop.json)")
    options = parser.parse_args()
    make_peers()
    began = dt.datetime.now(dt.UTC)
    names = options.workloads.split(",") if options.workloads else [workload.name for workload in WORKLOADS]
    loops = options.loops.split(",") if options.loops else list(LOOPS)
    loops = [loop for loop in loops if loop in ("covet", "asyncio") or has(loop)]
    with services() as variables:
        chosen = [each for each in WORKLOADS if each.name in names and (each.needs is None or each.needs in variables)]
        found = measured(chosen, loops, options.rounds, options.share, variables)
    show(found)
    record: dict[str, Any] = {
        "format": 1,
        "kind": "loop",
        "date": began.isoformat(timespec="seconds"),
        "machine": environment.machine(),
        "versions": versions(),
        "method": {"rounds": options.rounds, "share": options.share},
        "targets": TARGETS,
        "workloads": {each.name: {"title": each.title, "words": each.words} for each in chosen},
        "unit": "microseconds",
        "laps": found,
    }
    target = options.output or environment.RESULTS / f"{began:%Y-%m-%d-%H%M}-loop.json"
    target.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\nwrote {target.name}")


if __name__ == "__main__":
    main()
