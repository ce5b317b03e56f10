"""Alerts: when figures of a runtime are to be told about. Pure; `_alerting` has it done."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Literal, get_args

import attrs

from ..supervision import FINITE_LENGTH, FINITE_SECONDS, FROM_0, TEXT, choice, number, whole
from ._metrics import PerformanceMetrics

Condition = Literal[
    "error_rate", "p95_duration", "queue_length", "queue_growth", "breakers_open", "store_lag"
]
POINTS = 60
"""Snapshots that are kept for a window, at most."""


def _is_below(alert: Alert, field: attrs.Attribute[float | None], value: object) -> None:
    above = alert.above
    number(f"a number from 0 to {above}", lambda it: 0 <= it <= above).or_none(alert, field, value)


@attrs.frozen(kw_only=True)
class Alert:
    """Something to be told of: `condition` has been above `above` for `for_seconds`.

    It is over when the value is not above `clears_at` any more, which is `above` or less (None:
    half of it). What cannot be measured at the moment begins and ends nothing.

    Conditions, over the latest `window` seconds: `error_rate` (the share of executions that failed
    or timed out, of at least `minimum` that ended), `p95_duration` (seconds, of at least `minimum`
    that ended), `queue_growth` (executions and attempts a second by which the queues grew). At the
    moment: `queue_length` (executions and attempts that wait), `breakers_open` (how many are open
    or isolated), `store_lag` (seconds for which nothing of what waits was stored).

    `call` is called with the `AlertChange` when it is raised and when it is over, in the trio
    thread, and awaited if it is asynchronous; what it raises is logged. Raises `UnfitField`.
    """

    name: str = attrs.field(validator=TEXT)
    condition: Condition = attrs.field(validator=choice(*get_args(Condition)))
    above: float = attrs.field(validator=FROM_0)
    clears_at: float | None = attrs.field(default=None, validator=_is_below)
    for_seconds: float = attrs.field(default=0.0, validator=FINITE_SECONDS)
    window: float = attrs.field(default=60.0, validator=FINITE_LENGTH)
    minimum: int = attrs.field(default=1, validator=whole(1))
    call: Callable[[AlertChange], Awaitable[None] | None] | None = attrs.field(
        default=None, eq=False, repr=False
    )

    @property
    def calm_at(self) -> float:
        """At which value, or below, it is over."""
        return self.above / 2 if self.clears_at is None else self.clears_at


@attrs.frozen(kw_only=True)
class AlertChange:
    """An alert was raised, or is over. `at` is seconds on the runtime's clock."""

    alert: Alert
    state: Literal["raised", "cleared"]
    value: float
    at: float
    metrics: PerformanceMetrics = attrs.field(repr=False)


@attrs.frozen
class Calm:
    """All is well."""


@attrs.frozen
class Pending:
    """It has been above since then, but not for long enough."""

    since: float


@attrs.frozen
class Raised:
    """It was told of."""


Phase = Calm | Pending | Raised
CALM, RAISED = Calm(), Raised()


def next_phase(alert: Alert, phase: Phase, value: float | None, now: float) -> Phase:
    """What an alert comes to with a value (None: not known) at a time in seconds."""
    if isinstance(phase, Raised):
        return CALM if value is not None and value <= alert.calm_at else phase
    if value is None or value <= alert.above:
        return CALM
    since = phase.since if isinstance(phase, Pending) else now
    return RAISED if now - since >= alert.for_seconds else Pending(since)


class Past:
    """Snapshots of the latest `window` seconds, some of them, and the last one before that."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._kept: deque[PerformanceMetrics] = deque()

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, now: PerformanceMetrics) -> PerformanceMetrics | None:
        """Keep a snapshot; gives the one to compare it with, None if it is the first."""
        kept = self._kept
        while len(kept) > 1 and now.uptime - kept[1].uptime >= self._window:
            kept.popleft()
        before = kept[0] if kept else None
        if not kept or now.uptime - kept[-1].uptime >= self._window / POINTS:
            kept.append(now)
        return before


def value_of(
    alert: Alert, before: PerformanceMetrics | None, now: PerformanceMetrics
) -> float | None:
    """The value of an alert's condition, between two snapshots; None if it cannot be told."""
    return _MEASURES[alert.condition](alert, before, now)


Measure = Callable[[Alert, PerformanceMetrics | None, PerformanceMetrics], float | None]


def _error_rate(
    alert: Alert, before: PerformanceMetrics | None, now: PerformanceMetrics
) -> float | None:
    count, failures = now.execution_count, now.failure_count
    if before is not None:
        count, failures = count - before.execution_count, failures - before.failure_count
    return failures / count if count >= alert.minimum else None


def _p95(alert: Alert, before: PerformanceMetrics | None, now: PerformanceMetrics) -> float | None:
    durations = now.durations if before is None else now.durations.since(before.durations)
    return durations.quantile(0.95) if durations.count >= alert.minimum else None


def _growth(
    alert: Alert, before: PerformanceMetrics | None, now: PerformanceMetrics
) -> float | None:
    if before is None or now.uptime <= before.uptime:
        return None
    return (now.queue_length - before.queue_length) / (now.uptime - before.uptime)


def _length(alert: Alert, before: PerformanceMetrics | None, now: PerformanceMetrics) -> float:
    return now.queue_length


def _open(alert: Alert, before: PerformanceMetrics | None, now: PerformanceMetrics) -> float:
    return sum(group.breaker in ("open", "isolated") for group in now.groups)


def _lag(alert: Alert, before: PerformanceMetrics | None, now: PerformanceMetrics) -> float | None:
    return None if now.store is None else now.store.lag


_MEASURES: dict[Condition, Measure] = {
    "error_rate": _error_rate,
    "p95_duration": _p95,
    "queue_length": _length,
    "queue_growth": _growth,
    "breakers_open": _open,
    "store_lag": _lag,
}
