"""Hedging: a second attempt beside a slow first one, whichever answers first. A policy only.

Source: Dean and Barroso, "The Tail at Scale" (CACM, 2013); the hedging policy of gRPC proposal A6.
"""

from __future__ import annotations

import attrs

from ._expected import FINITE_SECONDS, whole


@attrs.frozen
class Hedge:
    """Start another attempt of a node whenever the latest is `after` seconds old and none is done.

    `most` is how many there may be of them, the first included: 2 or more. Nought
    `after` starts all of them together. Only for functions that are safe to run twice at once.
    """

    after: float = attrs.field(validator=FINITE_SECONDS)
    most: int = attrs.field(default=2, validator=whole(2))
