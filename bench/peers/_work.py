"""The kinds of work that are compared, and how much of each is done in one run."""

from __future__ import annotations

import attrs


@attrs.frozen
class Size:
    """How much is to be done: executions, and steps (or messages) of each."""

    executions: int
    steps: int

    @property
    def count(self) -> int:
        """Steps in all."""
        return self.executions * self.steps

    @property
    def total(self) -> int:
        """What all values add up to: step number k gives k."""
        return self.executions * sum(range(self.steps))


@attrs.frozen(kw_only=True)
class Work:
    """One kind of work; `bar` and `stretch` say how many times faster than any peer ours should be.

    `size` is for those whose program names none. `on_disk`: what it leaves there is measured.
    """

    name: str
    title: str
    unit: str
    size: Size
    bar: float | None = None
    stretch: float | None = None
    on_disk: bool = False


WORKS = {
    work.name: work
    for work in (
        Work(
            name="durable",
            title="A chain of 10 steps, each on the disk before the next begins",
            unit="step",
            size=Size(200, 10),
            bar=100,
            stretch=300,
            on_disk=True,
        ),
        Work(
            name="memory",
            title="A chain of 10 steps in memory",
            unit="step",
            size=Size(1000, 10),
            bar=20,
            stretch=40,
        ),
        Work(
            name="tell",
            title="Messages to an actor, without an answer",
            unit="message",
            size=Size(1, 20_000),
        ),
        Work(
            name="ask",
            title="Messages to an actor, each answered before the next",
            unit="message",
            size=Size(1, 20_000),
        ),
    )
}
