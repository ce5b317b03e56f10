"""Why a simulation cannot begin, or cannot end."""

from __future__ import annotations

import attrs

from ...actors import ProcessEngineError


@attrs.define(eq=False, repr=False, str=False)
class UnfitDurations(ProcessEngineError):
    """Durations were given for what is no node with a function, or are no lengths of time."""

    definition: str
    faults: tuple[str, ...]

    def __str__(self) -> str:
        lines = "".join(f"\n  {fault}" for fault in self.faults)
        return f"durations for {self.definition}:{lines}"


@attrs.define(eq=False, repr=False, str=False)
class StuckSimulation(ProcessEngineError):
    """The execution waits for what does not come; `waits` says where and for what."""

    definition: str
    waits: tuple[str, ...]

    def __str__(self) -> str:
        places = ", ".join(self.waits) or "something outside"
        return f"{self.definition} cannot end: it waits for {places}"


class SimulationInTrio(ProcessEngineError):
    """`simulate` was called in a trio task, whose event loop it would stop."""

    def __init__(self) -> None:
        super().__init__(
            "simulate runs an event loop of its own: call it outside of trio,"
            " or by trio.to_thread.run_sync"
        )
