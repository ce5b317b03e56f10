"""A node group: nodes that share a fate, and what guards them. Values only."""

from __future__ import annotations

from typing import Literal

import attrs

from ._breaker import BreakerPolicy
from ._budget import BudgetPolicy
from ._expected import FLAG, LENGTH, TEXT, choice, instance, whole
from ._rate import RatePolicy
from ._retry import Retry

WhenOpen = Literal["park", "fail"]

DEFAULT_GROUP = "default"


@attrs.frozen
class Bulkhead:
    """At most `concurrency` attempts of a group at once; at most `waiting` more may wait.

    Executions take turns, so that one with many tokens holds nobody up. An attempt that finds even
    the queue full is refused.
    """

    concurrency: int = attrs.field(validator=whole(1))
    waiting: int = attrs.field(default=10_000, validator=whole(0))


_BREAKER = instance(BreakerPolicy, "a BreakerPolicy").or_none
_BULKHEAD = instance(Bulkhead, "a Bulkhead").or_none
_RATE = instance(RatePolicy, "a RatePolicy").or_none
_RETRY = instance(Retry, "a Retry").or_none
_BUDGET = instance(BudgetPolicy, "a BudgetPolicy").or_none


@attrs.frozen
class Group:
    """Nodes that share a fate: one supervisor, and each of these guards where it is given.

    While the breaker is open, or the rate is used up, tokens are parked (`when_open="park"`), or
    their attempts refused at once (`"fail"`). A node whose port `rejected` is connected is never
    parked: its token leaves there. `retry` and `timeout` (seconds, one attempt) are the defaults of
    its nodes. The group is that of one definition, or, if `shared`, of every definition in the
    runtime that has a shared group of this name.
    """

    name: str = attrs.field(validator=TEXT)
    breaker: BreakerPolicy | None = attrs.field(default=None, kw_only=True, validator=_BREAKER)
    bulkhead: Bulkhead | None = attrs.field(default=None, kw_only=True, validator=_BULKHEAD)
    rate: RatePolicy | None = attrs.field(default=None, kw_only=True, validator=_RATE)
    retry: Retry | None = attrs.field(default=None, kw_only=True, validator=_RETRY)
    budget: BudgetPolicy | None = attrs.field(default=None, kw_only=True, validator=_BUDGET)
    timeout: float | None = attrs.field(default=None, kw_only=True, validator=LENGTH.or_none)
    when_open: WhenOpen = attrs.field(
        default="park", kw_only=True, validator=choice("park", "fail")
    )
    shared: bool = attrs.field(default=False, kw_only=True, validator=FLAG)

    @property
    def is_plain(self) -> bool:
        """Whether nothing stands between a token and its attempt."""
        return not (self.breaker or self.bulkhead or self.rate or self.budget)
