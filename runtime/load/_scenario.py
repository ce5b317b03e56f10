"""What a load test runs: a process, how many executions of it, and what is expected of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs

from ..definition import ProcessDefinition
from ._errors import UnfitScenario
from ._figures import FIGURES


@attrs.frozen
class Target:
    """What a figure should keep to: at most `limit`, or at least, as the figure is.

    `figure` is a name in `FIGURES`; times are in seconds, shares from 0 to 1.
    """

    figure: str
    limit: float

    def __str__(self) -> str:
        figure = FIGURES[self.figure]
        return (
            f"{figure.words} {'<=' if figure.better == 'less' else '>='} {figure.shown(self.limit)}"
        )


@attrs.frozen(kw_only=True)
class Scenario:
    """So many executions of a process, begun together or at a rate.

    Without a `rate` all `executions` are spawned at once; with one they come at random (a Poisson
    process), so many a second on average, whether earlier ones have ended or not. `inputs` and
    `signals` are given to each. With `pause_after`, each is paused so many seconds after its spawn,
    or later if it has not begun by then, and resumed as soon as that is answered. `body` says in
    words what its functions do.

    Raises `UnfitScenario`.
    """

    name: str
    definition: ProcessDefinition = attrs.field(repr=str)
    executions: int
    inputs: Mapping[str, Any] | None = None
    signals: tuple[tuple[str, Any], ...] = ()
    rate: float | None = None
    pause_after: float | None = None
    targets: tuple[Target, ...] = ()
    body: str = "its own"

    def __attrs_post_init__(self) -> None:
        if self.executions < 1:
            self._refuse("executions", self.executions, "a whole number from 1")
        if self.rate is not None and not 0 < self.rate < math.inf:
            self._refuse("rate", self.rate, "a number of executions a second above 0")
        if self.pause_after is not None and not 0 <= self.pause_after < math.inf:
            self._refuse("pause_after", self.pause_after, "a number of seconds from 0")
        for target in self.targets:
            if target.figure not in FIGURES:
                self._refuse("targets", target.figure, f"one of {', '.join(FIGURES)}")

    def _refuse(self, field: str, value: object, expected: str) -> None:
        raise UnfitScenario(self.name, field, value, expected)
