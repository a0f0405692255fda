"""Bar charts as SVG, written by hand: no library, the same bytes for the same figures, readable on light and dark."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

WIDTH, LABEL, VALUE, ROW, TOP = 760, 170, 110, 24, 40
COLOURS = {"covet": "#d9480f", "floor": "#868e96", "nginx": "#868e96", "go net/http": "#868e96"}
OTHER = "#4c6ef5"
STYLE = "text{font:13px system-ui,sans-serif;fill:#343a40}.t{font-weight:600;font-size:14px}@media(prefers-color-scheme:dark){text{fill:#dee2e6}}"


@dataclass(frozen=True)
class Bar:
    """One bar: its name, its length's value, the text at its end, and the ends of its spread."""

    name: str
    value: float
    text: str
    least: float | None = None
    most: float | None = None


def bar_chart(title: str, bars: list[Bar]) -> str:
    """Horizontal bars, one below the other, with a whisker for the spread."""
    height = TOP + ROW * len(bars) + 12
    longest = max((bar.most or bar.value for bar in bars), default=1.0) or 1.0
    room = WIDTH - LABEL - VALUE

    def x(value: float) -> str:
        return f"{LABEL + value / longest * room:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<text class="t" x="8" y="22">{escape(title)}</text>',
    ]
    for index, bar in enumerate(bars):
        top = TOP + index * ROW
        middle = top + 9
        colour = COLOURS.get(bar.name.partition(",")[0], OTHER)
        parts.append(f'<text x="{LABEL - 8}" y="{top + 13}" text-anchor="end">{escape(bar.name)}</text>')
        parts.append(
            f'<rect x="{LABEL}" y="{top}" width="{max(1.0, bar.value / longest * room):.1f}" height="18" rx="2" fill="{colour}"/>'
        )
        if bar.least is not None and bar.most is not None:
            parts.append(f'<path d="M{x(bar.least)} {middle}H{x(bar.most)}" stroke="#212529" stroke-width="1.5"/>')
        end = x(max(bar.value, bar.most or 0.0))
        parts.append(f'<text x="{float(end) + 6:.1f}" y="{top + 13}">{escape(bar.text)}</text>')
    return "\n".join([*parts, "</svg>", ""])
