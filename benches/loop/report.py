"""Write docs/benchmarks-loop.md and its charts from the newest run of `make bench-loop`; `--check` only compares.

No figure is typed by hand: every number comes from `benches/results/*-loop.json`. It must not measure anything.
"""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING, Any

from benches.http.charts import Bar, bar_chart
from benches.http.environment import ROOT
from benches.http.report import CHARTS, LOOP_PAGE, table, verdict
from benches.pages import publish

if TYPE_CHECKING:
    from pathlib import Path


def time_of(microseconds: float) -> str:
    """A time with the digits that mean something."""
    if microseconds >= 1e3:
        return f"{microseconds / 1e3:.2f} ms"
    return f"{microseconds:.{3 if microseconds < 1 else 2}f} us"


def medians(record: dict[str, Any], workload: str, kind: str) -> dict[str, float]:
    """Of each loop, the quickest first."""
    figures = {loop: statistics.median(laps[kind]) for loop, laps in record["laps"][workload].items()}
    return dict(sorted(figures.items(), key=lambda item: item[1]))


def overview(record: dict[str, Any]) -> str:
    """Ours beside the others, and whether the targets are met."""
    rows, ratios = [], []
    for workload, peer, factor in record["targets"]:
        if workload not in record["laps"]:
            continue
        figures = medians(record, workload, "cpu")
        if "covet" not in figures or peer not in figures:
            continue
        ratio = figures["covet"] / figures[peer]
        ratios.append(ratio)
        others = [time_of(figures[loop]) if loop in figures else "" for loop in ("uvloop", "asyncio", "rloop")]
        title = record["workloads"][workload]["title"]
        rows.append([title, time_of(figures["covet"]), *others, verdict(ratio, factor)])
    heads = ["workload", "CovetPy", "uvloop", "asyncio", "rloop", "x uvloop (target)"]
    quick = sum(ratio <= 0.8 for ratio in ratios)
    return f"{table(heads, rows)}\n\n{quick} of {len(ratios)} at 0.8 or less of uvloop's time; the aim is half of them."


def section(record: dict[str, Any], name: str) -> str:
    """One workload: words, chart, table."""
    told, laps, wall = record["workloads"][name], record["laps"][name], medians(record, name, "wall")
    figures = medians(record, name, "cpu")
    ours = figures.get("covet", 0.0)
    rows = [
        [
            loop,
            time_of(figure),
            f"{time_of(min(laps[loop]['cpu']))} to {time_of(max(laps[loop]['cpu']))}",
            f"{figure / ours:.2f}" if ours else "",
            time_of(wall[loop]),
        ]
        for loop, figure in figures.items()
    ]
    parts = [
        f"## {told['title']}",
        told["words"],
        f"![{told['title']}](charts/loop-{name}.svg)",
        table(["loop", "processor", "spread", "x CovetPy", "clock"], rows),
    ]
    return "\n\n".join(parts)


def page(source: Path, record: dict[str, Any]) -> str:
    """The whole page."""
    machine, method = record["machine"], record["method"]
    place = source.relative_to(ROOT).as_posix()
    parts = [
        "# Benchmarks of the event loop on its own",
        f"Written by `make bench-report` from [`{place}`](../{place}); do not edit. Repeat it with `make bench-loop`.",
        f"Measured on {record['date'][:10]}: {machine['processor']}, {machine['cores']} cores, {machine['memory']}, {machine['system']}, kernel {machine['kernel']}.",
        "`covet.loop` beside uvloop, asyncio's own loop and rloop: plain asyncio programs with no server. "
        f"{method['rounds']} interleaved rounds, each lap in a process of its own; medians of the time of one operation: of the processor, kernel included, and of the clock. "
        "Where a connection has two ends both are on the loop; PostgreSQL and Redis are not counted. Only ratios within one run mean anything.",
        "## Overview",
        overview(record),
        *(section(record, name) for name in record["laps"]),
        "## Versions",
        table(["what", "version"], [[name, version] for name, version in record["versions"].items()]),
    ]
    return "\n\n".join(parts) + "\n"


def wanted(source: Path, record: dict[str, Any]) -> dict[Path, str]:
    """Every file that follows from the results, with its text."""
    files = {LOOP_PAGE: page(source, record)}
    for name, laps in record["laps"].items():
        bars = [
            Bar(loop, figure, time_of(figure), min(laps[loop]["cpu"]), max(laps[loop]["cpu"]))
            for loop, figure in medians(record, name, "cpu").items()
        ]
        title = record["workloads"][name]["title"]
        files[CHARTS / f"loop-{name}.svg"] = bar_chart(f"{title} (less is better)", bars)
    return files


if __name__ == "__main__":
    sys.exit(publish("loop", wanted))
