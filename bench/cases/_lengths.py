"""How long every container of the engine is: found by walking its objects, not from a list of them.

So a structure that is added later is watched too.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sized
from types import ModuleType
from typing import Any, cast
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

OURS = "processengine"
CONTAINERS = (
    dict, list, set, frozenset, deque, WeakKeyDictionary, WeakSet, WeakValueDictionary,
)  # fmt: skip

FILL_UP = frozenset({"Recorder._counts"})
"""Buckets of histograms: 1,300 in each at most, and an hour does not fill them all."""

Lengths = dict[str, int]
"""The sum of the lengths of all containers that are held under one name."""


def lengths(root: object) -> Lengths:
    """The containers behind an object, and those in the modules of the engine, by class and field.

    Containers in containers count under the name of the outer one. Bounded caches of functions
    count as containers.
    """
    found: Counter[str] = Counter()
    seen: set[int] = set()
    # The nearest first: what several hold is then named by its owner, and always alike.
    waiting: deque[tuple[str, object]] = deque([("", root), *_in_modules()])
    while waiting:
        name, value = waiting.popleft()
        if id(value) in seen:
            continue
        seen.add(id(value))
        length = _length(value)
        if length is not None:
            found[name] += length
        waiting.extend(_inside(name, value))
    return dict(found)


def _length(value: object) -> int | None:
    """How many things a container or a cache holds; None of anything else."""
    if isinstance(value, CONTAINERS):
        return len(cast(Sized, value))
    is_cache = hasattr(value, "cache_info") and not isinstance(value, type)
    return int(cast(Any, value).cache_info().currsize) if is_cache else None


def _in_modules() -> Iterator[tuple[str, object]]:
    for module, loaded in list(sys.modules.items()):
        if module.partition(".")[0] == OURS:
            for name, value in list(vars(loaded).items()):
                if not name.startswith("__"):
                    yield f"{module}.{name}", value


def _inside(name: str, value: object) -> Iterator[tuple[str, object]]:
    """What an object holds, with the name that it is held under."""
    if isinstance(value, (type, ModuleType)):
        return
    if isinstance(value, Mapping):
        pairs = cast(Mapping[object, object], value)
        yield from ((f"{name}[]", part) for pair in list(pairs.items()) for part in pair)
    elif isinstance(value, (list, tuple, set, frozenset, deque)):
        items = cast(list[object], value)
        yield from ((f"{name}[]", item) for item in list(items))
    elif type(value).__module__.partition(".")[0] == OURS:
        owner = type(value).__name__
        yield from ((f"{owner}.{field}", held) for field, held in _fields(value))


def _fields(value: object) -> Iterator[tuple[str, object]]:
    yield from list(vars(value).items()) if hasattr(value, "__dict__") else ()
    for kind in type(value).__mro__:
        slots: object = kind.__dict__.get("__slots__", ())
        names = (slots,) if isinstance(slots, str) else cast(tuple[str, ...], slots)
        for name in names:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                yield name, getattr(value, name)


def grown(samples: list[Lengths]) -> dict[str, tuple[int, int]]:
    """The names whose lengths grew: the longest of the second quarter, the shortest of the last.

    What leaks has grown by two thirds at least between those; what has come to rest differs by
    chance, for which a fifth is allowed. `FILL_UP` is left out.
    """
    quarter = max(1, len(samples) // 4)
    middle, end = samples[quarter : 2 * quarter], samples[-quarter:]
    names = {name for sample in end for name in sample} - FILL_UP
    levels = {
        name: (max(each.get(name, 0) for each in middle), min(each.get(name, 0) for each in end))
        for name in sorted(names)
    }
    return {name: level for name, level in levels.items() if level[1] > level[0] * 1.2 + 2}
