"""The memory of an execution: who writes it, how large it is, and its limit.

Sizes are measured outside of the transition and come in with the messages, so that a replay counts
the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._errors import MemoryLimitExceeded
from ._state import ExecutionState


def take(state: ExecutionState, inputs: dict[str, Any], sizes: Mapping[str, int]) -> None:
    """Take inputs as variables; the message that brings them and the memory share them, if first.

    Until another variable is written: so an execution that has done nothing yet saves 184 bytes.
    """
    if not state.memory and not sizes:
        state.memory, state.memory_is_lent = inputs, True
        return
    for name, value in inputs.items():
        write(state, name, value, sizes.get(name, 0))


def write(state: ExecutionState, name: str, value: Any, size: int) -> None:
    """Write a variable; `size` in bytes, 0 for a value too small to count."""
    if state.memory_is_lent:
        state.memory, state.memory_is_lent = dict(state.memory), False
    state.memory[name] = value
    if size or state.sizes:
        sizes = state.sizes if state.sizes is not None else {}
        state.memory_size += size - sizes.pop(name, 0)
        if size:
            sizes[name] = size
        state.sizes = sizes


def check_memory(state: ExecutionState, sizes: Mapping[str, int]) -> None:
    """Raise `MemoryLimitExceeded` if writing variables of these sizes would break the limit."""
    if sizes:
        check_sizes(sizes, state.memory_size, state.sizes or {}, state.limits.memory)


def check_sizes(
    sizes: Mapping[str, int], used: int, present: Mapping[str, int], limit: int
) -> None:
    """As `check_memory`, for a memory of `used` bytes in which `present` variables are replaced."""
    for name, size in sizes.items():
        used -= present.get(name, 0)
        if used + size > limit:
            raise MemoryLimitExceeded(name, size, used, limit)
        used += size
