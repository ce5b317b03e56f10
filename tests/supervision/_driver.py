"""A supervision with obliging children: they start and stop as told, and at once."""

from __future__ import annotations

from collections import deque
from typing import Literal

import attrs
import trio

from processengine.supervision import Intensity
from processengine.supervision._actions import Action, Finish, Ready, Start, Stop, Tell
from processengine.supervision._backoff import AT_ONCE, Backoff
from processengine.supervision._child import Child
from processengine.supervision._policy import Policy
from processengine.supervision._strategy import RestartType, Strategy
from processengine.supervision._supervision import Supervision

Trace = list[tuple[Literal["start", "stop"], str]]
STRATEGIES: tuple[Strategy, ...] = ("one_for_one", "one_for_all", "rest_for_one", "dynamic")
TYPES: tuple[RestartType, ...] = ("permanent", "transient", "temporary")
PATIENT = Intensity(1000, 5.0)


async def service() -> None:
    await trio.sleep_forever()


def make(
    names: str = "abc",
    strategy: Strategy = "one_for_one",
    intensity: Intensity = PATIENT,
    backoff: Backoff = AT_ONCE,
) -> Supervision:
    policy = Policy(strategy=strategy, intensity=intensity, backoff=backoff)
    return Supervision("top", [Child(name, service) for name in names], policy)


@attrs.define
class Driver:
    """Obliging children: they start and stop as told, at once, but for as many starts as fail."""

    supervision: Supervision
    now: float = 0.0
    trace: Trace = attrs.Factory(Trace)
    notices: list[object] = attrs.Factory(list[object])
    failing: dict[str, int] = attrs.Factory(dict[str, int])
    finish: Finish | None = None
    is_ready: bool = False

    def is_over(self) -> bool:
        return self.finish is not None

    def take(self, actions: list[Action]) -> None:
        todo = deque(actions)
        while todo:
            todo.extend(self.do(todo.popleft()))

    def do(self, action: Action) -> list[Action]:
        if isinstance(action, Start):
            return self.do_start(action.child.name)
        if isinstance(action, Stop):
            self.trace.append(("stop", action.name))
            return self.supervision.ended(action.name, self.now)
        if isinstance(action, Tell):
            self.notices.append(action.notice)
        elif isinstance(action, Finish):
            self.finish = action
        elif isinstance(action, Ready):
            self.is_ready = True
        return []

    def do_start(self, name: str) -> list[Action]:
        self.trace.append(("start", name))
        if self.failing.get(name, 0):
            self.failing[name] -= 1
            return self.supervision.ended(name, self.now, error=OSError(name))
        return self.supervision.started(name, self.now)

    def crash(self, name: str, error: Exception | None = None) -> None:
        crash = error or ValueError(name)
        self.take(self.supervision.ended(name, self.now, error=crash))

    def begun(self) -> Driver:
        self.take(self.supervision.start(self.now))
        self.trace.clear()
        return self


def words(trace: Trace) -> str:
    """A trace in short: `-c +b` is c stopped, then b started."""
    return " ".join(("+" if what == "start" else "-") + name for what, name in trace)
