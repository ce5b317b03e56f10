"""A recorded message of every type, and values of every type that can be stored."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import cattrs
import msgspec

from processengine.actors import Cancel, Message, Pause, Resume, Retry, Signal, Skip, Update
from processengine.runtime.execution import (
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
    ErrorContext,
    Failed,
    GraceOver,
    Held,
    Interrupted,
    Lists,
    Overdue,
    Revived,
    Rewound,
    Waits,
)
from processengine.runtime.store._value_types import ValueTypes

ERROR = ErrorContext("charge", 3, 2, "shop.Declined", "no funds", 4.5, (("a.py", 7, "f"),), 1)


@attrs.frozen
class Money:
    amount: Decimal
    _currency: str = "EUR"
    note: Any = attrs.field(default=None, init=False)


@dataclasses.dataclass
class Line:
    sku: str
    price: Money
    tags: set[str]


class Parcel(msgspec.Struct):
    lines: list[Line]
    sent: dt.date


class Colour(enum.Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: int


class Legacy:
    """A class of no declared fields."""

    def __init__(self, content: str) -> None:
        self.content = content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Legacy) and other.content == self.content

    __hash__ = None  # type: ignore[assignment]


def registered() -> ValueTypes:
    converter = cattrs.Converter()
    converter.register_unstructure_hook(Legacy, lambda legacy: legacy.content)
    converter.register_structure_hook(Legacy, lambda content, _: Legacy(content))
    types = ValueTypes()
    for cls, tag in ((Money, "money"), (Line, "line"), (Parcel, "parcel"), (Colour, "colour")):
        types.register(cls, tag)
    types.register(Point, "point")
    types.register(Legacy, "legacy", converter)
    return types


EVERY_VALUE: dict[Any, Any] = {
    "plain": [None, True, -1, 2**64 - 1, 0.5, "text", b"bytes", {"a": {1: [2]}}],
    "tuple": (1, (2, [3, ()])),
    "sets": [{1, "a"}, frozenset({(1, 2)})],
    "bytes": [b"", bytearray(b"x")],
    "numbers": [2**64, -(2**63) - 1, 1 + 2j, Decimal("1.10"), range(1, 9, 2)],
    "days": [dt.date(2026, 2, 28), dt.timedelta(days=-1, microseconds=3)],
    "times": [
        dt.time(1, 2, 3, 4),
        dt.datetime(2026, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001
        dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        dt.datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("UTC"), fold=1),
        dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=-3, minutes=30))),
    ],
    "names": [UUID(int=7), Path("a/b"), "\udcff", Path("\udcff")],
    "keys": {1: "int", "1": "str", (1, 2): "tuple", None: 0, 0.5: 1},
    "error": ERROR,
    "own": [Parcel([Line("x", Money(Decimal(1), "USD"), {"new"})], dt.date(2026, 1, 1))],
    "kinds": [Colour.RED, Point(1, 2), Legacy("old")],
}

SAMPLES: dict[str, Message] = {
    "begin": Begin(
        {"order": {"sku": "x"}, "pair": (1, 2)}, {"order": 99}, 60.0, (4, 1.0, 30.0, 1000, 100)
    ),
    "calls": Calls(4, 1, "child", {"given": {1}}),
    "cancel": Cancel("enough"),
    "child_ended": ChildEnded(4, "child", "failed", {"a": (1,)}, ERROR, "why", 5, 0.25),
    "child_paused": ChildPaused(4),
    "chose": Chose(2, 1, ("left", "right")),
    "completed": Completed(1, 2, "out", EVERY_VALUE, 12, 0.5),
    "delays": Delays(2, 1, 9.5),
    "due": Due(0, 60.0),
    "ends": Ends(7, 1),
    "enters": Enters({"a": (1,)}, {"a": 60}, (4, 1.0, 30.0, 1000, 100)),
    "failed": Failed(3, 2, ERROR, True, 0.5, 1.0, 2.0, True),
    "grace_over": GraceOver(),
    "held": Held(1, 1),
    "interrupted": Interrupted(1, 1, False, 2.5),
    "lists": Lists(5, 1, [1, (2,), {3}]),
    "overdue": Overdue(1, 2, 0.75),
    "pause": Pause("interrupt", "run"),
    "resume": Resume(),
    "retry": Retry("charge"),
    "revived": Revived(3),
    "rewound": Rewound("one", 3, 1.5, b"state", "0123"),
    "signal": Signal("go", (1, b"x"), 7),
    "skip": Skip("charge"),
    "update": Update({"limit": Decimal("9.99")}, {"limit": 40}),
    "waits": Waits(6, 1, None),
}


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same types, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return same(_pairs(one), _pairs(other))
    if type(one) in (list, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) in (set, frozenset):
        return bool(one == other) and sorted(map(_type, one)) == sorted(map(_type, other))
    if isinstance(one, Money):
        return same([one.amount, one.note], [other.amount, other.note])
    return repr(one) == repr(other) or bool(one == other)


def _pairs(values: Any) -> list[Any]:
    return [[key, value] for key, value in values.items()]


def _type(value: object) -> str:
    return type(value).__name__
