"""Why there is nothing to measure, or to compare."""

from __future__ import annotations

import attrs

from ...actors import ProcessEngineError


@attrs.define(eq=False, repr=False, str=False)
class UnfitScenario(ProcessEngineError):
    """A load test was asked for that cannot be run as it is described."""

    scenario: str
    field: str
    value: object
    expected: str

    def __str__(self) -> str:
        what = f"{self.field}: expected {self.expected}, got {self.value!r:.80}"
        return f"scenario {self.scenario!r}: {what}"


@attrs.define(eq=False, repr=False, str=False)
class UnreadableReport(ProcessEngineError):
    """A file is no report of a load test, or one of a later format."""

    source: str
    why: str

    def __str__(self) -> str:
        return f"{self.source}: no report of a load test: {self.why}"


class LoadTestInTrio(ProcessEngineError):
    """`load_test` was called in a trio task, whose event loop it would stop."""

    def __init__(self) -> None:
        super().__init__(
            "load_test runs an event loop of its own: call it outside of trio, or await"
            " `measure_load`"
        )
