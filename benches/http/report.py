"""Write docs/benchmarks.md, its charts and the README's table from the newest full run; `--check` only compares.

No figure is typed by hand: every number comes from `benches/results/*-full.json`. It must not measure anything.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from benches.http.charts import Bar, bar_chart
from benches.http.environment import ROOT
from benches.http.results import Figure, Results, newest
from benches.http.servers import DRIVER_TARGETS
from benches.http.workloads import WORKLOADS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "benchmarks.md"
JSON_PAGE = ROOT / "docs" / "benchmarks-json.md"
"""Of benches.json.report, which is written first."""
LOOP_PAGE = ROOT / "docs" / "benchmarks-loop.md"
"""Of benches.loop.report."""
RELOAD_PAGE = ROOT / "docs" / "benchmarks-reload.md"
"""Of benches.reload.report."""
OTHERS = {"JSON on its own": JSON_PAGE, "the event loop on its own": LOOP_PAGE, "reloading": RELOAD_PAGE}
"""Pages beside this one, by what they measure."""
CHARTS = ROOT / "docs" / "charts"
README = ROOT / "README.md"
START, END = "<!-- bench:start -->", "<!-- bench:end -->"
README_SERVERS = (
    "covet",
    "floor",
    "nginx",
    "granian, RSGI",
    "weft, raw ASGI",
    "django-bolt",
    "uvicorn, raw ASGI",
    "fastapi",
)
README_WORKLOADS = ("text", "json", "typed", "sleep0", "sleep1ms", "pool", "pool_yields")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, numbers to the right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def milliseconds(microseconds: float) -> str:
    """Latency with the digits that mean something."""
    return f"{microseconds / 1e3:.2f} ms"


def mib(count: float) -> str:
    """Bytes as MiB."""
    return f"{count / 2**20:.1f} MiB"


def verdict(value: float | None, target: float | None) -> str:
    """A ratio with its target, and whether it is met."""
    if value is None:
        return "-"
    if target is None:
        return f"{value:.2f}"
    return f"{value:.2f} ({'<=' if value <= target else '**missed**:'} {target:g})"


def overview(results: Results) -> str:
    """CovetPy against the floor and against the best Python peer."""
    rows, notes = [], list[str]()
    for workload in WORKLOADS.values():
        covet = results.figures.get((workload.name, "covet"))
        peer = results.best_peer(workload.name)
        if not covet:
            continue
        against = covet.cpu_us / peer.cpu_us if peer else None
        best = f"{peer.server}: {peer.cpu_us:.1f}" if peer else "-"
        row = [
            workload.title,
            f"{covet.cpu_us:.1f}",
            verdict(results.floor_ratio(covet), workload.target),
            best,
            verdict(against, workload.peer_target),
        ]
        rows.append(row)
    for workload in WORKLOADS.values():
        covet = results.figures.get((workload.name, "covet"))
        above = results.above_floor(covet) if covet else None
        if workload.orjson_target is not None and above is not None:
            notes.append(
                f"{workload.title}: {verdict(above, workload.orjson_target)} times orjson's own time above the floor."
            )
    one, thousand = (results.figures.get((name, "covet")) for name in ("route", "routes"))
    text = table(["workload", "CovetPy, us", "x floor (target)", "best Python peer, us", "x best peer (target)"], rows)
    if one and thousand:
        notes.append(f"1,000 routes cost {verdict(thousand.cpu_us / one.cpu_us, 1.05)} times one route.")
    return "\n\n".join([text, *notes])


def driver_section(results: Results) -> str:
    """CovetPy on the event loops that are not its own, against its own and against Granian's RSGI."""
    rows = []
    for loop, targets in DRIVER_TARGETS.items():
        for name, target in targets.items():
            figure = results.figures.get((name, f"covet, {loop}"))
            own = results.figures.get((name, "covet"))
            granian = results.figures.get((name, "granian, RSGI"))
            if figure and own:
                rsgi = figure.cpu_us / granian.cpu_us if granian else None
                row = [
                    f"{WORKLOADS[name].title}, `--loop {loop}`",
                    f"{figure.cpu_us:.1f}",
                    verdict(figure.cpu_us / own.cpu_us, target),
                    verdict(rsgi, 0.5 if loop == "uvloop" else None),
                ]
                rows.append(row)
    return (
        table(["workload", "CPU us/request", "x `--loop covet` (target)", "x granian, RSGI (target)"], rows)
        if rows
        else ""
    )


def workload_section(results: Results, name: str) -> str:
    """One workload: its chart, its figures, and who cannot do it."""
    workload = WORKLOADS[name]
    figures = results.of(name)
    # Of pipelined requests wrk measures how long a batch takes, and not reliably.
    rows = [
        [
            figure.server,
            f"{figure.cpu_us:.1f}",
            f"{figure.least:.1f} to {figure.most:.1f}",
            verdict(results.floor_ratio(figure), None),
            f"{figure.rps:,.0f}",
            milliseconds(figure.p99_us) if workload.pipelined == 1 else "-",
        ]
        for figure in figures
    ]
    absent = [f"{server} ({results.reason(name, server)})" for server in lacking(results, figures)]
    errors = [f"{figure.server}: {figure.errors}" for figure in figures if figure.errors]
    parts = [
        f"### {workload.title}",
        f"![server CPU per request](charts/{name}.svg)",
        table(["server", "CPU us/request", "spread", "x floor", "requests/s", "p99"], rows),
    ]
    parts += [f"Cannot: {'; '.join(absent)}."] if absent else []
    parts += [f"Errors: {'; '.join(errors)}."] if errors else []
    return "\n\n".join(parts)


def lacking(results: Results, figures: list[Figure]) -> list[str]:
    """The contestants without a figure at a workload."""
    present = {figure.server for figure in figures}
    noted = [
        entry["server"] for entry in results.record["cannot"] if figures and entry["workload"] == figures[0].workload
    ]
    return [server for server in dict.fromkeys([*results.servers, *noted]) if server not in present]


def latency_section(record: dict[str, Any]) -> str:
    """Latency at half of each server's own throughput."""
    rows = [
        [
            entry["server"],
            f"{entry['rps']:,.0f}",
            milliseconds(entry["p50_us"]),
            milliseconds(entry["p99_us"]),
            milliseconds(entry["p99_9_us"]),
        ]
        for entry in sorted(record["latency"], key=lambda entry: entry["p99_us"])
    ]
    return table(["server", "requests/s", "p50", "p99", "p99.9"], rows)


def size_section(sizes: dict[str, Any]) -> str:
    """Memory and start."""
    starts = sizes.get("start", {})
    rows = []
    for server, idle in sizes.get("idle", {}).items():
        start = starts.get(server)
        each = f"{idle['bytes_each'] / 1024:.2f} KiB" if idle else "-"
        rows.append(
            [server, each, mib(idle["resident"]) if idle else "-", f"{start['median_s']:.3f} s" if start else "-"]
        )
    if starts.get("covet, supervised"):
        rows.append(["covet, under its supervisor", "", "", f"{starts['covet, supervised']['median_s']:.3f} s"])
    if typed := sizes.get("typed_routes"):
        rows.append(["covet, 1,000 typed routes", "", mib(typed["resident"]), f"{typed['median_s']:.3f} s"])
    counts = {idle["connections"] for idle in sizes.get("idle", {}).values() if idle}
    text = table(["server", "idle connection", "resident, hello app", "start to first answer"], rows)
    return f"{text}\n\nIdle connections: {', '.join(f'{count:,}' for count in sorted(counts))}, one answer each; growth of the proportional set size, user space only."


def burst_section(sizes: dict[str, Any]) -> str:
    """Resident memory around bursts of large bodies."""
    rows = [
        [server, mib(found["before"]), mib(found["peak"]), mib(found["after"]), f"{found['ratio']:.2f}"]
        for server, found in sizes.get("burst", {}).items()
        if found
    ]
    return table(["server", "before", "just after", "settled", "settled / before"], rows)


def pool_section(sizes: dict[str, Any]) -> str:
    """JSON beside CPU-bound pool jobs."""
    rows = []
    for server, several in sizes.get("busy_pool", {}).items():
        for found in several or ():
            quiet, busy = found["quiet"], found["busy"]
            rows.append(
                [
                    server,
                    str(found["cores"]),
                    *(milliseconds(at[key]) for at in (quiet, busy) for key in ("p50_us", "p99_us")),
                ]
            )
    return table(["server", "cores", "p50, pool idle", "p99, pool idle", "p50, pool busy", "p99, pool busy"], rows)


def other_pages() -> list[str]:
    """A line that leads to the pages that are there; none where there is none."""
    links = [f"[{name}]({path.name})" for name, path in OTHERS.items() if path.exists()]
    return [f"Pages of their own: {', '.join(links)}."] if links else []


def page(results: Results) -> str:
    """The whole page."""
    record = results.record
    method, machine = record["method"], record["machine"]
    source = results.path.relative_to(ROOT).as_posix()
    measured = [name for name in WORKLOADS if results.of(name)]
    commands = "\n".join(f"{name}: {line}" for name, line in record["commands"].items())
    sections = [
        "# Benchmarks",
        f"Written by `make bench-report` from [`{source}`](../{source}); do not edit. Repeat it with `make bench`.",
        f"Measured on {record['date'][:10]}: {machine['processor']}, {machine['cores']} cores, {machine['memory']}, {machine['system']}, kernel {machine['kernel']}.",
        *other_pages(),
        "## Method",
        f"Each server in turn on one port, one worker, pinned to one core; the load (`wrk -t1 -c{method['connections']}`) is pinned to the other. "
        f"{method['warm_up_s']} s of warm-up, {method['measured_s']} s measured, {method['rounds']} interleaved rounds; medians, with the least and the most. "
        "The figure is **server CPU microseconds per request**: user and system time of the server's processes, kernel included, divided by the requests that were answered. "
        "It holds where the machine is noisy; requests per second do not. The floor is `benches/floor`: Tokio and httparse, one constant answer, no routing, no limits. "
        "CovetPy runs with every limit and timeout on. Only ratios within one run mean anything.",
        "## Overview",
        overview(results),
        *(["## Other event loops", driver_section(results)] if driver_section(results) else []),
        "## Workloads",
        *(workload_section(results, name) for name in measured),
    ]
    if record["latency"]:
        sections += [
            "## Latency at half load",
            "JSON over 64 connections at half of each server's own throughput above, by `benches/paced`: an open loop in which a request that is due while "
            "every connection is busy waits, and its wait counts. The first second is left out.",
            latency_section(record),
        ]
    if record["sizes"]:
        sections += ["## Memory and start", size_section(record["sizes"])]
        sections += [
            "### A burst of large bodies",
            "Three bursts of 64 connections that send 1.5 MiB each at the same time.",
            burst_section(record["sizes"]),
        ]
        sections += [
            "### JSON beside a busy pool",
            "1,000 requests a second for JSON while two CPU-bound `def` handlers run without a pause, on one core and on two (the load shares the second).",
            pool_section(record["sizes"]),
        ]
    sections += [
        "## Versions",
        table(["what", "version"], [[name, version] for name, version in record["versions"].items()]),
    ]
    sections += ["## Commands", f"```text\n{commands}\n```", ""]
    return "\n\n".join(sections)


def readme_table(results: Results) -> str:
    """The README's table: CPU microseconds per request."""
    servers = [
        name for name in README_SERVERS if any((workload, name) in results.figures for workload in README_WORKLOADS)
    ]
    rows = []
    for name in README_WORKLOADS:
        found = [results.figures.get((name, server)) for server in servers]
        if any(found):  # results may be older than a workload
            rows.append([WORKLOADS[name].title, *(f"{figure.cpu_us:.1f}" if figure else "-" for figure in found)])
    machine = results.record["machine"]
    note = f"Server CPU microseconds per request, one worker on one core, {machine['processor']}, {results.record['date'][:10]}, by `make bench`; [everything measured](docs/benchmarks.md)."
    return f"{START}\n{table(['', *(('CovetPy' if name == 'covet' else name) for name in servers)], rows)}\n\n{note}\n{END}"


def charts(results: Results) -> dict[Path, str]:
    """One chart for each workload."""
    drawn = {}
    for name, workload in WORKLOADS.items():
        figures = results.of(name)
        if figures:
            bars = [
                Bar(figure.server, figure.cpu_us, f"{figure.cpu_us:.1f} us", figure.least, figure.most)
                for figure in figures
            ]
            title = workload.title.replace("`", "")
            drawn[CHARTS / f"{name}.svg"] = bar_chart(f"{title}: server CPU per request (less is better)", bars)
    return drawn


def wanted(results: Results) -> dict[Path, str]:
    """Every file that follows from the results, with its text."""
    files = {PAGE: page(results), **charts(results)}
    if README.exists() and START in README.read_text():
        between = re.compile(f"{re.escape(START)}.*?{re.escape(END)}", re.DOTALL)
        files[README] = between.sub(lambda _: readme_table(results), README.read_text(), count=1)
    return files


def main() -> int:
    """Write the files, or say which are out of step."""
    results = newest()
    if results is None:
        print("bench-report: no full run in benches/results yet; nothing to do")
        return 0
    stale = [path for path, text in wanted(results).items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(
                f"{path.relative_to(ROOT)} is out of step with {results.path.name}: make bench-report", file=sys.stderr
            )
        return 1 if stale else 0
    CHARTS.mkdir(parents=True, exist_ok=True)
    for path, text in wanted(results).items():
        path.write_text(text)
    print(f"bench-report: wrote {len(stale)} files from {results.path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
