"""What can go wrong while an execution runs, told to whoever can do something about it."""

import attrs

from ...actors import ProcessEngineError
from ...supervision import NonRetryable


@attrs.define(eq=False, repr=False, str=False)
class UnknownPort(NonRetryable):
    """A node function chose a port that its node does not offer."""

    node: str
    port: str
    offered: tuple[str, ...]

    def __str__(self) -> str:
        ports = ", ".join(map(repr, self.offered))
        return f"node {self.node!r} left by port {self.port!r}, but offers {ports}"


@attrs.define(eq=False, repr=False, str=False)
class NoCaseHolds(NonRetryable):
    """No condition of a switch holds and it has no default port."""

    node: str
    conditions: tuple[str, ...]

    def __str__(self) -> str:
        tried = ", ".join(self.conditions)
        return f"switch {self.node!r}: no case holds and there is no default (tried {tried})"


@attrs.define(eq=False, repr=False, str=False)
class UnfitValue(NonRetryable):
    """An expression gave a value that its node cannot use."""

    node: str
    field: str
    value: object
    expected: str

    def __str__(self) -> str:
        return (
            f"{self.field} of node {self.node!r}: expected {self.expected}, got {self.value!r:.120}"
        )


@attrs.define(eq=False, repr=False, str=False)
class MemoryLimitExceeded(NonRetryable):
    """Writing a variable would put the execution's memory above its limit (sizes in bytes)."""

    variable: str
    size: int
    used: int
    limit: int

    def __str__(self) -> str:
        return (
            f"variable {self.variable!r} of {self.size} bytes does not fit:"
            f" {self.used} of {self.limit} bytes are in use"
        )


@attrs.define(eq=False, repr=False, str=False)
class NotAtNode(ProcessEngineError):
    """A retry or skip names a node where there is nothing it could apply to."""

    node: str
    wanted: str
    there: tuple[str, ...]

    def __str__(self) -> str:
        if self.wanted == "retry" and self.node in self.there:
            return (
                f"cannot retry node {self.node!r}: only an attempt that runs there, or waits to be"
                " repeated, could be retried"
            )
        places = ", ".join(self.there) or "nowhere"
        return f"cannot {self.wanted} node {self.node!r}; control is at {places}"


@attrs.define(eq=False, repr=False, str=False)
class TooManySignals(ProcessEngineError):
    """The execution already keeps as many signals that nobody waits for as it may."""

    signal: str
    limit: int

    def __str__(self) -> str:
        return f"signal {self.signal!r} was refused: {self.limit} signals are waiting to be taken"


@attrs.define(eq=False, repr=False, str=False)
class NoSuchVariable(ProcessEngineError):
    """A query names variables that the memory does not have."""

    missing: tuple[str, ...]
    present: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"there is no variable {', '.join(map(repr, self.missing))};"
            f" the memory has {', '.join(self.present) or 'none'}"
        )
