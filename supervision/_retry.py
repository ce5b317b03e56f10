"""Retries: when to try again, and when to give up. Pure; randomness comes in as an argument.

Source: the specification's "Async Retry" and "Backoff Jitter"; full and decorrelated jitter as in
Marc Brooker's "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
"""

from typing import Literal

import attrs
from attrs import validators

Jitter = Literal["full", "decorrelated", "none"]


@attrs.frozen(kw_only=True)
class Retry:
    """How often and how patiently a failed attempt is repeated.

    `attempts` counts all tries, the first included. The n-th wait is at most
    `initial * multiplier ** (n - 1)` seconds, never above `maximum`, and drawn at random below that
    by `jitter`. Exceptions of a class in `never` are not retried, others only if in `on`.
    """

    attempts: int = attrs.field(
        default=4, validator=[validators.instance_of(int), validators.ge(1)]
    )
    initial: float = attrs.field(default=1.0, validator=validators.ge(0))
    maximum: float = attrs.field(default=30.0, validator=validators.ge(0))
    multiplier: float = attrs.field(default=2.0, validator=validators.ge(1))
    jitter: Jitter = attrs.field(
        default="full", validator=validators.in_(("full", "decorrelated", "none"))
    )
    on: tuple[type[Exception], ...] = (Exception,)
    never: tuple[type[Exception], ...] = ()

    def is_retryable(self, error: Exception) -> bool:
        """Whether an attempt that failed with `error` may be repeated at all."""
        return isinstance(error, self.on) and not isinstance(error, self.never)

    def delay(self, failures: int, previous: float, draw: float) -> float:
        """Seconds to wait after the `failures`-th failure; `draw` is uniform in [0, 1).

        `previous` is the wait before (0 for the first), which only decorrelated jitter uses.
        """
        ceiling = min(self.maximum, self.initial * self.multiplier ** min(failures - 1, 1000))
        if self.jitter == "none":
            return ceiling
        if self.jitter == "full":
            return draw * ceiling
        spread = max(self.initial, 3 * previous) - self.initial
        return min(self.maximum, self.initial + draw * spread)


NO_RETRY = Retry(attempts=1)
