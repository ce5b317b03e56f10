"""States as bytes: an execution goes on from a snapshot as if nothing had happened."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processengine.actors import Cancel, Message, Pause, Resume, Signal
from processengine.runtime.definition import RoutingMap
from processengine.runtime.execution import (
    ACTIVE,
    COMPLETED,
    KEPT_ERRORS,
    QUEUED,
    READY,
    RUNNING,
    BackingOff,
    Begin,
    Calling,
    Calls,
    Completed,
    Control,
    Effect,
    Ended,
    Ending,
    ExecutionState,
    Lists,
    Pausing,
    Refuse,
    Stop,
    Stopping,
    Token,
    TokenPhase,
    transition,
)
from processengine.runtime.store._codec import Codec
from processengine.runtime.store._codec_errors import (
    CorruptRecord,
    UnknownRecord,
    UnstorableValue,
)
from processengine.runtime.store._envelope import seal
from processengine.runtime.store._phases import CONTROLS, PHASES
from processengine.runtime.testing._table import LIMITS
from processengine.testing import (
    NodeSketch,
    Palette,
    Sketch,
    TableExecution,
    TokenGame,
    chances,
    draw_sketch,
    dump,
    sketches,
)

from ._samples import ERROR, EVERY_VALUE, registered, same

EFFORT = settings().max_examples
CODEC = Codec(registered())
Played = Callable[[ExecutionState, int], ExecutionState]


def thawed(state: ExecutionState) -> ExecutionState:
    """The state after it was stored and read."""
    return CODEC.decode_state(CODEC.encode_state(state), state.routing, state.limits)


def everything(state: ExecutionState) -> dict[str, Any]:
    """All that two equal states have in common, also what only speeds up the next turn."""
    names = ("in_flight", "calls", "memory_size", "starving", "witnesses", "recheck", "errors")
    joins = [(index, _join(join)) for index, join in (state.joins or {}).items()]
    return dump(state) | {name: getattr(state, name) for name in names} | {"watched": joins}


def _join(join: msgspec.Struct) -> dict[str, Any]:
    fields = msgspec.structs.asdict(join)
    return fields | {"node": fields["node"].index}


def described(effects: list[Effect]) -> list[object]:
    return [_described(effect) for effect in effects]


def _described(effect: Effect) -> object:
    if isinstance(effect, Token):
        return "start", effect.step, effect.node.index, effect.attempt, effect.item, effect.error
    if isinstance(effect, Stop):
        return "stop", _described(effect.token)
    if isinstance(effect, Ended):
        return "ended", [_described(token) for token in effect.abandoned]
    if isinstance(effect, Refuse):
        return "refuse", effect.reply, str(effect.error)
    return effect


def thawed_at(cut: int) -> Played:
    return lambda state, turn: thawed(state) if turn == cut else state


def as_read(at: float, message: Message) -> tuple[float, Message]:
    """A turn after it was stored and read, if it is one that is."""
    if not message.recorded:
        return at, message
    return CODEC.decode_record(CODEC.encode_record(at, message))


def compare(execution: TableExecution, play: Played) -> None:
    """Feed the history to a live state, and from bytes to one that `play` may exchange."""
    live, other = (
        ExecutionState(execution.state.id, RoutingMap(execution.definition), LIMITS)
        for _ in range(2)
    )
    for turn, (now, message, reply) in enumerate(execution.records):
        other = play(other, turn)
        assert everything(other) == everything(live)
        expected = described(transition(live, message, now, reply))
        assert described(transition(other, *_in_order(as_read(now, message)), reply)) == expected
    assert everything(other) == everything(live)
    assert dump(other) == dump(execution.state)


def _in_order(turn: tuple[float, Message]) -> tuple[Message, float]:
    return turn[1], turn[0]


@settings(max_examples=EFFORT)
@given(sketch=sketches(), random=chances())
def test_a_history_that_was_stored_gives_the_same_state(sketch: Sketch, random: Random) -> None:
    game = TokenGame(sketch.definition(), random)
    game.play()
    for execution in game.executions.values():
        compare(execution, lambda state, turn: state)


@settings(max_examples=2 * EFFORT)
@given(sketch=sketches(), random=chances())
def test_an_execution_that_is_stored_after_every_turn_does_not_notice(
    sketch: Sketch, random: Random
) -> None:
    game = TokenGame(sketch.definition(), random)
    game.play()
    for execution in game.executions.values():
        compare(execution, lambda state, turn: thawed(state))


JOINS = Palette(
    size=9, kinds=("task", "task", "switch", "fan", "each", "child"),
    joins=("count", "all", "each"), retries=False, timeouts=False,
)  # fmt: skip


@settings(max_examples=2 * EFFORT)
@given(sketch=st.one_of(sketches(), sketches(JOINS)), random=chances(), share=st.floats(0, 1))
def test_an_execution_goes_on_from_a_snapshot_after_any_turn(
    sketch: Sketch, random: Random, share: float
) -> None:
    game = TokenGame(sketch.definition(), random)
    game.play()
    for execution in game.executions.values():
        cut = round(len(execution.records) * share)
        compare(execution, thawed_at(cut))


def test_games_come_through_every_phase() -> None:
    """So that the properties above are about all of them."""
    seen: set[type] = set()

    def note(state: ExecutionState, turn: int) -> ExecutionState:
        seen.update([type(state.control), *(type(t.phase) for t in state.tokens.values())])
        return state

    every = {*PHASES.values(), *CONTROLS.values()}
    seed = 0
    while seen < every and seed < 400:
        random = Random(seed := seed + 1)
        game = TokenGame(draw_sketch(random).definition(), random)
        game.play()
        for execution in game.executions.values():
            compare(execution, note)
            note(execution.state, 0)
    assert seen == every


# What a snapshot holds

LINE = Sketch((NodeSketch(), NodeSketch()), ((0, "out", 1),))


def begun(sketch: Sketch = LINE, inputs: dict[str, Any] | None = None) -> ExecutionState:
    state = ExecutionState("one", RoutingMap(sketch.definition()), LIMITS)
    transition(state, Begin(inputs or {}), 0.0)
    return state


def test_every_phase_has_a_tag() -> None:
    assert set(get_args(TokenPhase)) == set(PHASES.values())
    assert set(get_args(Control)) == set(CONTROLS.values())


def same_object(one: object, other: object) -> bool:
    return one is other


def test_what_the_engine_knows_by_identity_is_the_same_object() -> None:
    state = begun()
    again = thawed(state)
    assert same_object(again.control, ACTIVE)
    assert again.tokens[1].phase is RUNNING
    assert again.tokens[1].node is state.routing.nodes[0]
    state.tokens[1].phase = READY
    assert thawed(state).tokens[1].phase is READY
    assert thawed(ExecutionState("one", state.routing, LIMITS)).control is QUEUED
    for step in (1, 2):
        transition(again, Completed(step, 1, "out", None, 0, 0.0), 1.0)
    assert same_object(again.control, COMPLETED)
    assert same_object(thawed(again).control, COMPLETED)


def test_a_join_is_at_the_node_of_the_routing() -> None:
    sketch = Sketch(
        (NodeSketch("fan"), NodeSketch(), NodeSketch(), NodeSketch()),
        ((0, "left", 1), (0, "right", 2), (1, "out", 3), (2, "out", 3)),
    )
    state = begun(sketch)
    random = Random(1)
    game = TokenGame(sketch.definition(), random)
    game.play()
    for now, message, reply in game.root.records[1:3]:
        transition(state, message, now, reply)
    again = thawed(state)
    assert everything(again) == everything(state)
    assert all(again.routing.nodes[i] is join.node for i, join in (again.joins or {}).items())


def test_the_memory_keeps_its_types() -> None:
    state = begun(inputs={"given": EVERY_VALUE})
    assert same(thawed(state).memory, state.memory)


def test_the_shells_note_of_a_worker_is_not_stored() -> None:
    state = begun()
    state.tokens[1].worker = object()
    assert thawed(state).tokens[1].worker is None


def test_kept_errors_stay_bounded() -> None:
    state = begun()
    state.errors = deque([ERROR], maxlen=KEPT_ERRORS)
    again = thawed(state).errors
    assert again == state.errors
    assert again is not None
    assert again.maxlen == KEPT_ERRORS


def test_the_items_of_an_each_node_are_stored_once() -> None:
    def size(items: list[Any]) -> int:
        state = begun(Sketch((NodeSketch("each"),)))
        transition(state, Lists(1, 1, items), 0.0)
        again = thawed(state)
        assert everything(again) == everything(state)
        return len(CODEC.encode_state(state))

    assert size(["x" * 1_000] * 3) < 4_000


def test_an_item_whose_each_node_is_gone_keeps_its_value() -> None:
    state = begun(Sketch((NodeSketch("each"),)))
    transition(state, Lists(1, 1, [(1, 2), "b"]), 0.0)
    transition(state, Cancel("enough"), 1.0)
    assert 1 not in state.tokens
    again = thawed(state)
    assert [t.item and t.item.value for t in again.tokens.values()] == [(1, 2), "b"]
    assert everything(again) == everything(state)


def test_messages_that_wait_for_a_pause_are_stored() -> None:
    state = begun()
    state.control = Pausing("run", 1.5, [7], [(Resume(), 8), (Signal("go", (1,)), 0)])
    assert thawed(state).control == state.control


def test_attempts_that_were_given_up_are_stored() -> None:
    state = begun()
    token = Token(9, state.routing.nodes[1], Stopping("drop", 0.5), 2, 1, 0.5, ERROR, {1: 2})
    state.control = Ending("failed", "why", ERROR, [1], (token,))
    again = thawed(state).control
    assert isinstance(again, Ending)
    assert again.error == ERROR
    assert _described(again.abandoned[0]) == _described(token)
    assert again.abandoned[0].lineage == {1: 2}


def test_the_inputs_of_a_child_keep_their_types() -> None:
    state = begun(Sketch((NodeSketch("child"),), child=Sketch((NodeSketch(),))))
    transition(state, Calls(1, 1, "child", {"pair": (1, {2})}), 0.0)
    phase = thawed(state).tokens[1].phase
    assert phase == Calling("child", {"pair": (1, {2})})


def test_an_infinite_time_is_stored() -> None:
    state = begun()
    state.tokens[1].phase = BackingOff(float("inf"))
    assert thawed(state).tokens[1].phase == BackingOff(float("inf"))


def test_a_variable_that_cannot_be_stored_is_named() -> None:
    state = begun(inputs={"lock": [object()]})
    with pytest.raises(UnstorableValue) as caught:
        CODEC.encode_state(state)
    assert caught.value.path == "memory['lock'][0]"


# Damage


@pytest.fixture(scope="module", name="data")
def _data() -> bytes:
    state = begun(inputs={"given": EVERY_VALUE})
    transition(state, Pause("interrupt"), 1.0, 3)
    return CODEC.encode_state(state)


ROUTING = RoutingMap(LINE.definition())


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_snapshot_is_corrupt(data: bytes, share: float) -> None:
    with pytest.raises(CorruptRecord):
        CODEC.decode_state(data[: int(len(data) * share)], ROUTING, LIMITS)


@given(share=st.floats(0, 1, exclude_max=True))
def test_one_flipped_bit_is_found(data: bytes, share: float) -> None:
    bit = int(len(data) * 8 * share)
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises((CorruptRecord, UnknownRecord)):
        CODEC.decode_state(bytes(flipped), ROUTING, LIMITS)


@given(body=st.binary(), share=st.floats(0, 1))
def test_nonsense_with_a_right_checksum_is_corrupt_or_read(
    data: bytes, body: bytes, share: float
) -> None:
    at = 5 + int((len(data) - 5) * share)
    with contextlib.suppress(CorruptRecord, UnknownRecord):
        CODEC.decode_state(
            seal("snapshot", data[5:at] + body + data[at + len(body) :]), ROUTING, LIMITS
        )


def test_a_snapshot_of_another_process_is_refused(data: bytes) -> None:
    other = RoutingMap(Sketch((NodeSketch(),)).definition())
    with pytest.raises(UnknownRecord, match="2 nodes, not of one of 1"):
        CODEC.decode_state(data, other, LIMITS)


def test_a_phase_of_a_newer_version_is_unknown() -> None:
    state = begun()
    body = CODEC.encode_state(state)[5:].replace(b"\xa7running", b"\xa7dancing")
    with pytest.raises(UnknownRecord, match="'dancing'"):
        CODEC.decode_state(seal("snapshot", body), ROUTING, LIMITS)


GOLDEN = Path(__file__).parent / "snapshot_of_format_1.txt"


def test_a_snapshot_of_format_1_is_still_read() -> None:
    """It was taken of `LINE`, begun with every value but sets and then paused."""
    state = begun(inputs={"given": {k: v for k, v in EVERY_VALUE.items() if k != "sets"}})
    transition(state, Pause("interrupt"), 1.0, 3)
    again = CODEC.decode_state(bytes.fromhex(GOLDEN.read_text()), state.routing, LIMITS)
    assert everything(again) == everything(state)
    assert same(again.memory, state.memory)
