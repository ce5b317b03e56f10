"""Why a profile cannot be made."""

from __future__ import annotations

import attrs

from ...actors import ProcessEngineError


@attrs.define(eq=False, repr=False, str=False)
class UnfitProfile(ProcessEngineError):
    """A profile was asked for with numbers that make no sense."""

    runs: int
    at_once: int
    interval: float

    def __str__(self) -> str:
        return (
            "profile: expected runs and at_once from 1 and an interval above 0 seconds,"
            f" got {self.runs!r}, {self.at_once!r} and {self.interval!r}"
        )


class ProfileElsewhere(ProcessEngineError):
    """`profile` was called in a trio task, or in another thread than the main one."""

    def __init__(self) -> None:
        super().__init__(
            "profile runs an event loop of its own, and is interrupted by a timer: call it in the"
            " main thread, outside of trio"
        )
