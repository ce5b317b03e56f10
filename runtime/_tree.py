"""The supervisors of a runtime: who is under which, and what a fault takes down with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from ..supervision import Child, Intensity, Strategy, Supervisor
from ._executions import Executions


class Tree:
    """Supervises node groups, the host's own children, services and executions.

    Services start in their order, and a fault of one restarts those after it too. Branches end in
    reverse order: executions first. A branch that gives up is not restarted: the runtime ends.
    """

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        self._clock = clock
        self._random = random
        self.groups: Supervisor = self._supervisor("groups")
        self.host: Supervisor = self._supervisor("host")

    def rooted(self, services: Iterable[Child], executions: Executions) -> Supervisor:
        """The root, with everything under it."""
        return self._supervisor(
            "runtime",
            Child("services", self._supervisor("services", *services, strategy="rest_for_one")),
            Child("groups", self.groups),
            Child("host", self.host),
            Child("executions", executions),
            intensity=Intensity(restarts=0),
        )

    def _supervisor(
        self,
        name: str,
        *children: Child,
        strategy: Strategy = "one_for_one",
        intensity: Intensity = Intensity(),  # noqa: B008 - a value
    ) -> Supervisor:
        return Supervisor(
            name,
            children,
            strategy=strategy,
            intensity=intensity,
            clock=self._clock,
            random=self._random,
        )
