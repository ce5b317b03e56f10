"""What holds of every execution, whatever happens to it and in whatever order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from copy import deepcopy
from random import Random

from hypothesis import given, settings

from processengine.actors import Cancel, Message, Pause, Resume
from processengine.runtime.definition import Each, Function, RoutingMap, Switch
from processengine.runtime.execution import (
    Chose,
    Completed,
    Due,
    Effect,
    Ended,
    ExecutionState,
    Finished,
    GraceOver,
    Lists,
    Overdue,
    Stopping,
    Token,
    transition,
)
from processengine.runtime.execution._timing import is_awaited
from processengine.testing import (
    Observer,
    Palette,
    Sketch,
    Table,
    TableExecution,
    TokenGame,
    chances,
    dump,
    sketches,
)

EFFORT = settings().max_examples


class Observed(Observer):
    """Keeps what it sees."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, Message]] = []
        self.ends: Counter[str] = Counter()
        self.started: Counter[tuple[str, str]] = Counter()

    def after(
        self, execution: TableExecution, message: Message, now: float, effects: Iterable[Effect]
    ) -> None:
        self.turns.append((execution.state.id, message))
        for effect in effects:
            if isinstance(effect, Ended):
                self.ends[execution.state.id] += 1
            if isinstance(effect, Token):
                self.started[execution.state.id, effect.node.name] += 1


@settings(max_examples=EFFORT)
@given(sketch=sketches(), random=chances())
def test_an_execution_ends_once_or_waits_for_a_signal(sketch: Sketch, random: Random) -> None:
    """The game itself checks that nothing else is left: no pause, no join, no lost timer."""
    observed = Observed()
    game = TokenGame(sketch.definition(), random, observer=observed)
    game.play()
    assert set(observed.ends.values()) <= {1}
    for id, execution in game.executions.items():
        assert observed.ends[id] == execution.has_ended


@settings(max_examples=EFFORT)
@given(sketch=sketches(), random=chances())
def test_the_recorded_messages_give_the_same_state_again(sketch: Sketch, random: Random) -> None:
    game = TokenGame(sketch.definition(), random)
    game.play()
    for execution in game.executions.values():
        again = ExecutionState(
            execution.state.id, RoutingMap(execution.definition), execution.state.limits
        )
        for now, message, reply in execution.records:
            transition(again, message, now, reply)
        assert dump(again) == dump(execution.state)


class NothingFollows(Observer):
    """Checks that messages which mean nothing (any more) change nothing."""

    def __init__(self) -> None:
        self._before: object = None

    def before(self, execution: TableExecution, message: Message, now: float) -> None:
        meaningless = _is_stale(execution, message)
        self._before = deepcopy(dump(execution.state)) if meaningless else None

    def after(
        self, execution: TableExecution, message: Message, now: float, effects: Iterable[Effect]
    ) -> None:
        if self._before is not None:
            assert dump(execution.state) == self._before, f"{message} changed something"
            assert [effect for effect in effects if isinstance(effect, Token)] == []


def _is_stale(execution: TableExecution, message: Message) -> bool:
    state = execution.state
    if isinstance(message, (Due, Overdue, GraceOver)) and not is_awaited(state, message):
        return True
    attempt = getattr(message, "attempt", None)
    token = state.tokens.get(getattr(message, "step", 0))
    is_of_another_attempt = attempt is not None and (token is None or token.attempt != attempt)
    return is_of_another_attempt or execution.has_ended


@settings(max_examples=EFFORT)
@given(sketch=sketches(), random=chances())
def test_messages_that_are_stale_repeated_or_too_late_change_nothing(
    sketch: Sketch, random: Random
) -> None:
    game = TokenGame(sketch.definition(), random, observer=NothingFollows())
    game.play()
    for execution in game.executions.values():
        for _, message, _ in list(execution.records):
            if execution.has_ended:
                game.post(execution.state.id, message)


# Cancel


def cancel_ends_it_within_the_grace(table: Table) -> None:
    """Nothing lands any more: only timers run out."""
    ended: list[object] = []
    table.post("root", Cancel("enough"), ended.append)
    grace_over = table.now + 3.0
    while not table.root.has_ended:
        assert table.pass_time(), "there is no timer that would end it"
        assert table.now <= grace_over
    assert ended == [getattr(table.root.state.control, "state", None)]
    assert all(execution.has_ended for execution in table.executions.values())


@settings(max_examples=EFFORT)
@given(sketch=sketches(), random=chances())
def test_a_cancel_ends_an_execution_and_its_children_even_if_nothing_stops(
    sketch: Sketch, random: Random
) -> None:
    game = TokenGame(sketch.definition(), random)
    game.begin()
    game.happen(random.randrange(40))
    cancel_ends_it_within_the_grace(game)


class ChildrenFirst(Observer):
    """Checks that no execution ends before its children."""

    def __init__(self) -> None:
        self.table: Table | None = None

    def after(
        self, execution: TableExecution, message: Message, now: float, effects: Iterable[Effect]
    ) -> None:
        assert self.table is not None
        if execution.has_ended:
            for child in self.table.executions.values():
                is_ours = child.parent is not None and child.parent[0] == execution.state.id
                assert child.has_ended or not is_ours, f"{child.state.id!r} outlives its parent"


@settings(max_examples=EFFORT)
@given(sketch=sketches(Palette(kinds=("child", "task", "wait", "fan"))), random=chances())
def test_children_end_before_their_parent(sketch: Sketch, random: Random) -> None:
    observer = ChildrenFirst()
    game = TokenGame(sketch.definition(), random, observer=observer)
    observer.table = game
    game.play()


@settings(max_examples=EFFORT)
@given(sketch=sketches(), random=chances())
def test_the_first_cancel_stands(sketch: Sketch, random: Random) -> None:
    game = TokenGame(sketch.definition(), random)
    game.begin()
    game.happen(random.randrange(20))
    game.post("root", Cancel("first"))
    decided = game.root.state.control
    for reason in ("second", "third"):
        game.post("root", Cancel(reason))
    game.finish()
    control = game.root.state.control
    assert isinstance(control, Finished)
    assert control.reason == getattr(decided, "reason", None)


# Pause and resume

CONFLUENT = Palette(
    size=8,
    kinds=("task", "task", "switch", "fan", "each"),
    joins=("all",),
    cycles=False,
    retries=False,
    timeouts=False,
)
"""Processes in which the order of things cannot matter: no race is built into them."""


def results(sketch: Sketch, order: Random, seed: int, pauses: int) -> object:
    """Run a process in a drawn order to its end; what ran how often, and what is in the memory."""
    observed = Observed()
    table = Table(sketch.definition(), observer=observed)
    table.begin()
    while table.root.attempts or table.root.is_paused:
        pauses = _perhaps_pause(table, order, pauses)
        if table.root.attempts:
            steps = list(table.root.attempts)
            token = table.root.attempts[steps[order.randrange(len(steps))]]
            table.outcome(table.root, _settled(token, seed))
    control = table.root.state.control
    assert isinstance(control, Finished)
    started = observed.started if control.state == "completed" else None
    return control.state, started, table.root.state.memory if started is not None else None


def _perhaps_pause(table: Table, order: Random, pauses: int) -> int:
    what = order.randrange(6) if pauses else 0
    if table.root.is_paused and (what == 5 or not table.root.attempts):
        table.post("root", Resume())
    elif what == 4:
        table.post("root", Pause("drain"))
        return pauses - 1
    elif what == 5:
        table.post("root", Resume())
    return pauses


def _settled(token: Token, seed: int) -> Message:
    """The outcome of an attempt; how it comes out depends on the node alone."""
    assert not isinstance(token.phase, Stopping)
    kind = token.node.spec.kind
    step, attempt, chance = token.step, token.attempt, Random(f"{seed} {token.node.name}")
    if isinstance(kind, Switch):
        ports = [port for port in kind.ports if port != "error"]
        every = kind.choose == "every" and chance.random() < 0.5
        return Chose(step, attempt, tuple(ports) if every else (chance.choice(ports),))
    if isinstance(kind, Each) and token.item is None:
        return Lists(step, attempt, list(range(chance.randrange(4))))
    ports = ["out", "other"] if isinstance(kind, Function) else ["out"]
    return Completed(step, attempt, chance.choice(ports), token.node.name, 0, 0.0)


@settings(max_examples=EFFORT)
@given(sketch=sketches(CONFLUENT), one=chances(), other=chances())
def test_results_do_not_depend_on_the_order_of_things(
    sketch: Sketch, one: Random, other: Random
) -> None:
    seed = one.randrange(1_000)
    assert results(sketch, one, seed, 0) == results(sketch, other, seed, 0)


@settings(max_examples=EFFORT)
@given(sketch=sketches(CONFLUENT), one=chances(), other=chances())
def test_pauses_lose_nothing(sketch: Sketch, one: Random, other: Random) -> None:
    seed = one.randrange(1_000)
    assert results(sketch, one, seed, 5) == results(sketch, other, seed, 0)


class Held(Observer):
    """Checks that nothing starts between the answer to a pause and a resume."""

    def __init__(self) -> None:
        self.held: set[str] = set()

    def after(
        self, execution: TableExecution, message: Message, now: float, effects: Iterable[Effect]
    ) -> None:
        id = execution.state.id
        if isinstance(message, Resume):
            self.held.discard(id)
        for effect in effects:
            assert id not in self.held or not isinstance(effect, Token)
        if execution.is_paused:
            self.held.add(id)


@settings(max_examples=EFFORT)
@given(sketch=sketches(), random=chances())
def test_nothing_starts_between_an_acknowledged_pause_and_a_resume(
    sketch: Sketch, random: Random
) -> None:
    TokenGame(sketch.definition(), random, observer=Held()).play()
