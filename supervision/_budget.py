"""A retry budget: while too much of what a group tries fails, nothing is tried again. Pure.

What it counts, and nothing else:

- a failure: every attempt, first or repeated, that failed in a way its policy would retry, whether
  or not a try is left; a timeout is one;
- a success: every attempt that succeeded, first or repeated;
- neither: what no retry could help (its input is at fault, not the service), and what was
  cancelled, paused, parked or refused before it began.

First attempts are never held back, only counted: their successes fill the budget up again.

Source: "Throttling Retry Attempts and Hedged RPCs" of gRPC proposal A6. As there, a ratio has three
decimal places, a retry is refused rather than delayed, and the failure is counted before its retry
is asked about. Unlike there: a full budget holds 100 tokens by default rather than a number to be
given, and a failure that says not to retry it takes no token.
"""

from __future__ import annotations

import math

import attrs

from ._expected import number, whole

_PARTS = 1000
_RATIO = number("a number from 0.001", lambda value: 1 / _PARTS <= value < math.inf)


@attrs.frozen
class BudgetPolicy:
    """A budget of `tokens`: a failure takes one, a success gives `ratio` of one back.

    Retries stop at half of the tokens. With 0.1 they stop for long only where more than one in
    eleven attempts fails. A `ratio` is at least 0.001 and rounded to thousandths.
    """

    tokens: int = attrs.field(default=100, validator=whole(1))
    ratio: float = attrs.field(default=0.1, validator=_RATIO)


class RetryBudget:
    """The tokens of one group; it begins full. Between 0 and `policy.tokens` at all times."""

    __slots__ = ("_full", "_gain", "_parts", "policy")

    def __init__(self, policy: BudgetPolicy) -> None:
        self.policy: BudgetPolicy = policy
        # In thousandths of a token: ten times 0.1 is one, and never a little less.
        self._full: int = policy.tokens * _PARTS
        self._gain: int = round(policy.ratio * _PARTS)
        self._parts: int = self._full

    def __repr__(self) -> str:
        return f"<RetryBudget {self.tokens:g} of {self.policy.tokens}>"

    @property
    def tokens(self) -> float:
        """What is left, to three decimal places."""
        return self._parts / _PARTS

    @property
    def allows_retry(self) -> bool:
        """Whether more than half is left."""
        return 2 * self._parts > self._full

    def failed(self) -> None:
        """Take a token, or what is left of one; ask `allows_retry` afterwards."""
        self._parts = max(0, self._parts - _PARTS)

    def succeeded(self) -> None:
        """Give the ratio back; a full budget stays as it is, at the cost of one comparison."""
        if self._parts != self._full:
            self._parts = min(self._full, self._parts + self._gain)

    def succeeded_many(self, count: int) -> None:
        """Report `count` successes at once, 0 or more."""
        if self._parts != self._full:
            self._parts = min(self._full, self._parts + count * self._gain)
