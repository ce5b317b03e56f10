"""Where executions are kept: the contract of a store, two that keep it, and the journal's writer.

Bytes in, bytes out: it never knows what a record means, and decides nothing about an execution but
whether a turn continues what is stored. Start reading at `_contract`, then at `_writer`.
"""

from typing import TYPE_CHECKING

from .._later import later
from ._codec import Codec
from ._codec_errors import CorruptRecord, UnknownRecord, UnstorableValue
from ._compression import compress, decompress
from ._contract import (
    EVERYTHING,
    LARGEST,
    USERS_TOLD,
    Append,
    DamagedHead,
    ExecutionHead,
    HeadFilter,
    InUse,
    KeptDefinition,
    Mail,
    Record,
    Snapshot,
    Store,
    Stored,
    StoreSizes,
)
from ._errors import (
    ArchiveConflict,
    ArchiveFailed,
    CorruptArchive,
    CorruptExecution,
    DefinitionConflict,
    DefinitionInUse,
    NotAStore,
    StaleWriter,
    StoreBroken,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreFailed,
    StoreFull,
    StoreInUse,
    StoreLocked,
    StoreNotOpened,
    StoreReadOnly,
    StoreTooNew,
    WriterClosed,
    WriterCrashed,
    WriterFull,
)
from ._janitor import Cleaned, Janitor
from ._letters import (
    Answer,
    Fork,
    Letter,
    Rerun,
    decode_letter,
    encode_answer,
    encode_refusal,
)
from ._loop_writer import LoopWriter
from ._memory import MemoryStore
from ._value_types import ValueTypes
from ._writer import GroupWriter, WhenDurable

if TYPE_CHECKING:
    from ._archive import ImportReport, export_executions, import_executions
    from ._database import Synchronous
    from ._doorbell import Doorbell, doorbell_of
    from ._poster import Poster, Receipt
    from ._sqlite import SqliteStore
else:  # what needs SQLite, or is for archives only
    __getattr__ = later(
        __name__,
        {
            "._archive": ("ImportReport", "export_executions", "import_executions"),
            "._database": ("Synchronous",),
            "._doorbell": ("Doorbell", "doorbell_of"),
            "._poster": ("Poster", "Receipt"),
            "._sqlite": ("SqliteStore",),
        },
    )

__all__ = [
    "EVERYTHING",
    "LARGEST",
    "USERS_TOLD",
    "Answer",
    "Append",
    "ArchiveConflict",
    "ArchiveFailed",
    "Cleaned",
    "Codec",
    "CorruptArchive",
    "CorruptExecution",
    "CorruptRecord",
    "DamagedHead",
    "DefinitionConflict",
    "DefinitionInUse",
    "Doorbell",
    "ExecutionHead",
    "Fork",
    "GroupWriter",
    "HeadFilter",
    "ImportReport",
    "InUse",
    "Janitor",
    "KeptDefinition",
    "Letter",
    "LoopWriter",
    "Mail",
    "MemoryStore",
    "NotAStore",
    "Poster",
    "Receipt",
    "Record",
    "Rerun",
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
    "StoreInUse",
    "StoreLocked",
    "StoreNotOpened",
    "StoreReadOnly",
    "StoreSizes",
    "StoreTooNew",
    "Stored",
    "Synchronous",
    "UnknownRecord",
    "UnstorableValue",
    "ValueTypes",
    "WhenDurable",
    "WriterClosed",
    "WriterCrashed",
    "WriterFull",
    "compress",
    "decode_letter",
    "decompress",
    "doorbell_of",
    "encode_answer",
    "encode_refusal",
    "export_executions",
    "import_executions",
]
