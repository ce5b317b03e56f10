"""Where executions are kept: the contract of a store, two that keep it, and the journal's writer.

Bytes in, bytes out: it never knows what a record means, and decides nothing about an execution but
whether a turn continues what is stored. Start reading at `_contract`, then at `_writer`.
"""

from ._contract import (
    EVERYTHING,
    Append,
    DamagedHead,
    ExecutionHead,
    HeadFilter,
    Mail,
    Record,
    Snapshot,
    Store,
    Stored,
)
from ._database import Synchronous
from ._errors import (
    CorruptExecution,
    NotAStore,
    StaleWriter,
    StoreBroken,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreFailed,
    StoreFull,
    StoreLocked,
    StoreNotOpened,
    StoreReadOnly,
    StoreTooNew,
    WriterClosed,
    WriterCrashed,
    WriterFull,
)
from ._memory import MemoryStore
from ._sqlite import SqliteStore
from ._writer import GroupWriter, WhenDurable

__all__ = [
    "EVERYTHING",
    "Append",
    "CorruptExecution",
    "DamagedHead",
    "ExecutionHead",
    "GroupWriter",
    "HeadFilter",
    "Mail",
    "MemoryStore",
    "NotAStore",
    "Record",
    "Snapshot",
    "SqliteStore",
    "StaleWriter",
    "Store",
    "StoreBroken",
    "StoreClosed",
    "StoreCorrupt",
    "StoreError",
    "StoreFailed",
    "StoreFull",
    "StoreLocked",
    "StoreNotOpened",
    "StoreReadOnly",
    "StoreTooNew",
    "Stored",
    "Synchronous",
    "WhenDurable",
    "WriterClosed",
    "WriterCrashed",
    "WriterFull",
]
