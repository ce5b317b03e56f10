"""The messages that control an actor: values with explicit tags, sorted into two lanes.

Source: the control vocabulary of OTP's `sys` module (suspend, resume, terminate), extended by what
a process needs. Tags are persisted; class names and module paths are not.
"""

from typing import Any, ClassVar, Literal

import msgspec

Lane = Literal["control", "user"]
PauseMode = Literal["drain", "interrupt"]
PausedTimeouts = Literal["hold", "run"]


class Message(msgspec.Struct, frozen=True, tag_field="type"):
    """One message to an actor.

    The `control` lane overtakes the `user` lane and is never full: what controls an actor, and what
    the engine itself tells it, always gets through. `recorded` says whether it can change anything.
    """

    lane: ClassVar[Lane] = "control"
    recorded: ClassVar[bool] = True


class Pause(Message, frozen=True, tag="pause"):
    """Start no node from this turn on.

    `mode="drain"` lets attempts in flight end; `"interrupt"` cancels them and starts them again on
    resume. `timeouts="hold"` stops the timeouts of the execution and of its waits while paused.
    """

    mode: PauseMode = "drain"
    timeouts: PausedTimeouts = "hold"


class Resume(Message, frozen=True, tag="resume"):
    """Go on after a pause; one that is still draining is paused first, then resumed."""


class Cancel(Message, frozen=True, tag="cancel"):
    """End the execution now; beats a pause and everything queued."""

    reason: str = "cancelled"


class Query(Message, frozen=True, tag="query"):
    """Read variables of the memory; `names` empty means all of them."""

    recorded: ClassVar[bool] = False
    names: tuple[str, ...] = ()


class Retry(Message, frozen=True, tag="retry"):
    """Start the node's attempt again now: cut a back-off short, interrupt one in flight."""

    node: str


class Skip(Message, frozen=True, tag="skip"):
    """Leave the node by port `out` without (further) running it; memory is not written."""

    node: str


class Signal(Message, frozen=True, tag="signal"):
    """Hand `payload` to the node that waits for `name`; kept if it comes before the wait.

    `size` is in bytes, measured by the sender.
    """

    lane: ClassVar[Lane] = "user"
    name: str
    payload: Any = None
    size: int = 0


class Update(Message, frozen=True, tag="update"):
    """Write variables into the memory, all in one turn.

    `sizes` are in bytes, measured by the sender; a value too small to count is left out.
    """

    lane: ClassVar[Lane] = "user"
    changes: dict[str, Any]
    sizes: dict[str, int] = {}
