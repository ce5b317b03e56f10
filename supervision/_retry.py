"""Retries: when to try again, and when to give up. Pure; randomness comes in as an argument.

Source: the specification's "Async Retry" and "Backoff Jitter"; full and decorrelated jitter as in
Marc Brooker's "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
"""

from typing import Literal

import attrs

from ._expected import ERRORS, FROM_1, LENGTH, SECONDS, choice, whole
from ._hints import NonRetryable, RetryLater

Jitter = Literal["full", "decorrelated", "none"]

_FOREVER = float("inf")


@attrs.frozen(kw_only=True)
class Retry:
    """How often and how patiently a failed attempt is repeated.

    `attempts` counts all tries, the first included. The n-th wait is at most
    `initial * multiplier ** (n - 1)` seconds, never above `maximum`, and drawn at random below that
    by `jitter`. Exceptions of a class in `never` are not retried, others only if in `on`. All
    attempts and waits of a node together may take `total` seconds; None sets no such bound.
    """

    attempts: int = attrs.field(default=4, validator=whole(1))
    initial: float = attrs.field(default=1.0, validator=SECONDS)
    maximum: float = attrs.field(default=30.0, validator=SECONDS)
    multiplier: float = attrs.field(default=2.0, validator=FROM_1)
    jitter: Jitter = attrs.field(default="full", validator=choice("full", "decorrelated", "none"))
    on: tuple[type[Exception], ...] = attrs.field(default=(Exception,), validator=ERRORS)
    never: tuple[type[Exception], ...] = attrs.field(default=(), validator=ERRORS)
    total: float | None = attrs.field(default=None, validator=LENGTH.or_none)

    def is_retryable(self, error: Exception) -> bool:
        """Whether an attempt that failed with `error` may be repeated at all.

        `NonRetryable` never is, even if in `on`; `RetryLater` is without being in `on`.
        """
        if isinstance(error, (NonRetryable, *self.never)):
            return False
        return isinstance(error, (RetryLater, *self.on))

    def next_wait(
        self,
        failures: int,
        previous: float,
        draw: float,
        *,
        after: float | None = None,
        elapsed: float,
        remaining: float | None,
    ) -> float | None:
        """Seconds to wait after the `failures`-th failure, as `delay`; None: do not retry.

        `after` is the hint of a `RetryLater`: the wait is at least that, even above `maximum`. The
        first attempt began `elapsed` seconds ago; `remaining` seconds are left until the deadline
        of whatever the node is part of (None: it has none). A retry that would begin at the end of
        either time, or behind it, is not worth waiting for.
        """
        if failures >= self.attempts:
            return None
        wait = max(self.delay(failures, previous, draw), after or 0.0)
        left = min(
            _FOREVER if self.total is None else self.total - elapsed,
            _FOREVER if remaining is None else remaining,
        )
        return wait if wait < left else None

    def delay(self, failures: int, previous: float, draw: float) -> float:
        """Seconds to wait after the `failures`-th failure; `draw` is uniform in [0, 1).

        `previous` is the wait before (0 for the first), which only decorrelated jitter uses.
        """
        if self.jitter == "decorrelated":
            spread = max(self.initial, 3 * previous) - self.initial
            return min(self.maximum, self.initial + draw * spread)
        ceiling = self._ceiling(failures)
        return ceiling if self.jitter == "none" else draw * ceiling

    def _ceiling(self, failures: int) -> float:
        try:
            grown = self.initial * float(self.multiplier) ** (failures - 1)
        except OverflowError:
            return self.maximum if self.initial else 0.0
        return min(self.maximum, grown)


NO_RETRY = Retry(attempts=1)
