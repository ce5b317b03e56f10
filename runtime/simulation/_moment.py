"""The runtime at a moment of virtual time: who supervises whom while an execution is under way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import trio

from ...supervision import TreeNode
from .. import open_runtime
from ..definition import ProcessDefinition, check_inputs, recorded_durations
from ..execution import State
from ._stage import Stage
from ._turnstile import Turnstile


@attrs.frozen
class Moment:
    """The supervision tree of a runtime, and the state of the execution that was spawned there."""

    tree: TreeNode
    state: State


def moment_of(
    definition: ProcessDefinition,
    after: float = 0.0,
    *,
    inputs: Mapping[str, Any] | None = None,
    signals: Iterable[tuple[str, Any]] = (),
    seed: int = 0,
) -> Moment:
    """Run one execution in virtual time for `after` seconds, look, and cancel it.

    Functions are called as `simulate` does, which see, also for what blocks; nought `after` is
    right after the first ones have begun. Raises `InputError`.
    """
    given = check_inputs(definition, inputs or {})
    glimpse = _Glimpse(definition, after, given, tuple(signals), seed)
    from trio.testing import MockClock  # here, as in `simulate`

    return trio.run(glimpse.take, clock=MockClock(autojump_threshold=0))


@attrs.frozen
class _Glimpse:
    """One execution, ready to be run up to a moment."""

    definition: ProcessDefinition
    after: float
    inputs: Mapping[str, Any]
    signals: tuple[tuple[str, Any], ...]
    seed: int

    async def take(self) -> Moment:
        from trio.testing import wait_all_tasks_blocked  # here, as in `simulate`

        turnstile = Turnstile(self.seed)
        trio.lowlevel.spawn_system_task(turnstile.run)
        staged = Stage(recorded_durations(self.definition), turnstile).staged(self.definition)
        async with open_runtime(execution_timeout=None, seed=self.seed) as runtime:
            handle = await runtime.spawn(staged, self.inputs, id=staged.id)
            for name, payload in self.signals:
                handle.signal(name, payload)
            await trio.sleep(self.after)
            await wait_all_tasks_blocked()
            return Moment(runtime.tree(), handle.status().state)
