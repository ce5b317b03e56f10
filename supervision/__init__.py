"""Who decides after a failure, and what guards the outside world.

Policies and state machines, which never await and are told the time and the randomness; only
`_supervisor` and `_life` act on trio. It never knows what a process is. Start reading at
`_strategy` and `_supervision`, then at `_retry`, `_breaker` and `_gate`.
"""

from ._backoff import Backoff
from ._breaker import Breaker, BreakerChange, BreakerPolicy, BreakerState, Permit, Refusal
from ._budget import BudgetPolicy, RetryBudget
from ._child import Child, TreeNode
from ._errors import ChildNotStarted, DuplicateChild, SupervisorGaveUp, UnknownChild
from ._expected import (
    FINITE_LENGTH,
    FINITE_SECONDS,
    FROM_0,
    TEXT,
    UnfitField,
    choice,
    number,
    whole,
)
from ._fair import FairQueue
from ._gate import NOT_CALM, Denial, Gate
from ._group import DEFAULT_GROUP, Bulkhead, Group, WhenOpen
from ._hedge import Hedge
from ._hints import NonRetryable, RetryLater
from ._intensity import Intensity
from ._notices import ChildEnd
from ._rate import RateLimit, RatePolicy
from ._retry import NO_RETRY, Jitter, Retry
from ._strategy import RestartType, Strategy
from ._supervisor import Supervisor
from ._window import CountWindow, Tally, TimeWindow, Window

__all__ = [
    "DEFAULT_GROUP",
    "FINITE_LENGTH",
    "FINITE_SECONDS",
    "FROM_0",
    "NOT_CALM",
    "NO_RETRY",
    "TEXT",
    "Backoff",
    "Breaker",
    "BreakerChange",
    "BreakerPolicy",
    "BreakerState",
    "BudgetPolicy",
    "Bulkhead",
    "Child",
    "ChildEnd",
    "ChildNotStarted",
    "CountWindow",
    "Denial",
    "DuplicateChild",
    "FairQueue",
    "Gate",
    "Group",
    "Hedge",
    "Intensity",
    "Jitter",
    "NonRetryable",
    "Permit",
    "RateLimit",
    "RatePolicy",
    "Refusal",
    "RestartType",
    "Retry",
    "RetryBudget",
    "RetryLater",
    "Strategy",
    "Supervisor",
    "SupervisorGaveUp",
    "Tally",
    "TimeWindow",
    "TreeNode",
    "UnfitField",
    "UnknownChild",
    "WhenOpen",
    "Window",
    "choice",
    "number",
    "whole",
]
