"""How much memory a value takes, roughly, without encoding it."""

from __future__ import annotations

import sys
from collections.abc import Iterable

SMALL = frozenset((type(None), bool, int, float))
"""Types whose values count as 0 bytes: an execution has as many as it has variables."""

_LEAVES = (str, bytes, bytearray, complex, range, memoryview)


def size_of(value: object) -> int:
    """Bytes taken by a value and everything it refers to, each object once; 0 for small ones.

    Containers, dataclass-like objects (`__dict__`, `__slots__`) and buffers (`nbytes`) are followed;
    modules, classes and functions are not. Linear in the number of objects; does not recurse.
    """
    if type(value) in SMALL:
        return 0
    total, seen, stack = 0, set[int](), [value]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind in SMALL or id(item) in seen or isinstance(item, type) or callable(item):
            continue
        seen.add(id(item))
        total += sys.getsizeof(item, 64)
        if not isinstance(item, _LEAVES):
            stack.extend(_parts(item))
        nbytes = getattr(item, "nbytes", None)
        if isinstance(nbytes, int):
            total = max(total, nbytes)
    return total


def _parts(item: object) -> Iterable[object]:
    if isinstance(item, dict):
        return (*item.keys(), *item.values())
    if isinstance(item, (list, tuple, set, frozenset)):
        return item
    fields = getattr(item, "__dict__", None)
    parts = list(fields.values()) if isinstance(fields, dict) else []
    for cls in type(item).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        names = (slots,) if isinstance(slots, str) else tuple(slots)
        parts += [getattr(item, name, None) for name in names if not name.startswith("__")]
    return parts


def owned(value: object) -> object:
    """A copy in which containers (dict, list, set) are new, so that nobody else can change them.

    Other objects are shared; tuples too, if nothing in them had to be copied. Does not recurse
    deeper than the nesting of the data.
    """
    kind = type(value)
    if kind is dict:
        return {key: owned(item) for key, item in value.items()}  # type: ignore[attr-defined]
    if kind is list:
        return [owned(item) for item in value]  # type: ignore[attr-defined]
    if kind is set:
        return set(value)  # type: ignore[call-overload]
    return value
