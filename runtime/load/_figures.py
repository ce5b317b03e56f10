"""What is measured of executions: distributions by exact quantiles, and figures by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import attrs
import msgspec


class Spread(msgspec.Struct, frozen=True):
    """How lengths of time are distributed, in seconds.

    A percentile is the least of them that so many in a hundred do not exceed (nearest rank): one of
    the values themselves, nothing interpolated.
    """

    count: int
    average: float
    p50: float
    p95: float
    p99: float
    maximum: float


def spread_of(values: Sequence[float]) -> Spread | None:
    """The distribution of some values; None if there are none."""
    if not values:
        return None
    ordered = sorted(values)
    return Spread(
        count=len(ordered),
        average=math.fsum(ordered) / len(ordered),
        p50=quantile(ordered, 0.50),
        p95=quantile(ordered, 0.95),
        p99=quantile(ordered, 0.99),
        maximum=ordered[-1],
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The least value that this share (0 to 1) of all does not exceed; they are in order."""
    # A share such as 0.95 of 20 is 19, and must not become 20 by the last bit of the product.
    return ordered[max(0, math.ceil(round(share * len(ordered), 9)) - 1)]


class Figures(msgspec.Struct, frozen=True):
    """What a round came to, or all rounds of a scenario together.

    `executions` were asked for; of these `failed` ended in another state than completed, and
    `refused` were not admitted. `seconds` are from the first spawn (with a rate: the first arrival)
    to the last end, `cpu_seconds` those of all threads of the process meanwhile. `durations` are of
    all that ended, in whatever state. `pauses` and `resumes` are from a request to its answer.
    `peak_memory` is the largest resident size of the process that was seen, in bytes, and 0 where
    the system does not tell. `cache_hit_rate` is that of the runtime's caches, None if nothing was
    looked up; `commit_seconds` is how long the store was committing, None without one.
    """

    executions: int
    failed: int
    refused: int
    seconds: float
    cpu_seconds: float
    durations: Spread | None
    pauses: Spread | None = None
    resumes: Spread | None = None
    peak_memory: int = 0
    cache_hit_rate: float | None = None
    commit_seconds: float | None = None

    @property
    def throughput(self) -> float | None:
        """Executions that ended, a second; None if no time has passed."""
        return (self.executions - self.refused) / self.seconds if self.seconds > 0 else None

    @property
    def error_rate(self) -> float:
        """The share that did not complete, from 0 to 1."""
        return (self.failed + self.refused) / self.executions

    @property
    def cpu_per_execution(self) -> float:
        """Seconds of processor time for each execution."""
        return self.cpu_seconds / self.executions


Better = Literal["less", "more"]
Reader = Callable[[Figures], float | None]


@attrs.frozen
class Figure:
    """One figure that can be aimed at and compared: its unit, and which way is better.

    `least_change` is the change that is worth telling: relative, or absolute for a `share`.
    """

    words: str
    unit: Literal["s", "/s", "share"]
    better: Better
    of: Reader = attrs.field(repr=False)
    least_change: float = 0.10

    def shown(self, value: float) -> str:
        """A value of it for people."""
        if self.unit == "share":
            return f"{value:.4g}"
        return f"{value:,.0f}/s" if self.unit == "/s" else milliseconds(value)


def milliseconds(seconds: float) -> str:
    """A time at three digits, in milliseconds or, where that is little, in microseconds."""
    value = seconds * 1e3
    if 0 < value < 0.1:
        return f"{value * 1e3:.3g} µs"
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def _duration(read: Callable[[Spread], float]) -> Reader:
    return lambda figures: None if figures.durations is None else read(figures.durations)


FIGURES: Mapping[str, Figure] = {
    "average": Figure("average duration", "s", "less", _duration(lambda d: d.average)),
    "p50": Figure("median duration", "s", "less", _duration(lambda d: d.p50)),
    "p95": Figure("p95 duration", "s", "less", _duration(lambda d: d.p95)),
    "p99": Figure("p99 duration", "s", "less", _duration(lambda d: d.p99)),
    "max": Figure("longest duration", "s", "less", _duration(lambda d: d.maximum)),
    "pause": Figure(
        "longest pause", "s", "less", lambda f: None if f.pauses is None else f.pauses.maximum
    ),
    "resume": Figure(
        "longest resume", "s", "less", lambda f: None if f.resumes is None else f.resumes.maximum
    ),
    "throughput": Figure("throughput", "/s", "more", lambda f: f.throughput),
    "completed": Figure("share completed", "share", "more", lambda f: 1 - f.error_rate, 0.01),
    "cpu": Figure("CPU an execution", "s", "less", lambda f: f.cpu_per_execution),
}
"""By the names that targets give them. Times are in seconds."""
