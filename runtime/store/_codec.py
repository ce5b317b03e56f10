"""Turns and states as bytes and back. What is around them: `_envelope`; values in them: `_values`.

A record is a msgpack array of the time and the message, a map that carries its tag: fields may
be added, if they have defaults, and nothing stored names a module or a class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

import msgspec

from ...actors import Cancel, Message, Pause, Resume, Retry, Signal, Skip, Update
from ..definition import RoutingMap
from ..execution import (
    Begin,
    Calls,
    ChildEnded,
    ChildPaused,
    Chose,
    Completed,
    Delays,
    Due,
    Ends,
    Enters,
    ExecutionState,
    Failed,
    GraceOver,
    Held,
    Interrupted,
    Limits,
    Lists,
    Overdue,
    Record,
    Revived,
    Rewound,
    Waits,
)
from ._codec_errors import CorruptRecord, UnknownRecord, UnstorableValue
from ._compression import WORTH_IT, compress
from ._envelope import HEADER_BYTES, Kind, seal, seal_plain, unseal
from ._snapshots import StoredState, restore_state, stored_state
from ._value_types import ValueTypes
from ._values import ValueCodec

Recorded = (
    Begin | Calls | Cancel | ChildEnded | ChildPaused | Chose | Completed | Delays | Due | Ends
    | Enters | Failed | GraceOver | Held | Interrupted | Lists | Overdue | Pause | Resume | Retry
    | Revived | Rewound | Signal | Skip | Update | Waits
)  # fmt: skip

VALUES: Mapping[type[Message], tuple[str, Callable[[ValueCodec, Any], object]]] = {
    Begin: ("inputs", ValueCodec.variables),
    Calls: ("inputs", ValueCodec.variables),
    ChildEnded: ("memory", ValueCodec.variables),
    Completed: ("value", ValueCodec.pack),
    Enters: ("inputs", ValueCodec.variables),
    Lists: ("items", ValueCodec.items),
    Signal: ("payload", ValueCodec.pack),
    Update: ("changes", ValueCodec.variables),
}
"""The field of each message that holds a process's own values."""

RECORDED: tuple[type[Message], ...] = get_args(Recorded)
_PLAIN = frozenset((type(None), bool, float))
_TAGS = frozenset(cls.__struct_config__.tag for cls in RECORDED)
_BROKEN = (
    msgspec.MsgspecError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
    RecursionError,
)  # fmt: skip
"""What decoders raise for content that nobody wrote."""


class Codec:
    """Encodes what is stored of executions. `types` are the host's own types of values.

    Encoding raises `UnstorableValue`; decoding `CorruptRecord` and `UnknownRecord`, and nothing
    else, whatever the bytes.
    """

    def __init__(self, types: ValueTypes | None = None) -> None:
        self._values = ValueCodec(types or ValueTypes())
        self._encode: Callable[[object], bytes] = msgspec.msgpack.Encoder().encode
        hook = self._values.unpack
        self._record = msgspec.msgpack.Decoder(tuple[float, Recorded], ext_hook=hook)
        self._state = msgspec.msgpack.Decoder(StoredState, ext_hook=hook)

    def encode_record(self, at: float, message: Message) -> bytes:
        """One turn; `at` in seconds. `TypeError` for a message that is not recorded."""
        if type(message) not in RECORDED:
            raise TypeError(f"{type(message).__qualname__} is not a recorded message")
        return self._sealed("record", (at, self._packed(message)))

    def write_record(self, at: float, message: Message) -> bytes:
        """As `encode_record`, compressed if that pays: what is stored.

        What is most common is looked at first: it saves two thirds of the time.
        """
        if type(message) is Completed and type(message.value) in _PLAIN:
            body = self._encode((at, message))
            if len(body) < WORTH_IT - HEADER_BYTES:
                return seal_plain(body)
        return compress(self.encode_record(at, message))

    def decode_record(self, data: bytes) -> Record:
        """The turn that `encode_record` was given."""
        body = unseal("record", data)
        try:
            return Record(*self._record.decode(body))
        except msgspec.ValidationError as error:
            raise _misfit(body, error) from error
        except _BROKEN as error:
            raise CorruptRecord("record", f"{type(error).__name__}: {error}") from error

    def encode_state(self, state: ExecutionState) -> bytes:
        """A state between two turns."""
        return self._sealed("snapshot", stored_state(state, self._values, self._packed))

    def decode_state(self, data: bytes, routing: RoutingMap, limits: Limits) -> ExecutionState:
        """The state that `encode_state` was given, of an execution of the same definition."""
        body = unseal("snapshot", data)
        try:
            return restore_state(self._state.decode(body), routing, limits, _message)
        except _BROKEN as error:
            raise CorruptRecord("snapshot", f"{type(error).__name__}: {error}") from error

    def _packed(self, message: Message) -> Message:
        found = VALUES.get(type(message))
        if found is None:
            return message
        name, pack = found
        try:
            return msgspec.structs.replace(
                message, **{name: pack(self._values, getattr(message, name))}
            )
        except UnstorableValue as error:
            raise error.inside(name) from None

    def _sealed(self, kind: Kind, content: object) -> bytes:
        try:
            return seal(kind, self._encode(content))
        except (UnicodeEncodeError, OverflowError, RecursionError) as error:
            raise UnstorableValue(kind, type(content).__qualname__, str(error)) from error


def _message(plain: object) -> Message:
    """A message within a snapshot."""
    return msgspec.convert(plain, Recorded)  # type: ignore[no-any-return]


def _misfit(body: bytes, error: msgspec.ValidationError) -> CorruptRecord | UnknownRecord:
    """The error for what is no record known here, be it that only its tag is new."""
    try:
        content = msgspec.msgpack.decode(body)
    except _BROKEN:
        content = None
    match content:
        case [_, {"type": str() as tag}] if tag not in _TAGS:
            return UnknownRecord("record", f"a message of type {tag!r} is not known")
        case _:
            return CorruptRecord("record", str(error))
