"""One committed result file: its medians, spreads and ratios. Reads; never measures or writes."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benches.http.environment import RESULTS
from benches.http.workloads import WORKLOADS

if TYPE_CHECKING:
    from pathlib import Path

YARDSTICKS = frozenset({"floor", "nginx", "go net/http"})


@dataclass(frozen=True)
class Figure:
    """What the rounds of one server at one workload say."""

    server: str
    workload: str
    cpu_us: float
    least: float
    most: float
    rps: float
    p99_us: float
    errors: str


class Results:
    """The record of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record: dict[str, Any] = json.loads(path.read_text())
        self.figures = self._figures()

    def _figures(self) -> dict[tuple[str, str], Figure]:
        rounds: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in self.record["rounds"]:
            rounds.setdefault((row["workload"], row["server"]), []).append(row)
        figures = {}
        for (workload, server), rows in rounds.items():
            cpu = [row["cpu_us"] for row in rows]
            figures[workload, server] = Figure(
                server=server,
                workload=workload,
                cpu_us=statistics.median(cpu),
                least=min(cpu),
                most=max(cpu),
                rps=statistics.median(row["rps"] for row in rows),
                p99_us=statistics.median(row["p99_us"] for row in rows),
                errors="; ".join(sorted({row["errors"] for row in rows if row["errors"]})),
            )
        return figures

    def of(self, workload: str) -> list[Figure]:
        """Every server's figure at a workload, the cheapest first."""
        return sorted(
            (figure for figure in self.figures.values() if figure.workload == workload),
            key=lambda figure: figure.cpu_us,
        )

    def floor_ratio(self, figure: Figure) -> float | None:
        """A figure against that of the workload's yardstick, which is the floor mostly."""
        floor = self.figures.get((figure.workload, WORKLOADS[figure.workload].yardstick))
        return figure.cpu_us / floor.cpu_us if floor else None

    def above_floor(self, figure: Figure) -> float | None:
        """What a figure costs above the floor, in times of what orjson needs for the same answer."""
        floor = self.figures.get((figure.workload, "floor"))
        orjson = self.record.get("orjson_us", {}).get(figure.workload)
        return (figure.cpu_us - floor.cpu_us) / orjson if floor and orjson else None

    def best_peer(self, workload: str) -> Figure | None:
        """The cheapest Python peer at a workload that answered without errors."""
        peers = [
            figure
            for figure in self.of(workload)
            if figure.server not in YARDSTICKS and not figure.server.startswith("covet") and not figure.errors
        ]
        return peers[0] if peers else None

    def reason(self, workload: str, server: str) -> str:
        """Why a server has no figure."""
        for entry in self.record["cannot"]:
            if entry["workload"] == workload and entry["server"] == server:
                return str(entry["reason"])
        return "not measured"

    @property
    def servers(self) -> list[str]:
        """The contestants in the order of their turns."""
        return list(dict.fromkeys(row["server"] for row in self.record["rounds"]))


def newest() -> Results | None:
    """The newest full run in `benches/results`."""
    found = sorted(RESULTS.glob("*-full.json"))
    return Results(found[-1]) if found else None
