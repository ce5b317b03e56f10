"""Values as plain data and as text, whatever they are: memories hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from ..definition import Fault
from ..execution import ErrorContext

_ENCODER = msgspec.json.Encoder(enc_hook=repr)


def encoded(data: Mapping[str, Any]) -> str:
    """A JSON document for people and programs, ending in a newline."""
    return msgspec.json.format(_encoded(data), indent=2).decode() + "\n"


def _encoded(value: object) -> bytes:
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        pass
    if isinstance(value, Mapping):
        items = cast(Mapping[object, object], value).items()
        return _ENCODER.encode({str(key): msgspec.Raw(_encoded(each)) for key, each in items})
    return _ENCODER.encode(repr(value))


def shown(value: object, most: int = 500) -> str:
    """A value on one line, as JSON where it is that, cut where it is long."""
    text = _encoded(str(value) if isinstance(value, ErrorContext) else value).decode()
    if len(text) <= most:
        return text
    return f"{text[:most]}… ({len(text) - most} more characters; --json shows all)"


def fault_data(fault: Fault) -> dict[str, object]:
    """A fault for a JSON document."""
    return {"place": fault.place, "value": repr(fault.value), "expected": fault.expected}


def error_data(error: ErrorContext | None) -> dict[str, object] | None:
    """A failure for a JSON document."""
    if error is None:
        return None
    return {
        "node": error.node,
        "attempt": error.attempt,
        "item": error.item,
        "exception": error.exception,
        "message": error.message,
        "traceback": error.traceback,
    }
