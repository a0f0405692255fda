"""Write docs/benchmarks-reload.md and its chart from the newest run of `make bench-reload`; `--check` only compares.

No figure is typed by hand: every number comes from `benches/results/*-reload.json`. It must not measure anything.
"""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING, Any

from benches.http.charts import Bar, bar_chart
from benches.http.environment import ROOT
from benches.http.report import CHARTS, RELOAD_PAGE, table, verdict
from benches.pages import publish

if TYPE_CHECKING:
    from pathlib import Path


def page(source: Path, record: dict[str, Any]) -> str:
    """The whole page."""
    machine, method, saves = record["machine"], record["method"], record["saves"]
    place = source.relative_to(ROOT).as_posix()
    row = [f"{figure:.3f}" for figure in (min(saves), statistics.median(saves))]
    parts = [
        "# Benchmark of reloading",
        f"Written by `make bench-report` from [`{place}`](../{place}); do not edit. Repeat it with `make bench-reload`.",
        f"Measured on {record['date'][:10]}: {machine['processor']}, {machine['cores']} cores, {machine['memory']}, {machine['system']}, kernel {machine['kernel']}.",
        f"`covet run --reload` on `examples/{method['example']}`, saved {method['rounds']} times, {method['pause_s']} seconds after the last new answer. "
        "The time is that from the save to the first answer of the new code. A client asks meanwhile without a pause, each time on a new connection; no request may fail.",
        table(
            ["saves", "least, seconds", "median", "most (target)"],
            [[str(len(saves)), *row, verdict(max(saves), record["promise"])]],
        ),
        "![From save to new answer](charts/reload.svg)",
        "## Versions",
        table(["what", "version"], [[name, version] for name, version in record["versions"].items()]),
    ]
    return "\n\n".join(parts) + "\n"


def wanted(source: Path, record: dict[str, Any]) -> dict[Path, str]:
    """Every file that follows from the results, with its text."""
    saves, promise = record["saves"], record["promise"]
    median = statistics.median(saves)
    bars = [
        Bar("covet", median, f"{median:.3f} s", min(saves), max(saves)),
        Bar("target", promise, f"{promise:g} s"),
    ]
    chart = bar_chart("From save to new answer (less is better)", bars)
    return {RELOAD_PAGE: page(source, record), CHARTS / "reload.svg": chart}


if __name__ == "__main__":
    sys.exit(publish("reload", wanted))
