"""Who decides after a failure. Pure policies; this folder never awaits and never reads a clock.

Start reading at `_retry`.
"""

from ._retry import NO_RETRY, Jitter, Retry

__all__ = ["NO_RETRY", "Jitter", "Retry"]
