"""Which metrics there are: name, type, unit, labels, and where each is in a snapshot.

Names and units as Prometheus wants them: base units, `_total` for what only grows.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, get_args

import attrs

from .._metrics import PerformanceMetrics
from ..execution import EndState, State
from ..metrics import EMPTY, Histogram
from ._labels import Labels

MEGABYTE = 1024 * 1024
END_STATES: tuple[str, ...] = get_args(EndState)
LIVE_STATES = tuple(state for state in get_args(State) if state not in (*END_STATES, "parked"))
BREAKER_STATES = ("closed", "open", "half_open", "isolated", "disabled")


def _scale(lowest: int, highest: int) -> tuple[float, ...]:
    powers = range(lowest, highest)
    return tuple(float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5))


DURATION_BUCKETS = _scale(-3, 5)
"""From a millisecond to 14 hours."""

COMMIT_BUCKETS = _scale(-4, 1)
"""From 0.1 ms to 5 s."""

LabelValues = tuple[str, ...]
Values = Mapping[LabelValues, float]
Histograms = Mapping[LabelValues, Histogram]


@attrs.frozen(kw_only=True)
class View:
    """A snapshot to be exposed, and the labels that may be used."""

    metrics: PerformanceMetrics
    definitions: Labels
    groups: Labels


@attrs.frozen
class Family:
    """One metric. `read` gives its values by the values of its `labels`; `buckets` in seconds."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...]
    read: Callable[[View], Values | Histograms]
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its time series."""
        if self.kind == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return (self.name,)


def _sums(pairs: Iterable[tuple[LabelValues, float]]) -> Values:
    """Values by label; those that share one are added."""
    sums: Counter[LabelValues] = Counter()
    for labels, value in pairs:
        sums[labels] += value  # type: ignore[assignment]  # a Counter adds floats just as well
    return sums


def _one(read: Callable[[PerformanceMetrics], float]) -> Callable[[View], Values]:
    return lambda view: {(): read(view.metrics)}


def _executions(view: View) -> Values:
    return _sums(
        ((view.definitions.of(each.definition), state), each.executions.get(state, 0))
        for each in view.metrics.definitions
        for state in END_STATES
    )


def _steps(view: View) -> Values:
    return _sums(
        ((view.definitions.of(each.definition),), each.steps) for each in view.metrics.definitions
    )


def _durations(view: View) -> Histograms:
    found: dict[LabelValues, Histogram] = {}
    for each in view.metrics.definitions:
        label = (view.definitions.of(each.definition),)
        found[label] = found.get(label, EMPTY) + each.durations
    return found


def _live(view: View) -> Values:
    return {(state,): view.metrics.live.get(state, 0) for state in LIVE_STATES}


def _attempts(view: View) -> Values:
    groups = view.metrics.groups
    return _sums(
        ((view.groups.of(group.name), state), count)
        for group in groups
        for state, count in (
            ("running", group.running),
            ("queued", group.queued),
            ("parked", group.parked),
        )
    )


def _breakers(view: View) -> Values:
    guarded = [group for group in view.metrics.groups if group.breaker is not None]
    return _sums(
        ((view.groups.of(group.name), state), float(group.breaker == state))
        for group, state in itertools.product(guarded, BREAKER_STATES)
    )


def _budget_refusals(view: View) -> Values:
    return _sums(
        ((view.groups.of(each.name),), each.retries_refused) for each in view.metrics.groups
    )


def _dead_letters(view: View) -> Values:
    return {(reason,): count for reason, count in view.metrics.dead_letters.items()}


def _store(name: str) -> Callable[[View], Values]:
    def read(view: View) -> Values:
        store = view.metrics.store
        return {} if store is None else {(): getattr(store, name)}

    return read


def _commit_durations(view: View) -> Histograms:
    store = view.metrics.store
    return {} if store is None else {(): store.commit_durations}


def _cache(name: str) -> Callable[[View], Values]:
    def read(view: View) -> Values:
        return {(cache,): getattr(each, name) for cache, each in view.metrics.caches.items()}

    return read


def _counter(
    name: str, help: str, read: Callable[[View], Values], labels: tuple[str, ...] = ()
) -> Family:
    return Family(f"processengine_{name}_total", "counter", help, labels, read)


def _gauge(
    name: str, help: str, read: Callable[[View], Values], labels: tuple[str, ...] = ()
) -> Family:
    return Family(f"processengine_{name}", "gauge", help, labels, read)


def _histogram(
    name: str,
    help: str,
    read: Callable[[View], Histograms],
    labels: tuple[str, ...],
    buckets: tuple[float, ...],
) -> Family:
    return Family(f"processengine_{name}", "histogram", help, labels, read, buckets)


FAMILIES: tuple[Family, ...] = (
    _counter("executions", "Executions that have ended.", _executions, ("definition", "state")),
    _histogram(
        "execution_duration_seconds",
        "From spawn to end of an execution.",
        _durations,
        ("definition",),
        DURATION_BUCKETS,
    ),
    _counter("steps", "Steps taken by executions that have ended.", _steps, ("definition",)),
    _gauge("live_executions", "Executions in memory, by state.", _live, ("state",)),
    _gauge(
        "queued_executions", "Executions that wait to begin.", _one(lambda m: m.queued_executions)
    ),
    _gauge("sleeping_executions", "Executions in the store only.", _one(lambda m: m.sleeping)),
    _gauge(
        "parked_executions",
        "Executions that cannot be run here.",
        _one(lambda m: m.parked_executions),
    ),
    _counter(
        "refused_executions", "Spawns for want of room.", _one(lambda m: m.refused_executions)
    ),
    _counter(
        "attempt_failures",
        "Attempts that failed or timed out.",
        _one(lambda m: m.failed_attempts),
    ),
    _counter("attempt_retries", "Attempts that followed a failed one.", _one(lambda m: m.retries)),
    _gauge("attempts", "Attempts that are not over, by state.", _attempts, ("group", "state")),
    _gauge("breakers", "Circuit breakers in a state.", _breakers, ("group", "state")),
    _counter(
        "budget_refusals",
        "Retries that the budget of a group did not allow.",
        _budget_refusals,
        ("group",),
    ),
    _gauge("mailbox_messages", "Messages that wait.", _one(lambda m: m.mailbox_depth)),
    _counter("dead_letters", "Messages that nobody took.", _dead_letters, ("reason",)),
    _histogram("store_commit_duration_seconds", "A commit.", _commit_durations, (), COMMIT_BUCKETS),
    _counter("store_records", "Records that were stored.", _store("records")),
    _gauge("store_pending_turns", "Turns that wait to be durable.", _store("pending")),
    _gauge("store_lag_seconds", "For how long nothing of what waits was stored.", _store("lag")),
    _counter("store_failures", "Commits that the store could not make.", _store("failures")),
    _counter("cache_hits", "Look-ups that found something.", _cache("hits"), ("cache",)),
    _counter("cache_misses", "Look-ups that found nothing.", _cache("misses"), ("cache",)),
    _counter("cache_evictions", "Entries pushed out.", _cache("evictions"), ("cache",)),
    _counter("cache_expirations", "Entries grown too old.", _cache("expirations"), ("cache",)),
    _gauge("cache_entries", "Entries that are held.", _cache("size"), ("cache",)),
    _gauge(
        "resident_memory_bytes",
        "Memory of the Python process.",
        _one(lambda m: m.memory_usage_mb * MEGABYTE),
    ),
    _gauge("uptime_seconds", "Since the runtime was opened.", _one(lambda m: m.uptime)),
)
