"""What a node function may know about the attempt it runs in."""

from collections.abc import Callable

import attrs


def _never() -> bool:
    return False


@attrs.frozen
class NodeContext:
    """One attempt of one node; a function gets it by annotating a parameter with this type.

    `step` numbers the nodes entered by the execution, `attempt` counts from 1 within the step.
    """

    execution: str
    incarnation: int
    definition: str
    node: str
    step: int
    attempt: int
    item: int | None = None
    cancelled: Callable[[], bool] = attrs.field(default=_never, repr=False, eq=False)

    @property
    def idempotency_key(self) -> str:
        """The same for all attempts of a step, also after a crash: a service can drop repeats."""
        suffix = "" if self.item is None else f"/{self.item}"
        return f"{self.execution}/{self.step}{suffix}"

    def is_cancelled(self) -> bool:
        """Whether this attempt was told to stop; for threads, which trio cannot interrupt."""
        return self.cancelled()
