"""Restart intensity: how many restarts in how short a time are one too many. Pure.

Source: `add_restart` in OTP's `supervisor`, which we follow: the period is a sliding window, and
restarts exactly `seconds` old still count.
"""

from __future__ import annotations

import attrs

from ._expected import LENGTH, whole


@attrs.frozen
class Intensity:
    """At most `restarts` within any `seconds`; one more, and the supervisor gives up."""

    restarts: int = attrs.field(default=3, validator=whole(0))
    seconds: float = attrs.field(default=5.0, validator=LENGTH)

    def add(self, history: tuple[float, ...], now: float) -> tuple[float, ...] | None:
        """The history with a restart at `now`, less what is too old; None if that is too many."""
        recent = (*(at for at in history if now - at <= self.seconds), now)
        return recent if len(recent) <= self.restarts else None
