"""What happens to an execution: the messages of its turns beside the control messages, as recorded.

All are msgspec structs with explicit, persisted tags. Together with the control messages of
`processengine.actors` they are the whole input of the transition function: replaying them gives the
state. Times are seconds on the runtime's clock.
"""

from typing import Any, Literal, NamedTuple

import msgspec

from ...actors import Message

EndState = Literal["completed", "failed", "cancelled", "timed_out"]
END_STATES: tuple[EndState, ...] = ("completed", "failed", "cancelled", "timed_out")


class ErrorContext(msgspec.Struct, frozen=True, tag="error", tag_field="type"):
    """A failure as a value: what failed, where, when, how often it had been tried.

    `exception` is the qualified class name; `frames` are (file, line, function), outermost first.
    """

    node: str
    step: int
    attempt: int
    exception: str
    message: str
    at: float
    frames: tuple[tuple[str, int, str], ...] = ()
    item: int | None = None

    def __str__(self) -> str:
        return f"{self.exception}: {self.message} (node {self.node!r}, attempt {self.attempt})"

    @property
    def traceback(self) -> str:
        """The stack at the failure, in Python's layout without source lines."""
        lines = [f'  File "{file}", line {line}, in {name}' for file, line, name in self.frames]
        return "\n".join([*lines, f"{self.exception}: {self.message}"])


LimitParts = tuple[int, float, float, int, int]
"""What of the runtime's options counts for an execution, as `Limits.parts` gives it."""


class Enters(Message, frozen=True, tag="enters", omit_defaults=True):
    """The execution is taken on, but not admitted yet; only one that is stored is told."""

    inputs: dict[str, Any]
    sizes: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    limits: LimitParts | None = None


class Begin(Message, frozen=True, tag="begin", omit_defaults=True):
    """The execution is admitted: tokens go to the start nodes.

    `sizes` are in bytes, of the inputs that count; `timeout` is in seconds. `limits` are those it
    keeps to the end, whatever the options of a later runtime; None: those of the runtime.
    """

    inputs: dict[str, Any]
    sizes: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    timeout: float | None = None
    limits: LimitParts | None = None


class Outcome(Message, frozen=True):
    """How an attempt came out; `step` and `attempt` tell which, and a stale one is ignored."""

    step: int
    attempt: int


class Completed(Outcome, frozen=True, tag="completed", gc=False):
    """An attempt returned `value` and leaves by `port`; `size` in bytes, 0 for small values."""

    port: str
    value: Any
    size: int
    started: float


class Chose(Outcome, frozen=True, tag="chose", gc=False):
    """A switch chose its ports."""

    ports: tuple[str, ...]


class Delays(Outcome, frozen=True, tag="delays", gc=False):
    """A delay node worked out until when it waits."""

    due: float


class Waits(Outcome, frozen=True, tag="waits", gc=False):
    """A wait node worked out until when it waits for its signal; None: for ever."""

    due: float | None


class Lists(Outcome, frozen=True, tag="lists"):
    """An each node worked out its items."""

    items: list[Any]


class Calls(Outcome, frozen=True, tag="calls"):
    """A process node worked out the inputs of its child execution."""

    child: str
    inputs: dict[str, Any]


class Ends(Outcome, frozen=True, tag="ends", gc=False):
    """A token has got to an end node."""


class Failed(Outcome, frozen=True, tag="failed"):
    """An attempt raised, or was refused by the guards of its group before it began.

    `draw` in [0, 1) is the randomness of the back-off it may be given, `after` (seconds) the least
    that it asked for; `started` is when the attempt began.
    """

    error: ErrorContext
    retryable: bool
    draw: float
    started: float | None = None
    after: float | None = None
    refused: bool = False


class Interrupted(Outcome, frozen=True, tag="interrupted", gc=False):
    """An attempt that was told to stop has stopped.

    It is not `retryable` if its group is out of budget; `started` is when it began.
    """

    retryable: bool = True
    started: float | None = None


class Held(Outcome, frozen=True, tag="held", gc=False):
    """An attempt had not begun when a pause came; it waits for the resume."""


class Overdue(Message, frozen=True, tag="overdue", gc=False):
    """An attempt has run longer than its node's timeout."""

    step: int
    attempt: int
    draw: float


class Due(Message, frozen=True, tag="due", gc=False):
    """The timer of a token has run out (step 0: the execution's own timeout)."""

    step: int
    due: float


class GraceOver(Message, frozen=True, tag="grace_over"):
    """Attempts that were told to stop did not within the grace period; they are given up."""


class ChildPaused(Message, frozen=True, tag="child_paused"):
    """The child execution of a step has paused."""

    step: int


class ChildEnded(Message, frozen=True, tag="child_ended"):
    """The child execution of a step has ended."""

    step: int
    child: str
    state: EndState
    memory: dict[str, Any]
    error: ErrorContext | None = None
    reason: str | None = None
    size: int = 0
    draw: float = 0.0


class Revived(Message, frozen=True, tag="revived"):
    """The host has died or was closed: whatever attempts were under way are made again."""

    incarnation: int


class Rewound(Message, frozen=True, tag="rewound", omit_defaults=True):
    """The execution goes on from an earlier state of itself, of another one, or a changed one.

    `state` is that, as it is stored, and as it was at `at`; a replay begins anew with it. Attempts
    and children are begun again, as is `step` (0: none). `before` is the hash of the definition
    that ran it up to here, `mail` the number of the letter that asked for it (0: none did).
    """

    source: str
    step: int
    at: float
    state: bytes
    before: str
    mail: int = 0


class Record(NamedTuple):
    """One turn in the history: when, and the message it took."""

    at: float
    message: Message
