"""Phases of tokens and of executions: closed choices, each stored under its tag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ..execution import (
    ACTIVE,
    COMPLETED,
    QUEUED,
    READY,
    RUNNING,
    Active,
    BackingOff,
    Calling,
    Control,
    Delayed,
    Ending,
    ErrorContext,
    Expanded,
    Finished,
    Paused,
    Pausing,
    Queued,
    Ready,
    Running,
    Stopping,
    TokenPhase,
    Waiting,
)
from ._codec_errors import UnknownRecord
from ._values import ValueCodec

Tagged = tuple[str, dict[str, Any]]

PHASES: dict[str, type[TokenPhase]] = {
    "running": Running,
    "ready": Ready,
    "stopping": Stopping,
    "backing_off": BackingOff,
    "delayed": Delayed,
    "waiting": Waiting,
    "expanded": Expanded,
    "calling": Calling,
}
CONTROLS: dict[str, type[Control]] = {
    "queued": Queued,
    "active": Active,
    "pausing": Pausing,
    "paused": Paused,
    "ending": Ending,
    "finished": Finished,
}
_TAGS: dict[type, str] = {cls: tag for tag, cls in (*PHASES.items(), *CONTROLS.items())}
# What the engine recognises by identity.
_SHARED_PHASES: dict[type, TokenPhase] = {Running: RUNNING, Ready: READY}
_SHARED_CONTROLS: dict[type, Control] = {Queued: QUEUED, Active: ACTIVE}

Each = Callable[[Any], Any]


def tagged_phase(phase: TokenPhase, values: ValueCodec) -> Tagged:
    """The tag of a token's phase, and its fields."""
    tag, fields = _tagged(phase)
    if isinstance(phase, Expanded):
        fields["items"] = values.items(phase.items)
        fields["results"] = values.items(phase.results)
    elif isinstance(phase, Calling):
        fields["inputs"] = values.variables(phase.inputs)
    return tag, fields


def phase_again(stored: Tagged) -> TokenPhase:
    """The phase of a token."""
    cls = _class_of(PHASES, stored[0])
    return _SHARED_PHASES.get(cls) or msgspec.convert(stored[1], cls)


def tagged_control(control: Control, token: Each, message: Each) -> Tagged:
    """The tag of an execution's phase, and its fields; tokens and messages as given."""
    tag, fields = _tagged(control)
    if isinstance(control, Pausing):
        fields["deferred"] = [(message(each), reply) for each, reply in control.deferred]
    elif isinstance(control, Ending):
        fields["abandoned"] = [token(each) for each in control.abandoned]
    return tag, fields


def control_again(stored: Tagged, token: Each, message: Each) -> Control:
    """The phase of an execution."""
    tag, fields = stored
    cls = _class_of(CONTROLS, tag)
    if cls is Pausing:
        deferred = [(message(each), reply) for each, reply in fields.pop("deferred")]
        return Pausing(**fields, deferred=deferred)
    if cls is Ending:
        abandoned = tuple(map(token, fields.pop("abandoned")))
        error = msgspec.convert(fields.pop("error"), ErrorContext | None)
        return Ending(**fields, error=error, abandoned=abandoned)
    control: Control = _SHARED_CONTROLS.get(cls) or msgspec.convert(fields, cls)
    return COMPLETED if control == COMPLETED else control


def _tagged(value: TokenPhase | Control) -> Tagged:
    return _TAGS[type(value)], msgspec.structs.asdict(value)


def _class_of(classes: dict[str, type[Any]], tag: str) -> type[Any]:
    try:
        return classes[tag]
    except KeyError:
        raise UnknownRecord("snapshot", f"phase {tag!r} is not known") from None
