"""Exceptions by which a node function says what it knows about trying again."""

from __future__ import annotations

import attrs

from ..actors import ProcessEngineError
from ._expected import FINITE_SECONDS


class NonRetryable(ProcessEngineError):
    """Raise it in a node function, or derive from it, to fail at once: no retry can help."""


@attrs.define(eq=False, repr=False, str=False)
class RetryLater(ProcessEngineError):
    """Raise it in a node function to be tried again in `after` seconds (0 or more), not before.

    For a service that says when it is back, as with HTTP's `Retry-After`. It adds no attempt: the
    policy of the node still says how many there are and how long all of it may take.
    """

    after: float = attrs.field(validator=FINITE_SECONDS)
    message: str = ""

    def __str__(self) -> str:
        return self.message or f"to be tried again in {self.after:g} s"
