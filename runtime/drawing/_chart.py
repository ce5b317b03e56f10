"""Charts of lines over axes, as SVG: what was measured, over time, by round or by share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import attrs

from ._markup import element, picture, text
from ._text import number, width_of

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560.0, 300.0, 62.0, 24.0, 58.0, 46.0
SMALL = 11

_LIGHT = ("#2f6fd6", "#c07a00", "#2e8b57", "#b3427e", "#7256c9")
_DARK = ("#6ba3ff", "#e0a33e", "#5fc48f", "#e585b8", "#a993f5")


@attrs.frozen
class Series:
    """Points from left to right, joined by a line; with `dots` each is marked too."""

    name: str
    points: Sequence[tuple[float, float]]
    dots: bool = False


@attrs.frozen
class Axis:
    """What is along it. A `log` axis shows what is above 0 only.

    Without `most`, a linear one ends at the round value above the values.
    """

    name: str
    scale: Literal["linear", "log"] = "linear"
    least: float | None = None
    most: float | None = None


@attrs.frozen
class Mark:
    """A line across the chart at a value of the x axis, or with `across` of the y axis."""

    name: str
    value: float
    across: bool = False


def draw_chart(
    series: Sequence[Series], *, title: str, x: Axis, y: Axis, marks: Sequence[Mark] = ()
) -> str:
    """Draw up to five series as a self-contained SVG document, for light and dark pages."""
    points = [point for each in series for point in each.points]
    across = [mark.value for mark in marks if mark.across]
    along = [mark.value for mark in marks if not mark.across]
    chart = _Chart(
        series,
        title,
        marks,
        _Scale.of(x, [px for px, _ in points] + along, LEFT, WIDTH - RIGHT),
        _Scale.of(y, [py for _, py in points] + across, HEIGHT - BOTTOM, TOP),
    )
    return picture(WIDTH, HEIGHT, 0, _style(), title, _content(chart))


@attrs.frozen
class _Scale:
    """From the values of an axis to places on the picture."""

    axis: Axis
    least: float
    most: float
    begin: float
    end: float

    @classmethod
    def of(cls, axis: Axis, values: Sequence[float], begin: float, end: float) -> _Scale:
        shown = [value for value in values if axis.scale == "linear" or value > 0]
        least = min(shown, default=1.0) if axis.least is None else axis.least
        most = max(shown, default=least) if axis.most is None else axis.most
        if axis.scale == "log":
            least, most = least * 0.8, max(most, least * 1.01) * 1.25
            return cls(axis, least, most, begin, end)
        most = most if most > least else least + 1.0
        if axis.most is None:
            step = _step(least, most)
            most = step * math.ceil(most / step - 1e-9)
        return cls(axis, least, most, begin, end)

    def at(self, value: float) -> float:
        """Where a value is, within the picture."""
        value = min(self.most, max(self.least, value))
        if self.axis.scale == "log":
            share = math.log(value / self.least) / math.log(self.most / self.least)
        else:
            share = (value - self.least) / (self.most - self.least)
        return self.begin + (self.end - self.begin) * share

    def ticks(self) -> list[float]:
        """Round values along it."""
        return list(_decades(self.least, self.most) if self.axis.scale == "log" else self._even())

    def _even(self) -> Iterator[float]:
        step = _step(self.least, self.most)
        first = math.ceil(self.least / step - 1e-9)
        for count in range(first, math.floor(self.most / step + 1e-9) + 1):
            yield round(count * step, 9)


def _step(least: float, most: float) -> float:
    """A round number of which about six fit in between."""
    rough = (most - least) / 6
    magnitude = 10.0 ** math.floor(math.log10(rough))
    return next(magnitude * by for by in (1, 2, 5, 10) if magnitude * by >= rough * 0.999)


def _decades(least: float, most: float) -> Iterator[float]:
    """1, 2 and 5 times the powers of ten, or the powers only where there are many."""
    low, high = math.floor(math.log10(least)), math.ceil(math.log10(most))
    for power in range(low, high + 1):
        for factor in (1, 2, 5) if high - low <= 2 else (1,):
            value = factor * 10.0**power
            if least <= value <= most:
                yield value


@attrs.frozen
class _Chart:
    series: Sequence[Series]
    title: str
    marks: Sequence[Mark]
    x: _Scale
    y: _Scale


def _content(chart: _Chart) -> Iterator[str]:
    yield element("text", text(chart.title), x=LEFT, y=22, class_="title")
    yield from _axes(chart)
    yield from _marks(chart)
    for colour, series in enumerate(chart.series):
        yield from _line(chart, series, f"s{colour}")
    yield from _legend(chart)


def _axes(chart: _Chart) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for tick in chart.x.ticks():
        x = chart.x.at(tick)
        yield element("path", d=f"M{number(x)} {number(TOP)}V{number(bottom)}", class_="grid")
        words = f"{tick:,g}"
        yield element("text", words, x=x, y=bottom + 16, class_="words middle")
    for tick in chart.y.ticks():
        y = chart.y.at(tick)
        yield element("path", d=f"M{number(LEFT)} {number(y)}H{number(right)}", class_="grid")
        yield element("text", f"{tick:,g}", x=LEFT - 7, y=y + 4, class_="words end")
    name = text(chart.x.axis.name)
    yield element("text", name, x=(LEFT + right) / 2, y=HEIGHT - 10, class_="words middle")
    yield element("text", text(chart.y.axis.name), x=LEFT, y=TOP - 8, class_="words")


def _marks(chart: _Chart) -> Iterator[str]:
    for mark in chart.marks:
        if mark.across:
            y = chart.y.at(mark.value)
            line, place = f"M{number(LEFT)} {number(y)}H{number(WIDTH - RIGHT)}", (LEFT + 6, y - 4)
        else:
            x = chart.x.at(mark.value)
            line, place = f"M{number(x)} {number(TOP)}V{number(HEIGHT - BOTTOM)}", (x + 4, TOP + 12)
            if place[0] + width_of(mark.name, SMALL) > WIDTH:
                place = (x - 4 - width_of(mark.name, SMALL), place[1])
        yield element("path", d=line, class_="mark")
        yield element("text", text(mark.name), x=place[0], y=place[1], class_="words marked")


def _line(chart: _Chart, series: Series, colour: str) -> Iterator[str]:
    if not series.points:
        return
    places = [(chart.x.at(x), chart.y.at(y)) for x, y in series.points]
    path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in places)
    yield element("path", d=path, class_=f"line {colour}")
    for (x, y), (at, value) in zip(places, series.points, strict=True):
        if series.dots:
            hint = element("title", text(f"{series.name}, {at:g}: {value:.4g}"))
            yield element("circle", hint, cx=x, cy=y, r=3, class_=f"dot {colour}")


def _legend(chart: _Chart) -> Iterator[str]:
    """The names of the series, at the top right; none if there is but one."""
    x = WIDTH - RIGHT
    for colour, series in reversed(list(enumerate(chart.series))):
        if len(chart.series) > 1:
            x -= width_of(series.name, SMALL) + 24
            yield element("path", d=f"M{number(x)} {TOP - 12}h14", class_=f"line s{colour}")
            yield element("text", text(series.name), x=x + 18, y=TOP - 8, class_="words")


def _style() -> str:
    return "".join(
        [
            f".title{{font-size:14px;font-weight:600}}.words{{font-size:{SMALL}px}}",
            ".middle{text-anchor:middle}.end{text-anchor:end}.grid{stroke-width:1;fill:none}",
            ".line{fill:none;stroke-width:1.8;stroke-linejoin:round}",
            ".mark{fill:none;stroke-width:1.2;stroke-dasharray:4 3}",
            *_palette(_LIGHT, "#ffffff", "#1f2328", "#59636e", "#eaeef2", "#cf222e"),
            "@media(prefers-color-scheme:dark){",
            *_palette(_DARK, "#0d1117", "#f0f3f6", "#9aa4af", "#262c34", "#ff7b72"),
            "}",
        ]
    )


def _palette(
    lines: Sequence[str], paper: str, ink: str, words: str, grid: str, mark: str
) -> Iterator[str]:
    yield f".paper{{fill:{paper}}}.title{{fill:{ink}}}.words{{fill:{words}}}"
    yield f".grid{{stroke:{grid}}}.mark{{stroke:{mark}}}.marked{{fill:{mark}}}"
    for colour, stroke in enumerate(lines):
        yield f".line.s{colour}{{stroke:{stroke}}}.dot.s{colour}{{fill:{stroke}}}"
