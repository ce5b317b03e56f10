"""What the runs say: a line for each peer, a verdict for each work."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import attrs

from ._peer import Peer, Role
from ._rounds import Run
from ._work import WORKS, Size, Work

OURS = ("processengine, side by side", "processengine")
"""The variant that the others are compared with: the first of these that does the work."""
ALONE = "processengine, one after another"
"""The variant that other engines are compared with if they run one execution after another too."""


@attrs.frozen
class Spread:
    """A median, and the least and the most of all rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of some values."""
        return cls(statistics.median(values), min(values), max(values))


@attrs.frozen(kw_only=True)
class Line:
    """The figures of one peer for a step.

    `ratio` is its time to ours, round by round; None if ours is missing. `alone` is that to ours
    one after another, for those that run so themselves. `bytes` is the median.
    """

    name: str
    role: Role
    size: Size
    microseconds: Spread
    bytes: float
    ratio: Spread | None
    alone: Spread | None
    versions: Mapping[str, str]


@attrs.frozen(kw_only=True)
class Comparison:
    """One work: a line for each peer, the fastest first."""

    work: Work
    lines: Sequence[Line]

    @property
    def fastest(self) -> Line | None:
        """The fastest peer; yardsticks and our own variants are none."""
        return next((line for line in self.lines if line.role == "peer"), None)

    @property
    def fastest_alone(self) -> Line | None:
        """The fastest peer that runs one execution after another; None if ours does not."""
        alone = (line for line in self.lines if line.role == "peer" and line.alone is not None)
        return next(alone, None)

    @property
    def verdict(self) -> str:
        """Whether the bar, or even the stretch, is met; empty if there is none, or no peer."""
        fastest = self.fastest
        if self.work.bar is None or fastest is None or fastest.ratio is None:
            return ""
        if self.work.stretch is not None and fastest.ratio.median >= self.work.stretch:
            return "stretch met"
        return "met" if fastest.ratio.median >= self.work.bar else "missed"


def readable(value: float) -> str:
    """Three digits, or all that are before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def comparisons(runs: Mapping[Peer, Sequence[Run]]) -> list[Comparison]:
    """A comparison for each work that was done, in their usual order."""
    done = {peer.work.name for peer in runs}
    return [_comparison(work, runs) for work in WORKS.values() if work.name in done]


def _comparison(work: Work, runs: Mapping[Peer, Sequence[Run]]) -> Comparison:
    these = {peer: its for peer, its in runs.items() if peer.work == work}
    by_name = {peer.name: its for peer, its in these.items()}
    ours = next((by_name[name] for name in OURS if name in by_name), None)
    alone = by_name.get(ALONE)
    lines = [
        _line(peer, its, ours, None if peer.is_side_by_side else alone)
        for peer, its in these.items()
    ]
    return Comparison(work=work, lines=sorted(lines, key=lambda line: line.microseconds.median))


def _line(
    peer: Peer, its: Sequence[Run], ours: Sequence[Run] | None, alone: Sequence[Run] | None
) -> Line:
    return Line(
        name=peer.name,
        role=peer.role,
        size=peer.size,
        microseconds=Spread.of([run.seconds * 1e6 for run in its]),
        bytes=statistics.median(run.bytes for run in its),
        ratio=None if ours is None else _ratio(its, ours),
        alone=None if alone is None else _ratio(its, alone),
        versions=its[0].versions,
    )


def _ratio(its: Sequence[Run], ours: Sequence[Run]) -> Spread:
    return Spread.of([run.seconds / our.seconds for run, our in zip(its, ours, strict=True)])
