"""Interleaved runs of two programs that do the same work, and what their times say."""

from __future__ import annotations

import gc
import random
import statistics
from collections.abc import Awaitable, Callable, Sequence

import attrs
import trio

Program = Callable[[], float]
"""Does the work once, sets up what it needs first, and gives the seconds that the work took."""


@attrs.frozen(kw_only=True)
class Row:
    """One figure: the median of ours, the median of the yardstick's, and the ratio of the two.

    `low` and `high` are the quartiles of the ratio over pairs of neighbouring runs; `bar` and
    `stretch` are what the ratio (or, without a yardstick, the figure) should not exceed.
    """

    case: str
    ours: float
    unit: str
    yardstick: float | None = None
    yardstick_name: str = ""
    low: float | None = None
    high: float | None = None
    bar: float | None = None
    stretch: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to the yardstick's."""
        return None if self.yardstick is None else self.ours / self.yardstick

    @property
    def verdict(self) -> str:
        """Whether the bar, or even the stretch, is met; empty if there is none."""
        figure = self.ours if self.ratio is None else self.ratio
        if self.bar is None:
            return ""
        if self.stretch is not None and figure <= self.stretch:
            return "stretch met"
        return "met" if figure <= self.bar else "missed"


def on_trio(work: Callable[..., Awaitable[float]], *arguments: object) -> Program:
    """A program that runs an asynchronous function on trio."""

    async def main() -> float:
        return await work(*arguments)

    def program() -> float:
        return trio.run(main)

    return program


def compare(ours: Program, yardstick: Program, rounds: int) -> tuple[list[float], list[float]]:
    """Times of both, run in pairs; which goes first is drawn anew for every pair."""
    order = random.Random(0)
    times: tuple[list[float], list[float]] = ([], [])
    ours()
    yardstick()
    for _ in range(rounds):
        pair = [(ours, times[0]), (yardstick, times[1])]
        order.shuffle(pair)
        for program, into in pair:
            gc.collect()
            into.append(program())
    return times


def row(
    case: str,
    times: tuple[Sequence[float], Sequence[float]],
    *,
    per: int,
    unit: str,
    scale: float,
    yardstick_name: str,
    bar: float | None = None,
    stretch: float | None = None,
) -> Row:
    """The figure behind compared times: medians for each of `per` pieces of work, times `scale`."""
    ours, yardstick = times
    ratios = [a / b for a, b in zip(ours, yardstick, strict=True)]
    quartiles = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else [ratios[0]] * 3
    return Row(
        case=case,
        ours=statistics.median(ours) / per * scale,
        unit=unit,
        yardstick=statistics.median(yardstick) / per * scale,
        yardstick_name=yardstick_name,
        low=quartiles[0],
        high=quartiles[2],
        bar=bar,
        stretch=stretch,
    )
