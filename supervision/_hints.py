"""Exceptions by which a node function says what it knows about trying again."""

from __future__ import annotations

import math
from typing import Any

import attrs
from attrs import validators

from ..actors import ProcessEngineError

_wait: Any = [validators.instance_of((int, float)), validators.ge(0), validators.lt(math.inf)]


class NonRetryable(ProcessEngineError):
    """Raise it in a node function, or derive from it, to fail at once: no retry can help."""


@attrs.define(eq=False, str=False)
class RetryLater(ProcessEngineError):
    """Raise it in a node function to be tried again in `after` seconds (0 or more), not before.

    For a service that says when it is back, as with HTTP's `Retry-After`. It adds no attempt: the
    policy of the node still says how many there are and how long all of it may take.
    """

    after: float = attrs.field(validator=_wait)
    message: str = ""

    def __str__(self) -> str:
        return self.message or f"to be tried again in {self.after:g} s"
