"""Does whoever checks the engine notice when it is wrong?"""

from collections.abc import Callable

import pytest

from processengine.actors import Pause
from processengine.runtime.execution import (
    AllJoin,
    Arrival,
    Ending,
    ExecutionState,
    Finished,
    Paused,
    Ready,
    Running,
    Stopping,
)
from processengine.testing import NodeSketch, Sketch, Table, check_invariants

DIAMOND = Sketch(
    tuple(NodeSketch() for _ in range(4)),
    ((0, "out", 1), (0, "out", 2), (1, "out", 3), (2, "out", 3)),
)
COUNTED = Sketch((NodeSketch(), NodeSketch(join=2)), ((0, "out", 1), (0, "other", 1)))


def begun(sketch: Sketch = DIAMOND) -> ExecutionState:
    table = Table(sketch.definition())
    table.begin()
    return table.root.state


def join_that_waits_in_vain(state: ExecutionState) -> None:
    node = state.routing.nodes[3]
    state.joins = {3: AllJoin(node, {0: [Arrival(1, None, None)]})}
    next(iter(state.tokens.values())).node = node


def token(state: ExecutionState) -> object:
    return next(iter(state.tokens.values()))


def change(**fields: object) -> Callable[[ExecutionState], None]:
    def break_it(state: ExecutionState) -> None:
        for name, value in fields.items():
            setattr(state, name, value)

    return break_it


def change_token(**fields: object) -> Callable[[ExecutionState], None]:
    def break_it(state: ExecutionState) -> None:
        for name, value in fields.items():
            setattr(token(state), name, value)

    return break_it


BROKEN: dict[str, Callable[[ExecutionState], None]] = {
    "in_flight is 5": change(in_flight=5),
    "calls is 1": change(calls=1),
    "memory_size is 7": change(memory_size=7),
    "sizes of variables that do not exist": change(sizes={"nothing": 0}),
    "filed under": change_token(step=4),
    "steps were counted": change(steps=0),
    "is at attempt 0": change_token(attempt=0),
    "is Ready while Active": change_token(phase=Ready()),
    "is Running while Paused": change(control=Paused("hold", 0.0)),
    "was not dropped at the end": change(control=Ending("failed", None, None, [])),
    "ended, but has tokens": change(control=Finished("completed", None, None)),
    "there is no token left": change(tokens={}, in_flight=0),
    "were left to look at": change(recheck={3}),
    "waits for what cannot come": join_that_waits_in_vain,
}


def test_a_state_of_the_engine_is_sound() -> None:
    check_invariants(begun())
    check_invariants(begun(COUNTED))


@pytest.mark.parametrize("fault", BROKEN)
def test_a_state_that_contradicts_itself_is_told_apart(fault: str) -> None:
    state = begun()
    BROKEN[fault](state)
    with pytest.raises(AssertionError, match=fault):
        check_invariants(state)


def test_a_pause_with_nothing_to_wait_for_is_told_apart() -> None:
    table = Table(DIAMOND.definition())
    table.begin()
    table.post("root", Pause())
    state = table.root.state
    check_invariants(state)
    state.tokens[1].phase = Ready()
    state.in_flight = 0
    with pytest.raises(AssertionError, match="pausing, but nothing is in flight"):
        check_invariants(state)


def test_a_table_notices_an_attempt_that_nobody_told_to_stop() -> None:
    table = Table(DIAMOND.definition())
    table.begin()
    token = table.root.attempts[1]
    assert isinstance(token.phase, Running)
    token.phase = Stopping("again")
    with pytest.raises(AssertionError, match="nobody told"):
        table.post("root", Pause())
