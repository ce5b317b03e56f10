"""What is to be done after a turn, as values. A `Token` among them means: start its attempt."""

from typing import Any

import msgspec

from ...actors import Message, Reply
from ._state import Token


class Stop(msgspec.Struct, gc=False):
    """Cancel the attempt that runs for this token; its outcome will say when it has stopped."""

    token: Token


class Hold(msgspec.Struct, gc=False):
    """Start no attempt that has not begun; `Held` tells of each."""


class WakeAt(msgspec.Struct, gc=False):
    """Send `Due(step, due)` at that time."""

    due: float
    step: int


class Answer(msgspec.Struct, gc=False):
    """Answer the message with that reply number."""

    reply: int
    value: object


class Refuse(msgspec.Struct, gc=False):
    """Fail the message with that reply number."""

    reply: int
    error: Exception


class CallChild(msgspec.Struct, gc=False):
    """Begin a child execution on behalf of a step; `again` if that may have been done before."""

    step: int
    child: str
    inputs: dict[str, object]
    again: bool = False


class TellChild(msgspec.Struct, gc=False):
    """Pass a control message on to the child execution of a step."""

    step: int
    child: str
    message: Message


class Closing(msgspec.Struct, gc=False):
    """The execution is ending but attempts are still in flight: grant them their grace."""


class TooLate(msgspec.Struct, gc=False):
    """Tell a sender that its message came after the end; the shell's own, no turn asks for it."""

    message: Message
    reply: Reply[Any]


class Ended(msgspec.Struct, gc=False):
    """The execution has ended, once and for all; `abandoned` attempts did not stop in time."""

    abandoned: tuple[Token, ...] = ()


Effect = (
    Token | Stop | Hold | WakeAt | Answer | Refuse | CallChild | TellChild | Closing | TooLate
    | Ended
)  # fmt: skip
Effects = list[Effect]
