"""Gantt charts as SVG: who worked when, in lanes, over a curve of how many did."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import attrs

from ._lanes import lanes_of, levels_of
from ._markup import element, picture, text
from ._text import number, shortened, width_of

WIDTH, MARGIN, LEFT = 1200.0, 24.0, 52.0
ALL_LANES, THINNEST, THICKEST = 1000.0, 3.0, 20.0
LEGEND_LINE, AXIS_ROOM, CURVE_HEIGHT = 18.0, 22.0, 64.0
WORDS_SIZE, SMALL = 10.5, 11

_LIGHT = (
    "#a8c5f5", "#f5d48f", "#b3dfc5", "#e9b6d0", "#cbbff1", "#f3bba4", "#a2d9e7", "#d9de9c",
    "#dac6b1", "#cdd2d8",
)  # fmt: skip
_DARK = (
    "#2f5597", "#8a6413", "#2c7a53", "#8a3f66", "#5b47a1", "#9a4a2a", "#1f7186", "#6c7320",
    "#75583a", "#57606a",
)  # fmt: skip
_MOST_GROUPS = len(_LIGHT) - 1
_OTHERS = "others"
_UNITS = ((1.0, 1000.0, "ms"), (180.0, 1.0, "s"), (10_800.0, 1 / 60, "min"))
_HOURS = (1 / 3600, "h")


@attrs.frozen
class Bar:
    """A span of time, in seconds from the beginning; bars of one `group` share a colour."""

    name: str
    begin: float
    end: float
    group: str = ""
    is_critical: bool = False
    has_failed: bool = False

    @property
    def span(self) -> tuple[float, float]:
        return self.begin, self.end


def draw_gantt(bars: Sequence[Bar], *, title: str, subtitle: str = "") -> str:
    """Draw bars as a self-contained SVG document; those that do not overlap share lanes."""
    chart = _Chart.of(bars, title, subtitle)
    return picture(WIDTH, chart.bottom, 0, _style(), title, _content(chart))


@attrs.frozen
class _Chart:
    """Bars with their lanes and colours, and the scale of time."""

    bars: Sequence[Bar]
    title: str
    subtitle: str
    lanes: Sequence[int]
    colours: Mapping[str, int]
    until: float

    @classmethod
    def of(cls, bars: Sequence[Bar], title: str, subtitle: str) -> _Chart:
        until = max((bar.end for bar in bars), default=0.0) or 1.0
        lanes = lanes_of([bar.span for bar in bars])
        return cls(bars, title, subtitle, lanes, _colours(bars), until)

    @property
    def thickness(self) -> float:
        """The height of a lane."""
        count = max(self.lanes, default=0) + 1
        return max(THINNEST, min(THICKEST, ALL_LANES / count))

    @property
    def top(self) -> float:
        """Where the lanes begin."""
        return 58 + LEGEND_LINE * len(self.legend()) + AXIS_ROOM

    @property
    def lanes_end(self) -> float:
        return self.top + self.thickness * (max(self.lanes, default=0) + 1)

    @property
    def bottom(self) -> float:
        return self.lanes_end + CURVE_HEIGHT + 2 * MARGIN

    def x(self, seconds: float) -> float:
        """Where a moment is."""
        return LEFT + (WIDTH - LEFT - MARGIN) * seconds / self.until

    def legend(self) -> list[list[tuple[str, float]]]:
        """Groups with their places, line by line; none if there is but one."""
        lines: list[list[tuple[str, float]]] = []
        x = math.inf
        for group in self.colours if len(self.colours) > 1 else ():
            width = width_of(shortened(group, 40), SMALL) + 34
            if x + width > WIDTH - MARGIN:
                lines.append([])
                x = LEFT
            lines[-1].append((group, x))
            x += width
        return lines


def _colours(bars: Sequence[Bar]) -> dict[str, int]:
    """A colour for each group in order of appearance; small groups beyond the last share one."""
    seconds: dict[str, float] = {}
    for bar in bars:
        seconds[bar.group] = seconds.get(bar.group, 0.0) + bar.end - bar.begin
    most = sorted(seconds, key=seconds.__getitem__, reverse=True)[:_MOST_GROUPS]
    colours = {group: colour for colour, group in enumerate(g for g in seconds if g in most)}
    return colours if len(seconds) == len(most) else {**colours, _OTHERS: _MOST_GROUPS}


def _content(chart: _Chart) -> Iterator[str]:
    yield element("text", text(chart.title), x=MARGIN, y=26, class_="title")
    yield element("text", text(chart.subtitle), x=MARGIN, y=45, class_="words")
    yield from _legend(chart)
    yield from _axis(chart)
    for bar, lane in zip(chart.bars, chart.lanes, strict=True):
        yield _bar(chart, bar, lane)
    yield from _curve(chart)


def _legend(chart: _Chart) -> Iterator[str]:
    for line, groups in enumerate(chart.legend()):
        y = 58 + LEGEND_LINE * line
        for group, x in groups:
            colour = f"bar c{chart.colours[group]}"
            yield element("rect", x=x, y=y, width=11, height=11, rx=2, class_=colour)
            words = text(shortened(group, 40))
            yield element("text", words, x=x + 16, y=y + 9.5, class_="words")


def _axis(chart: _Chart) -> Iterator[str]:
    scale, unit = next(((s, u) for limit, s, u in _UNITS if chart.until <= limit), _HOURS)
    for tick in _ticks(chart.until * scale):
        x = chart.x(tick / scale)
        line = f"M{number(x)} {number(chart.top - 4)}V{number(chart.bottom - MARGIN)}"
        yield element("path", d=line, class_="grid")
        words = f"{tick:g} {unit}"
        yield element("text", words, x=x, y=chart.top - 9, class_="words middle")


def _ticks(until: float) -> Iterator[float]:
    """Up to a dozen round numbers from 0."""
    rough = until / 10
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor >= rough)
    for count in range(int(until / step + 1e-9) + 1):
        yield round(count * step, 9)


def _bar(chart: _Chart, bar: Bar, lane: int) -> str:
    x, y = chart.x(bar.begin), chart.top + lane * chart.thickness
    width = max(0.8, chart.x(bar.end) - x)
    height = chart.thickness * 0.86
    colour = chart.colours.get(bar.group, _MOST_GROUPS)
    marks = " critical" * bar.is_critical + " failed" * bar.has_failed
    hint = f"{bar.name}\n{bar.begin:g} s to {bar.end:g} s: {bar.end - bar.begin:g} s"
    shape = element(
        "rect", element("title", text(hint)), x=x, y=y, width=width, height=height,
        rx=min(2.5, height / 4, width / 2), class_=f"bar c{colour}{marks}",
    )  # fmt: skip
    return shape + _name(bar.name, x, y + height / 2, width, height)


def _name(name: str, x: float, middle: float, width: float, height: float) -> str:
    """A bar's name, or as much of it as is worth showing in the room there is."""
    most = int(len(name) * (width - 9) / width_of(name, WORDS_SIZE)) if name else 0
    if height < WORDS_SIZE or most < min(6, len(name)):
        return ""
    words = text(shortened(name, most))
    return element("text", words, x=x + 4, y=middle + 3.7, class_="name")


def _curve(chart: _Chart) -> Iterator[str]:
    """How many bars there are at once, over time."""
    levels = list(levels_of([bar.span for bar in chart.bars]))
    peak = max((level for _, level in levels), default=0) or 1
    base = chart.lanes_end + MARGIN + CURVE_HEIGHT
    steps = "".join(
        f"H{number(chart.x(at))}V{number(base - CURVE_HEIGHT * level / peak)}"
        for at, level in levels
    )
    begin = f"{number(chart.x(0))} {number(base)}"
    yield element("path", d=f"M{begin}{steps}V{number(base)}Z", class_="curve")
    for level in (0, peak):
        y = base - CURVE_HEIGHT * level / peak
        yield element("text", str(level), x=LEFT - 6, y=y + 4, class_="words end")


def _style() -> str:
    return "".join(
        [
            ".title{font-size:15px;font-weight:600}",
            f".words{{font-size:{SMALL}px}}.name{{font-size:{WORDS_SIZE}px}}",
            ".name{pointer-events:none}.middle{text-anchor:middle}.end{text-anchor:end}",
            ".grid{stroke-width:1}.critical{stroke-width:2}",
            *_palette(_LIGHT, "#ffffff", "#1f2328", "#59636e", "#eaeef2", "#cf222e", "#ffb8b0"),
            "@media(prefers-color-scheme:dark){",
            *_palette(_DARK, "#0d1117", "#f0f3f6", "#9aa4af", "#262c34", "#ff7b72", "#8e1519"),
            "}",
        ]
    )


def _palette(
    groups: Sequence[str], paper: str, ink: str, words: str, grid: str, critical: str, failed: str
) -> Iterator[str]:
    yield f".paper{{fill:{paper}}}.title,.name{{fill:{ink}}}.words{{fill:{words}}}"
    yield f".grid{{stroke:{grid}}}.curve{{fill:{groups[0]};opacity:.8}}"
    for colour, fill in enumerate(groups):
        yield f".c{colour}{{fill:{fill}}}"
    yield f".critical{{stroke:{critical}}}.bar.failed{{fill:{failed}}}"
