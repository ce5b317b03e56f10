"""How much memory a value takes, roughly, without encoding it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import chain
from typing import Any, cast

SMALL = frozenset((type(None), bool, int, float))
"""Types whose values count as 0 bytes: an execution has as many as it has variables."""

SHORT = 100
"""Characters up to which a text is small too: to keep account of its bytes would take more."""

_LEAVES = frozenset((str, bytes, bytearray, complex, range, memoryview))


def is_short(value: object) -> bool:
    """Whether it is a text that counts as 0 bytes."""
    return type(value) is str and len(value) <= SHORT


def size_of(value: object) -> int:
    """Bytes taken by a value and everything it refers to, each object once; 0 for small ones.

    Containers, dataclass-like objects (`__dict__`, `__slots__`) and buffers (`nbytes`) are
    followed; modules, classes and functions are not. Linear in the number of objects; does not
    recurse.
    """
    if type(value) in SMALL or is_short(value):
        return 0
    total = 0
    seen: set[int] = set()
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        if type(item) in SMALL or id(item) in seen or isinstance(item, type) or callable(item):
            continue
        seen.add(id(item))
        total += sys.getsizeof(item, 64)
        if type(item) not in _LEAVES:
            stack.extend(_parts(item))
        nbytes = getattr(item, "nbytes", None)
        if isinstance(nbytes, int):
            total = max(total, nbytes)
    return total


def _parts(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return chain(cast(Any, item.keys()), cast(Any, item.values()))
    if isinstance(item, (list, tuple, set, frozenset)):
        return cast(Iterable[Any], item)
    parts: list[Any] = list(getattr(item, "__dict__", {}).values())
    for cls in type(item).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        names = (slots,) if isinstance(slots, str) else tuple(slots)
        parts += [getattr(item, name, None) for name in names if not name.startswith("__")]
    return parts
