"""A state as plain data, so that two of them can be compared."""

from __future__ import annotations

from typing import Any

import msgspec

from ..execution import ExecutionState, Token


def dump(state: ExecutionState) -> dict[str, Any]:
    """Everything an execution is, as plain data: equal for equal states.

    What merely speeds up the next turn is left out (which joins are watched because of whom), and
    so is what the shell notes down.
    """
    return {
        "control": _plain(state.control),
        "memory": state.memory,
        "sizes": state.sizes or {},
        "tokens": [_token(token) for token in state.tokens.values()],
        "steps": state.steps,
        "arrived": state.arrived,
        "deadline": state.deadline,
        "signals": list(state.signals or ()),
        "joins": {index: _join(join) for index, join in sorted((state.joins or {}).items())},
    }


def _plain(value: msgspec.Struct) -> tuple[str, Any]:
    fields = msgspec.structs.asdict(value)
    if "abandoned" in fields:
        fields["abandoned"] = [_token(token) for token in fields["abandoned"]]
    return type(value).__name__, fields


def _token(token: Token) -> dict[str, Any]:
    fields = msgspec.structs.asdict(token)
    del fields["worker"]
    return {**fields, "node": token.node.name, "phase": _plain(token.phase)}


def _join(join: msgspec.Struct) -> dict[str, Any]:
    fields = msgspec.structs.asdict(join)
    for note in ("node", "witness", "witness_slot", "leaning"):
        fields.pop(note, None)
    return fields
