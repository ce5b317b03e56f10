"""Who owns a value: what goes into a memory or comes out of it is copied if it can be changed."""

from __future__ import annotations

from typing import Any, cast


def owned(value: Any) -> Any:
    """A copy in which containers (dict, list, set) are new, so that nobody else can change them.

    Other objects are shared, and so is what tuples hold. Shared and circular references stay as
    they are. Does not recurse.
    """
    if type(value) not in _COPIED:
        return value
    result = value.copy()
    copies: dict[int, Any] = {id(value): result}
    stack = [result]
    while stack:
        container = stack.pop()
        for key, item in _entries(container):
            if type(item) in _COPIED:
                copy = copies.get(id(item))
                if copy is None:
                    copy = copies[id(item)] = item.copy()
                    stack.append(copy)
                container[key] = copy
    return result


_COPIED: frozenset[type] = frozenset((dict, list, set))


def _entries(container: Any) -> list[tuple[Any, Any]]:
    """Keys and items, to be replaced in place; a set holds nothing that would have to be."""
    if isinstance(container, dict):
        return list(cast(Any, container).items())
    items: list[Any] = cast(Any, container) if isinstance(container, list) else []
    return list(enumerate(items))
