"""What is counted while executions run: by definition when one ends, and failed attempts."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ._histogram import Histogram, Recorder

OTHER = "other"
"""The name under which definitions are counted for which there is no room."""

LABELS = 200


@attrs.frozen(kw_only=True)
class DefinitionMetrics:
    """The executions of one definition (`id v1`) that have ended since the runtime opened.

    `executions` counts them by end state, `steps` those that they took, `durations` are from spawn
    to end, in seconds.
    """

    definition: str
    executions: Mapping[str, int]
    steps: int
    durations: Histogram


class DefinitionCounts:
    """Counts the ended executions of one definition."""

    __slots__ = ("_durations", "_ended", "_steps", "name")

    def __init__(self, name: str) -> None:
        self.name: str = name
        self._ended: dict[str, int] = {}
        self._steps = 0
        self._durations = Recorder()

    def __repr__(self) -> str:
        return f"<DefinitionCounts {self.name!r} {self._ended}>"

    def ended(self, state: str, steps: int, seconds: float) -> None:
        """Count one."""
        self._ended[state] = self._ended.get(state, 0) + 1
        self._steps += steps
        self._durations.record(seconds)

    def metrics(self) -> DefinitionMetrics:
        """What was counted until now."""
        return DefinitionMetrics(
            definition=self.name,
            executions=dict(self._ended),
            steps=self._steps,
            durations=self._durations.histogram(),
        )


class ExecutionCounts:
    """The counts of all definitions: of the first `labels` by name, of the others together."""

    def __init__(self, labels: int = LABELS) -> None:
        self._labels = labels
        self._by_name: dict[str, DefinitionCounts] = {}

    def of(self, definition: str) -> DefinitionCounts:
        """Where to count the executions of a definition (`id v1`)."""
        found = self._by_name.get(definition)
        if found is not None:
            return found
        name = definition if len(self._by_name) < self._labels else OTHER
        return self._by_name.setdefault(name, DefinitionCounts(name))

    def metrics(self) -> tuple[DefinitionMetrics, ...]:
        """What was counted until now, for each definition that was begun."""
        return tuple(counts.metrics() for counts in list(self._by_name.values()))


class AttemptCounts:
    """Counts attempts that went wrong. Single writer: the trio thread."""

    __slots__ = ("failed", "retried")

    def __init__(self) -> None:
        self.failed: int = 0
        self.retried: int = 0
