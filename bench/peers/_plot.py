"""Comparisons as a picture: a dot for each median, on a logarithmic scale, a line for its range."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import attrs

from ._figures import Comparison, Line, readable

WIDTH, LEFT, RIGHT = 860, 280, 160
ROW, HEADING, GAP, AXIS = 22, 28, 14, 34
STYLE = (
    "text{fill:#444}.title{font-weight:bold}.grid{stroke:#8884}"
    ".ours{fill:#2f6fb0;stroke:#2f6fb0}.peer{fill:#c0662b;stroke:#c0662b}"
    ".yardstick{fill:#888;stroke:#888}path.range{stroke-width:4;opacity:.4}circle{stroke:none}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}}"
)


@attrs.frozen
class Scale:
    """Microseconds to a place, by powers of ten."""

    first: int
    last: int

    def at(self, microseconds: float) -> float:
        """Where a time is, from the left."""
        share = (math.log10(microseconds) - self.first) / (self.last - self.first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)


def plot(found: Sequence[Comparison]) -> str:
    """All of them below each other on one scale, as SVG."""
    scale = _scale(found)
    parts: list[str] = []
    top = 0.0
    for comparison in found:
        parts.append(f'<text class="title" x="8" y="{top + 18:.0f}">{_title(comparison)}</text>')
        top += HEADING
        for line in comparison.lines:
            parts.append(_dot(line, scale, top + ROW / 2))
            top += ROW
        top += GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + AXIS:.0f}"'
        f' font-family="sans-serif" font-size="12"><style>{STYLE}</style>'
        f"{_grid(scale, top)}{''.join(parts)}</svg>\n"
    )


def _title(found: Comparison) -> str:
    return html.escape(f"{found.work.title}: µs a {found.work.unit}")


def _scale(found: Sequence[Comparison]) -> Scale:
    spreads = [line.microseconds for comparison in found for line in comparison.lines]
    low = min((spread.low for spread in spreads), default=1.0)
    high = max((spread.high for spread in spreads), default=1.0)
    first = math.floor(math.log10(low))
    return Scale(first, max(first + 1, math.ceil(math.log10(high))))


def _grid(scale: Scale, bottom: float) -> str:
    marks: list[str] = []
    for power in range(scale.first, scale.last + 1):
        x = scale.at(10.0**power)
        marks.append(f'<path class="grid" d="M{x:.1f} {HEADING}V{bottom:.0f}"/>')
        label = f"{10.0**power:,.10g} µs"
        marks.append(f'<text x="{x:.1f}" y="{bottom + 18:.0f}" text-anchor="middle">{label}</text>')
    return "".join(marks)


def _dot(line: Line, scale: Scale, y: float) -> str:
    times = line.microseconds
    low, at, high = map(scale.at, (times.low, times.median, times.high))
    ratio = "" if line.ratio is None else f" = {readable(line.ratio.median)} x ours"
    value = "" if line.role == "ours" else ratio
    return (
        f'<text x="{LEFT - 12}" y="{y + 4:.1f}" text-anchor="end">{html.escape(line.name)}</text>'
        f'<path class="range {line.role}" d="M{low:.1f} {y:.1f}H{high:.1f}"/>'
        f'<circle class="{line.role}" cx="{at:.1f}" cy="{y:.1f}" r="5"/>'
        f'<text x="{high + 10:.1f}" y="{y + 4:.1f}">{readable(times.median)}{value}</text>'
    )
