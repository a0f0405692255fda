"""Write docs/benchmarks-json.md and its charts from the newest run of `make bench-json`; `--check` only compares.

No figure is typed by hand: every number comes from `benches/results/*-json.json`. It must not measure anything.
"""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING, Any

from benches.http.charts import Bar, bar_chart
from benches.http.environment import ROOT
from benches.http.report import CHARTS, JSON_PAGE, table, verdict
from benches.pages import publish

if TYPE_CHECKING:
    from pathlib import Path


def time_of(microseconds: float) -> str:
    """A time with the digits that mean something."""
    if microseconds >= 1e4:
        return f"{microseconds / 1e3:.1f} ms"
    return f"{microseconds:.{3 if microseconds < 1 else 2}f} us"


def medians(record: dict[str, Any], workload: str) -> dict[str, float]:
    """Of each contestant, the quickest first; empty where it was not measured."""
    rounds = record["rounds"].get(workload, {})
    figures = {name: statistics.median(turns) for name, turns in rounds.items()}
    return dict(sorted(figures.items(), key=lambda item: item[1]))


def overview(record: dict[str, Any]) -> str:
    """The targets, and whether they are met."""
    rows = []
    for workload, own, peer, factor in record["targets"]:
        figures = medians(record, workload)
        if own not in figures:
            continue
        title, ours = record["workloads"][workload]["title"], figures[own]
        if peer is None:
            rows.append([title, time_of(ours), "", f"{verdict(ours / 1e6, factor)} s"])
        else:
            compared = f"{peer}: {time_of(figures[peer])}"
            rows.append([title, time_of(ours), compared, verdict(ours / figures[peer], factor)])
    return table(["workload", "CovetPy", "compared with", "ratio (target)"], rows)


def section(record: dict[str, Any], name: str) -> str:
    """One workload: words, chart, table."""
    figures, rounds, told = medians(record, name), record["rounds"][name], record["workloads"][name]
    rows = [
        [
            each,
            time_of(figure),
            f"{time_of(min(rounds[each]))} to {time_of(max(rounds[each]))}",
            f"{figure / figures['covet']:.2f}",
        ]
        for each, figure in figures.items()
    ]
    parts = [
        f"## {told['title']}",
        told["words"],
        f"![{told['title']}](charts/json-{name}.svg)",
        table(["", "median", "spread", "x CovetPy"], rows),
    ]
    return "\n\n".join(parts)


def page(source: Path, record: dict[str, Any]) -> str:
    """The whole page."""
    machine, method = record["machine"], record["method"]
    place = source.relative_to(ROOT).as_posix()
    parts = [
        "# Benchmarks of JSON on its own",
        f"Written by `make bench-report` from [`{place}`](../{place}); do not edit. Repeat it with `make bench-json`.",
        f"Measured on {record['date'][:10]}: {machine['processor']}, {machine['cores']} cores, {machine['memory']}, {machine['system']}, kernel {machine['kernel']}.",
        "`covet.json` beside orjson, msgspec and pydantic in one process, without a server. "
        f"{method['rounds']} interleaved rounds, in each of which every contestant has a turn of {method['seconds']} s; medians, with the least and the most. "
        "The garbage collector waits during a turn. Contestants do the same to the same values; only ratios within one run mean anything.",
        "## Overview",
        overview(record),
        *(section(record, name) for name in record["rounds"]),
        "## Versions",
        table(["what", "version"], [[name, version] for name, version in record["versions"].items()]),
    ]
    return "\n\n".join(parts) + "\n"


def wanted(source: Path, record: dict[str, Any]) -> dict[Path, str]:
    """Every file that follows from the results, with its text."""
    files = {JSON_PAGE: page(source, record)}
    for name, rounds in record["rounds"].items():
        bars = [
            Bar(each, figure, time_of(figure), min(rounds[each]), max(rounds[each]))
            for each, figure in medians(record, name).items()
        ]
        title = record["workloads"][name]["title"]
        files[CHARTS / f"json-{name}.svg"] = bar_chart(f"{title} (less is better)", bars)
    return files


if __name__ == "__main__":
    sys.exit(publish("json", wanted))
