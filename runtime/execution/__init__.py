"""One execution: its state, the pure transition function, and the thin shell that makes it an actor.

Owns everything a running process is; knows neither the runtime it lives in nor where it is stored.
Start reading at `_state`, then `_transition` and the handlers it lists, then `_actor`.
"""

from ._actor import Execution, House, Job, Program, Watcher, run_attempts
from ._attempt import Out
from ._current import AttemptFilter, current
from ._effects import CallChild, Effect, Effects, TellChild
from ._errors import (
    MemoryLimitExceeded,
    NoCaseHolds,
    NonRetryable,
    NoSuchVariable,
    NotAtNode,
    TooManySignals,
    UnfitValue,
    UnknownPort,
)
from ._memory import check_sizes
from ._records import (
    END_STATES,
    Begin,
    ChildEnded,
    ChildPaused,
    Completed,
    EndState,
    ErrorContext,
    Chose,
    Delays,
    Ends,
    Failed,
    Interrupted,
    Lists,
    Calls,
    Waits,
    Outcome as AttemptOutcome,
    Record,
)
from ._sizes import owned, size_of
from ._state import Ending, ExecutionState, Finished, Limits, State, Token
from ._threads import MissingExtra
from ._transition import transition

__all__ = [
    "END_STATES",
    "AttemptFilter",
    "AttemptOutcome",
    "Begin",
    "CallChild",
    "Calls",
    "ChildEnded",
    "ChildPaused",
    "Chose",
    "Completed",
    "Delays",
    "Effect",
    "Effects",
    "EndState",
    "Ending",
    "Ends",
    "ErrorContext",
    "Execution",
    "ExecutionState",
    "Failed",
    "Finished",
    "House",
    "Interrupted",
    "Job",
    "Limits",
    "Lists",
    "MemoryLimitExceeded",
    "MissingExtra",
    "NoCaseHolds",
    "NoSuchVariable",
    "NonRetryable",
    "NotAtNode",
    "Out",
    "Program",
    "Record",
    "State",
    "TellChild",
    "Token",
    "TooManySignals",
    "UnfitValue",
    "UnknownPort",
    "Waits",
    "Watcher",
    "check_sizes",
    "current",
    "owned",
    "run_attempts",
    "size_of",
    "transition",
]
