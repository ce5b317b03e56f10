"""What is counted where turns are stored."""

from __future__ import annotations

import attrs

from ._histogram import Histogram, Recorder


@attrs.frozen(kw_only=True)
class StoreMetrics:
    """A journal at one moment. Counts are since the runtime opened.

    `commits` stored `records`; `commit_durations` is how long they took, in seconds.
    `pending` turns wait to be durable, and none has become so for `lag` seconds (0 if none waits).
    `failures` counts commits that the store could not make, and that were tried again.
    """

    commits: int
    records: int
    commit_durations: Histogram = attrs.field(repr=False)
    pending: int
    lag: float
    failures: int


class CommitCounts:
    """Counts commits. Written by whoever commits, one thread at a time; for any to look at."""

    __slots__ = ("_durations", "_records", "failures")

    def __init__(self) -> None:
        self._durations = Recorder()
        self._records = 0
        self.failures: int = 0

    def committed(self, records: int, seconds: float) -> None:
        """Count a commit."""
        self._records += records
        self._durations.record(seconds)

    def metrics(self, pending: int, lag: float) -> StoreMetrics:
        """What was counted until now."""
        durations = self._durations.histogram()
        return StoreMetrics(
            commits=durations.count,
            records=self._records,
            commit_durations=durations,
            pending=pending,
            lag=lag,
            failures=self.failures,
        )
