"""What another process may ask of a runtime, and what that answers, as bytes.

A letter is one of the messages that control an execution, or an errand for the runtime itself; its
values are those that msgpack knows. An answer is a map: `ok` with a value, or `error` with a text
and the `kind` of the error, its class's name.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...actors import Cancel, Pause, Query, Resume, Retry, Signal, Skip, Update
from ._codec_errors import CorruptRecord, UnstorableValue


class Fork(msgspec.Struct, frozen=True, tag_field="type", tag="fork"):
    """Begin another execution with the history of this one up to the step `at`, and go on there.

    `changes` are variables that it has otherwise. Without a `new_id` the runtime finds one.
    """

    new_id: str | None = None
    at: int | None = None
    changes: dict[str, Any] = {}


class Rerun(msgspec.Struct, frozen=True, tag_field="type", tag="rerun"):
    """Take up an execution that has failed, from the node that did."""


Letter = (
    Cancel | Fork | Pause | Query | Rerun | Resume | Retry | Signal | Skip | Update
)  # fmt: skip


class Answer(msgspec.Struct, frozen=True):
    """What came of a letter; `error` is None unless it was refused."""

    ok: Any = None
    error: str | None = None
    kind: str = ""


_LETTER: msgspec.msgpack.Decoder[Letter] = msgspec.msgpack.Decoder(Letter)
_ANSWER = msgspec.msgpack.Decoder(Answer)


def encode_letter(letter: Letter) -> bytes:
    """A letter as bytes; raises `UnstorableValue` for a value that msgpack does not know."""
    try:
        return msgspec.msgpack.encode(letter)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UnstorableValue("letter", type(letter).__name__, str(error)) from error


def decode_letter(body: bytes) -> Letter:
    """The letter that `encode_letter` was given; raises `CorruptRecord` for anything else."""
    try:
        return _LETTER.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CorruptRecord("letter", str(error)) from error


def encode_answer(value: object) -> bytes:
    """An answer that is a value; what msgpack does not know in it is sent as Python shows it."""
    try:
        return msgspec.msgpack.encode({"ok": value}, enc_hook=repr)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return msgspec.msgpack.encode({"ok": ascii(value)})


def encode_refusal(error: BaseException) -> bytes:
    """An answer that is an error."""
    text = str(error) or type(error).__name__
    return msgspec.msgpack.encode(
        {"error": text.encode(errors="replace").decode(), "kind": type(error).__name__}
    )


def decode_answer(body: bytes) -> Answer:
    """The answer in these bytes; raises `CorruptRecord`."""
    try:
        return _ANSWER.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CorruptRecord("answer", str(error)) from error
