"""The engine: what a process is, how an execution runs, and the runtime that holds them together.

Start reading at `definition`, then `execution`, then `_core`, which names the parts, and `_engine`.
"""

from ._alerts import Alert, AlertChange
from ._cache import CacheStatistics
from ._caches import CacheName
from ._engine import Runtime, open_runtime
from ._errors import (
    AdmissionRefused,
    BadArgument,
    BadLoad,
    CannotRewind,
    ExecutionConflict,
    ExecutionNotCompleted,
    ExecutionParked,
    GroupConflict,
    MigrationError,
    NotInTrio,
    OptionError,
    RuntimeNotOpen,
    UnknownDefinition,
    UnknownExecution,
    UnknownGroup,
)
from ._events import Event, MessageEvent, Missed, NodeEvent, StateEvent
from ._group_handle import GroupHandle, GroupStatus
from ._handle import ActorHandle
from ._host_actor import Behaviour, HostActor
from ._library import Loader
from ._metrics import PerformanceMetrics
from ._options import Options
from ._rebirth import HistoryRecord
from ._views import NodeStatus, Outcome, Status
from ._watch import Watch

__all__ = [
    "ActorHandle",
    "AdmissionRefused",
    "Alert",
    "AlertChange",
    "BadArgument",
    "BadLoad",
    "Behaviour",
    "CacheName",
    "CacheStatistics",
    "CannotRewind",
    "Event",
    "ExecutionConflict",
    "ExecutionNotCompleted",
    "ExecutionParked",
    "GroupConflict",
    "GroupHandle",
    "GroupStatus",
    "HistoryRecord",
    "HostActor",
    "Loader",
    "MessageEvent",
    "MigrationError",
    "Missed",
    "NodeEvent",
    "NodeStatus",
    "NotInTrio",
    "OptionError",
    "Options",
    "Outcome",
    "PerformanceMetrics",
    "Runtime",
    "RuntimeNotOpen",
    "StateEvent",
    "Status",
    "UnknownDefinition",
    "UnknownExecution",
    "UnknownGroup",
    "Watch",
    "open_runtime",
]
