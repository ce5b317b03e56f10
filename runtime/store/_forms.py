"""The builtin types that msgpack does not know, each with a number that is kept for ever."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import attrs
import msgspec

from ..execution import ErrorContext
from ._codec_errors import UnknownRecord, UnstorableValue


@attrs.frozen
class Form:
    """How values of one type are put as simpler ones: `code` is the extension type's number."""

    code: int
    to_plain: Callable[[Any], object]
    from_plain: Callable[[Any], object]


def _zone(moment: dt.datetime | dt.time) -> str | float | None:
    """None, the offset from UTC in seconds, or the name of a time zone."""
    zone = moment.tzinfo
    if zone is None:
        return None
    if type(zone) is dt.timezone:
        return zone.utcoffset(None).total_seconds()
    from zoneinfo import ZoneInfo  # it looks at how Python was built, which takes 3 ms

    if type(zone) is ZoneInfo and zone.key is not None:  # pyright: ignore[reportUnnecessaryComparison]
        return zone.key
    raise UnstorableValue("", type(zone).__qualname__, "use datetime.timezone or zoneinfo.ZoneInfo")


def _zone_again(zone: str | float | None) -> dt.tzinfo | None:
    if zone is None:
        return None
    if not isinstance(zone, str):
        return dt.timezone(dt.timedelta(seconds=zone))
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(zone)
    except ZoneInfoNotFoundError as error:
        raise UnknownRecord("value", f"there is no time zone {zone!r} here") from error


def _moment(value: dt.datetime | dt.time) -> object:
    return [value.replace(tzinfo=None).isoformat(), _zone(value), value.fold]


def _datetime_again(plain: Any) -> dt.datetime:
    text, zone, fold = plain
    return dt.datetime.fromisoformat(text).replace(tzinfo=_zone_again(zone), fold=fold)


def _time_again(plain: Any) -> dt.time:
    text, zone, fold = plain
    return dt.time.fromisoformat(text).replace(tzinfo=_zone_again(zone), fold=fold)


def _unicode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _unicode_again(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


FORMS: dict[type, Form] = {
    tuple: Form(1, list, tuple),
    set: Form(2, list, set),
    frozenset: Form(3, list, frozenset),
    bytearray: Form(4, bytes, bytearray),
    complex: Form(5, lambda value: [value.real, value.imag], lambda plain: complex(*plain)),
    range: Form(
        6, lambda value: [value.start, value.stop, value.step], lambda plain: range(*plain)
    ),
    Decimal: Form(7, str, Decimal),
    UUID: Form(8, lambda value: value.bytes, lambda plain: UUID(bytes=plain)),
    type(Path()): Form(9, lambda value: _unicode(str(value)), lambda p: Path(_unicode_again(p))),
    dt.datetime: Form(10, _moment, _datetime_again),
    dt.time: Form(11, _moment, _time_again),
    dt.date: Form(12, dt.date.isoformat, dt.date.fromisoformat),
    dt.timedelta: Form(
        13, lambda value: [value.days, value.seconds, value.microseconds],
        lambda plain: dt.timedelta(*plain),
    ),
    ErrorContext: Form(
        14, msgspec.to_builtins, lambda plain: msgspec.convert(plain, ErrorContext)
    ),
}  # fmt: skip

# What msgpack knows, but not every value of it.
LARGE_INTEGER: Final = Form(15, hex, lambda plain: int(plain, 16))
BROKEN_TEXT: Final = Form(16, _unicode, _unicode_again)
ODD_KEYS: Final = Form(17, lambda value: [list(pair) for pair in value.items()], dict)
OCCASIONAL: Final = (LARGE_INTEGER, BROKEN_TEXT, ODD_KEYS)


def is_plain_key(key: object) -> bool:
    """Whether msgpack gives a text or an integer back as it is; false for any other key."""
    if type(key) is str:
        return key.isascii() or _is_unicode(key)
    return type(key) is int and -(2**63) <= key < 2**64


def _is_unicode(text: str) -> bool:
    """Whether it has no lone surrogate, as names of files may have."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
