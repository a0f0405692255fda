"""Measure: `python -m benches.http.run` for everything, `--quick` for CovetPy against the floor.

Three interleaved rounds: each round gives every server its turn at each workload on the same port, pinned to one core
with one worker, the load pinned to the other. Writes `benches/results/*.json`. The method is described there in full.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import statistics
import sys
from dataclasses import asdict
from http.client import HTTPException
from pathlib import Path
from typing import Any

from benches.http import environment, load, sizes
from benches.http.environment import RESULTS, ROOT, WORKSHOP
from benches.http.processes import Failed, Start, ask, cores, free_port, raise_descriptor_limit, running
from benches.http.servers import Server, contestants
from benches.http.workloads import QUICK, WORKLOADS, Workload

LATENCY_WORKLOADS = ("json",)


class Run:
    """One run: its options, its port, and the record that it fills."""

    def __init__(self, options: argparse.Namespace, servers: dict[str, Server], paced: Path) -> None:
        self.options = options
        self.servers = servers
        self.paced = paced
        self.port = free_port()
        self.record: dict[str, Any] = {"rounds": [], "cannot": [], "latency": [], "sizes": {}}

    def start(self, server: Server, workload: Workload, command: list[str] | None = None) -> Start:
        """How a server is started for a workload: pinned to the first core, by its own command or another one."""
        return Start(
            command=command or server.command(self.port, workload),
            cwd=server.cwd,
            environment=server.variables(workload),
            log=WORKSHOP / "server.log",
            port=self.port,
            path=workload.path,
            cpus=frozenset({cores()[0]}),
        )

    def cannot(self, server: str, workload: str, reason: str) -> None:
        """Note once what a server does not do."""
        reason = tidy(reason)
        entry = {"server": server, "workload": workload, "reason": reason}
        if entry not in self.record["cannot"]:
            self.record["cannot"].append(entry)
            print(f"{workload:11} {server:18} cannot: {reason}", flush=True)

    def turn(self, number: int, server: Server, workload: Workload) -> None:
        """One server's turn at one workload."""
        if any(
            entry["server"] == server.name and entry["workload"] == workload.name for entry in self.record["cannot"]
        ):
            return
        try:
            with running(self.start(server, workload)) as process:
                if server.name != "floor":
                    status, body = ask(self.port, workload.path, workload.posted, 20)
                    if status != 200 or not workload.matches(body):
                        raise Failed(f"answered {status} {body[:80]!r}")
                measured = load.throughput(
                    process.pid, self.port, asked(workload), self.options.warm_up, self.options.seconds
                )
        except (Failed, OSError, HTTPException) as failure:
            self.cannot(server.name, workload.name, str(failure) or repr(failure))
            return
        self.record["rounds"].append(
            {"round": number, "workload": workload.name, "server": server.name, **asdict(measured)}
        )
        shown = f"{measured.cpu_us:8.2f} us {measured.rps:10.0f} rps  p99 {measured.p99_us / 1e3:7.2f} ms  {measured.errors}"
        print(f"{workload.name:11} {server.name:18} {shown}", flush=True)

    def rounds(self, workloads: list[Workload]) -> None:
        """Every server's turns, interleaved."""
        for server, workload in itertools.product(self.servers.values(), workloads):
            if server.absent:
                self.cannot(server.name, workload.name, server.absent)
            elif workload.name not in server.can:
                self.cannot(server.name, workload.name, server.why_not)
        for number in range(1, self.options.rounds + 1):
            print(f"round {number} of {self.options.rounds}", flush=True)
            for workload, server in itertools.product(workloads, self.servers.values()):
                self.turn(number, server, workload)

    def latencies(self) -> None:
        """Latency at half of each server's own throughput."""
        for name, server in itertools.product(LATENCY_WORKLOADS, self.servers.values()):
            rates = [
                row["rps"] for row in self.record["rounds"] if row["server"] == server.name and row["workload"] == name
            ]
            if not rates:
                continue
            try:
                with running(self.start(server, WORKLOADS[name])):
                    found = load.latency(self.paced, self.port, WORKLOADS[name].path, statistics.median(rates) / 2)
            except Failed as failure:
                self.cannot(server.name, f"latency of {name}", str(failure))
                continue
            self.record["latency"].append({"server": server.name, "workload": name, **found})
            print(
                f"half load {server.name:18} p50 {found['p50_us']:.0f} p99 {found['p99_us']:.0f} p99.9 {found['p99_9_us']:.0f} us",
                flush=True,
            )


def asked(workload: Workload) -> load.Asked:
    """What the load asks for at a workload."""
    script, posted = None, workload.posted
    if posted is not None:
        script = load.post_script(WORKSHOP, workload.name, *posted)
    elif workload.pipelined > 1:
        script = load.pipeline_script(WORKSHOP, workload.name, workload.pipelined)
    return load.Asked(workload.path, script, workload.closes, workload.connections)


def tidy(text: str) -> str:
    """A text without this machine's paths."""
    return text.replace(str(ROOT), ".").replace(str(ROOT.home()), "~")[:300]


def commands(run: Run, workload: Workload) -> dict[str, str]:
    """The command line of every contestant, as one would type it in the repository."""
    port = str(run.port)
    shown = {
        server.name: " ".join(server.command(run.port, workload))
        for server in run.servers.values()
        if not server.absent
    }
    shown["load"] = " ".join(load.wrk_command(run.port, asked(workload), run.options.seconds))
    shown["load at a fixed rate"] = " ".join(
        load.paced_command(run.paced, run.port, workload.path, 1000, load.CONNECTIONS)
    )
    return {name: tidy(line).replace(port, "PORT") for name, line in shown.items()}


def ratios(record: dict[str, Any]) -> None:
    """Print the medians against the floor."""
    medians: dict[tuple[str, str], list[float]] = {}
    for row in record["rounds"]:
        medians.setdefault((row["workload"], row["server"]), []).append(row["cpu_us"])
    print(f"\n{'workload':12}{'server':20}{'CPU us':>8}{'spread':>16}{'x floor':>9}")
    for (workload, server), found in medians.items():
        floor = medians.get((workload, WORKLOADS[workload].yardstick))
        ratio = f"{statistics.median(found) / statistics.median(floor):9.2f}" if floor else ""
        print(f"{workload:12}{server:20}{statistics.median(found):8.2f}{min(found):9.2f}-{max(found):.2f}{ratio}")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benches.http.run", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="CovetPy against the floor only, under three minutes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, help="measured seconds of each turn (4; quick: 2)")
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--servers", help="only these, separated by semicolons")
    parser.add_argument("--workloads", help="only these, separated by commas: " + " ".join(WORKLOADS))
    parser.add_argument("--no-sizes", action="store_true", help="leave out memory, start and latency")
    parser.add_argument("--sizes-only", action="store_true", help="only memory and start")
    parser.add_argument(
        "--output", help="the file to write (benches/results/DATE-full.json; quick: .bench/DATE-quick.json)"
    )
    parsed = parser.parse_args()
    parsed.seconds = parsed.seconds or (2 if parsed.quick else 4)
    return parsed


def main() -> int:
    """Measure and write the record."""
    chosen = options()
    for program, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if not environment.binary(program):
            print(f"bench: {program} is missing: apt-get install {package}", file=sys.stderr)
            return 2
    WORKSHOP.mkdir(exist_ok=True)
    raise_descriptor_limit()
    if cores()[0] == cores()[1]:
        print("warning: one core only: the server and the load share it", file=sys.stderr)
    if not chosen.quick:
        environment.make_peers()
    servers = contestants(environment.built("floor"), None if chosen.quick else environment.go_server())
    wanted = chosen.servers.split(";") if chosen.servers else (["floor", "covet"] if chosen.quick else list(servers))
    names = chosen.workloads.split(",") if chosen.workloads else (list(QUICK) if chosen.quick else list(WORKLOADS))
    os.sched_setaffinity(0, {cores()[1]})
    run = Run(chosen, {name: servers[name] for name in wanted}, environment.built("paced"))
    began = dt.datetime.now(dt.UTC)
    if not chosen.sizes_only:
        run.rounds([WORKLOADS[name] for name in names])
        if not chosen.quick and not chosen.no_sizes:
            run.latencies()
    if chosen.sizes_only or not (chosen.quick or chosen.no_sizes):
        run.record["sizes"] = sizes.measure_all(run)
    kind = "quick" if chosen.quick else "full"
    record = {
        "format": 1,
        "kind": kind,
        "date": began.isoformat(timespec="seconds"),
        "machine": environment.machine(),
        "versions": environment.versions(),
        "method": {
            "rounds": chosen.rounds,
            "warm_up_s": chosen.warm_up,
            "measured_s": chosen.seconds,
            "connections": load.CONNECTIONS,
        },
        "commands": commands(run, WORKLOADS["json"]),
        "orjson_us": environment.orjson_us(),
        **run.record,
    }
    ratios(record)
    folder = WORKSHOP if chosen.quick else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    target = Path(chosen.output) if chosen.output else folder / f"{began:%Y-%m-%d-%H%M}-{kind}.json"
    target.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\nwrote {tidy(str(target))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
