"""Back-off: how long a supervisor waits before it restarts a child. Pure."""

from __future__ import annotations

import attrs

from ._expected import FROM_1, SECONDS, SHARE_OR_0


@attrs.frozen(kw_only=True)
class Backoff:
    """How long to wait before a restart, in seconds; a child that keeps failing waits longer.

    Before the n-th restart in a row at most `initial * multiplier ** (n - 1)`, never above
    `maximum`; a share of up to `jitter` is taken off at random. A child that ran for `healthy`
    before it failed starts again from `initial`.
    """

    initial: float = attrs.field(default=0.1, validator=SECONDS)
    maximum: float = attrs.field(default=10.0, validator=SECONDS)
    multiplier: float = attrs.field(default=2.0, validator=FROM_1)
    jitter: float = attrs.field(default=0.5, validator=SHARE_OR_0)
    healthy: float = attrs.field(default=30.0, validator=SECONDS)

    def delay(self, failures: int, draw: float) -> float:
        """Seconds to wait after the `failures`-th failure in a row; `draw` is in [0, 1)."""
        # Ever larger powers would overflow; where they matter the maximum has long been reached.
        grown = self.initial * self.multiplier ** min(failures - 1, 64)
        return min(self.maximum, grown) * (1 - draw * self.jitter)


AT_ONCE = Backoff(initial=0.0)
