"""A runtime in numbers: one snapshot of what it has done and of what it is doing."""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from ._cache import CacheStatistics
from ._caches import CacheName
from ._group_handle import GroupStatus, group_status
from ._resident import resident_bytes
from .execution import State
from .metrics import EMPTY, DefinitionMetrics, Histogram, StoreMetrics

if TYPE_CHECKING:
    from ._core import Core

MEGABYTE = 1024 * 1024


@attrs.frozen(kw_only=True)
class PerformanceMetrics:
    """A runtime at one moment. What is counted is counted since it was opened, and never reset.

    For the figures of a span of time, take a snapshot at both its ends and compare: `since` gives
    what is distributed in between, other counts are subtracted.

    From the specification: `execution_count` (those that have ended; children and recovered ones
    too), `average_duration_ms` and `max_duration_ms` (from spawn to end), `failure_count` (those
    that ended `failed` or `timed_out`), `error_rate` (their share, 0 to 1), `memory_usage_mb` (of
    the whole Python process, in units of 1024 * 1024 bytes), `cache_hit_rate` (0 to 1; 0 before
    the first look-up).

    Our own, of executions: `executions` counts those that have ended by end state, `live` those in
    memory by their present state, `durations` is how long they took in seconds, `definitions` tells
    the same for each definition. `sleeping` are only in the store, `parked_executions` cannot be
    run here, `refused_executions` found no room.

    Of attempts: `steps` were taken by the executions that have ended, over their whole life; with
    `retries` (attempts that followed a failed one by themselves) they make `attempts`, all tries of
    nodes. `failed_attempts` failed or timed out. Now `running_attempts` have a worker,
    `queued_attempts` wait for one, `parked_attempts` until the guards of their group let them go.

    Of queues: `queued_executions` wait to begin, `mailbox_depth` messages for their turn,
    `queue_length` is both kinds of waiting work: executions to begin and attempts to be made.
    `dead_letters` counts by reason. `groups` are the node groups, `store` is None without one.
    `at` is when it was taken (the runtime's clock), `uptime` seconds after the opening.
    """

    at: float
    uptime: float
    executions: Mapping[str, int]
    live: Mapping[State, int]
    durations: Histogram = attrs.field(repr=False)
    definitions: tuple[DefinitionMetrics, ...] = attrs.field(repr=False)
    steps: int
    failed_attempts: int
    retries: int
    running_attempts: int
    queued_attempts: int
    parked_attempts: int
    queued_executions: int
    refused_executions: int
    sleeping: int
    parked_executions: int
    mailbox_depth: int
    dead_letters: Mapping[str, int]
    groups: tuple[GroupStatus, ...] = attrs.field(repr=False)
    store: StoreMetrics | None
    memory_usage_mb: float
    caches: Mapping[CacheName, CacheStatistics] = attrs.field(repr=False)

    @property
    def execution_count(self) -> int:
        """How many executions have ended."""
        return sum(self.executions.values())

    @property
    def failure_count(self) -> int:
        """How many ended `failed` or `timed_out`."""
        return self.executions.get("failed", 0) + self.executions.get("timed_out", 0)

    @property
    def error_rate(self) -> float:
        """The share of failures among those that have ended, 0 to 1."""
        count = self.execution_count
        return self.failure_count / count if count else 0.0

    @property
    def average_duration_ms(self) -> float:
        """Milliseconds from spawn to end, on average."""
        return self.durations.mean * 1000.0

    @property
    def max_duration_ms(self) -> float:
        """Milliseconds from spawn to end, at most."""
        return self.durations.maximum * 1000.0

    def duration_ms(self, share: float) -> float:
        """Milliseconds that this share (0 to 1) of all executions did not exceed."""
        return self.durations.quantile(share) * 1000.0

    @property
    def p50_duration_ms(self) -> float:
        """The median of the durations, in milliseconds."""
        return self.duration_ms(0.5)

    @property
    def p95_duration_ms(self) -> float:
        """Milliseconds that 95% did not exceed."""
        return self.duration_ms(0.95)

    @property
    def p99_duration_ms(self) -> float:
        """Milliseconds that 99% did not exceed."""
        return self.duration_ms(0.99)

    @property
    def attempts(self) -> int:
        """Tries of nodes: a first one for each step, and the retries."""
        return self.steps + self.retries

    @property
    def queue_length(self) -> int:
        """What waits for its turn to begin: executions, and attempts."""
        return self.queued_executions + self.queued_attempts

    @property
    def cache_hit_rate(self) -> float:
        """The share of look-ups in `caches` that found something, 0 to 1."""
        hits = sum(cache.hits for cache in self.caches.values())
        lookups = hits + sum(cache.misses for cache in self.caches.values())
        return hits / lookups if lookups else 0.0


def metrics_of(core: Core) -> PerformanceMetrics:
    """Look at a runtime; may be called from any thread.

    It takes time for each live execution (0.3 µs) and each group, and nothing from what runs.
    """
    definitions = core.counts.metrics()
    groups = list(core.groups)
    now = core.clock()
    statuses = tuple(group_status(group, now) for group in groups)
    store = core.store
    return PerformanceMetrics(
        at=now,
        uptime=core.uptime(),
        executions=_ended(definitions),
        live=Counter(each.shown_state for each in list(core.live.values())),
        durations=functools.reduce(operator.add, (each.durations for each in definitions), EMPTY),
        definitions=definitions,
        steps=sum(each.steps for each in definitions),
        failed_attempts=core.attempts.failed,
        retries=core.attempts.retried,
        running_attempts=sum(status.running for status in statuses),
        queued_attempts=sum(status.queued for status in statuses),
        parked_attempts=sum(status.parked for status in statuses),
        queued_executions=core.lifecycle.admission.queued,
        refused_executions=core.lifecycle.admission.refused,
        sleeping=0 if store is None else len(store.asleep),
        parked_executions=0 if store is None else len(store.parked),
        mailbox_depth=core.delivery.depth,
        dead_letters=core.delivery.dead_letters.counts,
        groups=statuses,
        store=None if store is None else store.journal.writer.metrics(),
        memory_usage_mb=resident_bytes() / MEGABYTE,
        caches=core.caches.statistics(),
    )


def _ended(definitions: tuple[DefinitionMetrics, ...]) -> Mapping[str, int]:
    ended: Counter[str] = Counter()
    for each in definitions:
        ended.update(each.executions)
    return ended
