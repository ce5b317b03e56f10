"""Time travel: histories, forks, reruns and migrations, in virtual time over a store in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

import processengine as pe
from processengine.actors import Signal
from processengine.runtime import _journal, _ledger
from processengine.runtime.execution import Begin, Completed, Failed, Rewound
from processengine.runtime.store import Answer, Fork, LoopWriter, Rerun
from processengine.runtime.store._letters import decode_answer, encode_letter
from processengine.testing import Fault, FaultyStore, StoreCall, run_virtual

Play = Callable[[pe.Runtime], Awaitable[None]]


class Bench:
    """A store, and what nodes have done; `broken` nodes fail."""

    def __init__(self) -> None:
        self.store = pe.MemoryStore()
        self.log: list[str] = []
        self.keys: list[str] = []
        self.broken: set[str] = set()

    def node(self, name: str, seconds: float = 0.0) -> Callable[..., Awaitable[str]]:
        async def run(context: pe.NodeContext, extra: str = "") -> str:
            self.log.append(name)
            self.keys.append(context.idempotency_key)
            if name in self.broken:
                raise ValueError(f"{name} is broken")
            await trio.sleep(seconds)
            return f"{name}{extra}"

        return run

    def chain(self, *names: str, id: str = "chain", version: int = 1) -> pe.ProcessDefinition:
        process = pe.ProcessBuilder(id, version)
        last = None
        for name in names:
            node = process.node(name, self.node(name), retry=pe.Retry(attempts=2))
            if last is not None:
                last.then(node)
            last = node
        return process.build()

    def play(self, *plays: Play, definitions: tuple[pe.ProcessDefinition, ...] = ()) -> None:
        """Play each in a runtime of its own, one after the other."""

        async def main() -> None:
            for each in plays:
                async with pe.open_runtime(
                    store=self.store,
                    definitions=definitions,
                    seed=0,
                    execution_timeout=None,
                    wall_clock=trio.current_time,
                ) as runtime:
                    await each(runtime)

        run_virtual(main)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def kinds(history: tuple[pe.HistoryRecord, ...]) -> list[str]:
    return [type(record.message).__name__ for record in history]


def test_a_history_holds_every_turn_with_its_number(bench: Bench) -> None:
    definition = bench.chain("a", "b")

    async def play(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(definition, {"x": 1}, id="one")
        await handle.result()
        history = await handle.history()
        assert kinds(history) == ["Begin", "Completed", "Completed"]
        assert [record.seq for record in history] == [1, 2, 3]
        assert isinstance(history[0].message, Begin)
        assert history[0].message.inputs == {"x": 1}

    async def later(runtime: pe.Runtime) -> None:
        handle = await runtime.find("one")
        assert kinds(await handle.history()) == ["Begin", "Completed", "Completed"]

    bench.play(play, later, definitions=(definition,))


async def test_a_history_without_a_store_is_that_in_memory(autojump_clock: object) -> None:
    definition = Bench().chain("a")
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(definition)
        await handle.result()
        assert kinds(await handle.history()) == ["Begin", "Completed"]
        with pytest.raises(pe.BadArgument, match="fork: runtime: expected a runtime with a store"):
            await runtime.fork(handle.id)


def test_a_failed_execution_goes_on_from_the_node_that_failed(bench: Bench) -> None:
    definition = bench.chain("a", "b", "c")
    bench.broken = {"b"}

    async def fails(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(definition, id="one")
        assert (await handle.result()).state == "failed"
        bench.log.clear()
        again = await runtime.rerun("one")
        assert (await again.result()).state == "failed"
        assert bench.log == ["b", "b"], "with all its retries"

    async def mended(runtime: pe.Runtime) -> None:
        bench.broken.clear()
        bench.log.clear()
        again = await runtime.rerun("one")
        outcome = await again.result()
        assert outcome.memory == {"a": "a", "b": "b", "c": "c"}
        assert outcome.incarnation == again.incarnation == 3
        assert bench.log == ["b", "c"]
        with pytest.raises(pe.CannotRewind, match="it has not failed, it is completed"):
            await runtime.rerun("one")

    async def afterwards(runtime: pe.Runtime) -> None:
        handle = await runtime.find("one")
        assert (await handle.result()).state == "completed"

    bench.play(fails, mended, afterwards, definitions=(definition,))
    assert len(set(bench.keys)) == 3, "the keys of a rerun are those of its steps"


def test_timers_stand_still_while_an_execution_has_failed(bench: Bench) -> None:
    process = pe.ProcessBuilder("timers")
    process.delay("pause", 10.0)
    process.delay("soon", 3.0).then(process.node("b", bench.node("b"), retry=pe.NO_RETRY))
    definition = process.build()
    bench.broken = {"b"}

    async def play(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(definition, id="one")
        await handle.result()
        bench.broken.clear()
        await trio.sleep(100)
        began = trio.current_time()
        await (await runtime.rerun("one")).result()
        assert trio.current_time() - began == pytest.approx(7.0)

    bench.play(play)


def test_a_fork_goes_its_own_way_from_any_step(bench: Bench) -> None:
    definition = bench.chain("a", "b", "c")

    async def play(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(definition, id="one")
        await handle.result()
        before = await handle.history()
        bench.log.clear()
        fork = await runtime.fork("one", at=2, changes={"extra": "!"}, new_id="two")
        outcome = await fork.result()
        assert outcome.memory == {"a": "a", "extra": "!", "b": "b!", "c": "c!"}
        assert bench.log == ["b", "c"]
        assert await handle.history() == before
        assert kinds(await fork.history()) == ["Rewound", "Completed", "Completed"]
        with pytest.raises(pe.ExecutionConflict, match="'two' exists"):
            await runtime.fork("one", at=1, new_id="two")
        of_fork = await runtime.fork("two", at=3, changes={"extra": "?"})
        assert (await of_fork.result()).memory["c"] == "c?"

    async def later(runtime: pe.Runtime) -> None:
        assert (await (await runtime.find("two")).result()).memory["b"] == "b!"

    bench.play(play, later, definitions=(definition,))
    assert len(set(bench.keys)) == len(bench.keys), "no key of a fork is one of another execution"


@pytest.mark.parametrize("is_asleep", [False, True])
def test_a_fork_takes_the_id_of_nobody_who_lives(bench: Bench, is_asleep: bool) -> None:
    process = pe.ProcessBuilder("asking")
    process.wait("answer")

    async def play(runtime: pe.Runtime) -> None:
        await (await runtime.spawn(bench.chain("a"), id="one")).result()
        taken = await runtime.spawn(process.build(), id="taken")
        await trio.sleep(100 if is_asleep else 1)
        assert taken.status().in_memory is not is_asleep
        with pytest.raises(pe.ExecutionConflict, match="'taken' exists"):
            await runtime.fork("one", at=1, new_id="taken")
        await taken.signal("answer", 1)
        assert (await taken.result()).memory == {"answer": 1}

    bench.play(play)


def test_a_fork_that_the_end_of_the_runtime_overtakes_begins_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_journal, "LoopWriter", partial(LoopWriter, delay=lambda: 1.0))
    closed: list[str] = []

    async def tidy_up() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(4)

    busy = pe.ProcessBuilder("busy")
    busy.node(tidy_up)

    async def fork(runtime: pe.Runtime) -> None:
        with pytest.raises(pe.RuntimeClosed):
            await runtime.fork("one", at=1, new_id="two")
        closed.append("two")

    async def main() -> None:
        opened = pe.open_runtime(store=bench.store, wall_clock=trio.current_time)
        async with trio.open_nursery() as nursery, opened as runtime:
            handle = await runtime.spawn(bench.chain("a"), id="one")
            await handle.result()
            await runtime.spawn(busy.build(), id="busy")
            runtime.get("busy").update(x=1)  # a second, for which the fork waits
            nursery.start_soon(fork, runtime)
            await trio.lowlevel.checkpoint()

    run_virtual(main)
    assert closed == ["two"]
    assert bench.store.load("two") is None


class Forgetful(pe.MemoryStore):
    """Loses answers, as a program does that is killed before it sends them: mail stays."""

    is_forgetful = True

    def answer(self, number: int, body: bytes) -> None:
        if not self.is_forgetful:
            super().answer(number, body)


def answer_to(store: pe.MemoryStore, mail: int) -> Answer:
    body = store.take_answer(mail)
    assert body is not None
    return decode_answer(body)


@pytest.mark.parametrize("new_id", ["two", None])
@pytest.mark.parametrize("has_ended", [False, True])
def test_mail_that_comes_again_is_answered_with_the_fork_that_it_has_begun(
    bench: Bench, new_id: str | None, has_ended: bool
) -> None:
    bench.store = store = Forgetful()
    process = pe.ProcessBuilder("asking")
    process.node("a", bench.node("a")).then(process.wait("answer", within=None))
    definition = process.build()
    forked = new_id or "one-fork-1"

    async def spawn(runtime: pe.Runtime) -> None:
        await runtime.spawn(definition, id="one")
        await trio.sleep(5)

    async def first(runtime: pe.Runtime) -> None:
        await trio.sleep(5)
        if has_ended:
            await runtime.get(forked).cancel()

    async def again(runtime: pe.Runtime) -> None:
        store.is_forgetful = False
        await trio.sleep(5)
        assert answer_to(store, 1) == Answer(forked)
        assert answer_to(store, 2).kind == "ExecutionConflict", "that is another fork"

    bench.play(spawn, definitions=(definition,))
    store.post("one", encode_letter(Fork(new_id, changes={"extra": "!"})))
    bench.play(first, definitions=(definition,))
    before = store.journal(forked)
    store.post("one", encode_letter(Fork(forked)))
    bench.play(again, definitions=(definition,))
    assert store.journal(forked) == before


def test_mail_that_comes_again_does_not_rerun_twice(bench: Bench) -> None:
    bench.store = store = Forgetful()
    bench.broken = {"b"}
    definition = bench.chain("a", "b")

    async def first(runtime: pe.Runtime) -> None:
        assert (await (await runtime.spawn(definition, id="one")).result()).state == "failed"

    async def rerun(runtime: pe.Runtime) -> None:
        await trio.sleep(50)

    async def again(runtime: pe.Runtime) -> None:
        store.is_forgetful = False
        await trio.sleep(50)
        assert answer_to(store, 1) == Answer("one")

    bench.play(first, definitions=(definition,))
    store.post("one", encode_letter(Rerun()))
    bench.play(rerun, again, definitions=(definition,))
    assert bench.log == ["a", "b", "b", "b", "b"]


class Compacting:
    """Lives of a host that makes a snapshot at each turn, and keeps so many records before it."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, definition: pe.ProcessDefinition, kept: int
    ) -> None:
        monkeypatch.setattr(_ledger, "SNAPSHOT_BYTES", 0)
        self.kept = kept
        self.definition = definition
        self.store = pe.MemoryStore()

    def play(self, play: Play, others: dict[StoreCall, dict[int, Fault]] | None = None) -> None:
        """Play in a runtime whose store has these faults."""

        async def main() -> None:
            async with pe.open_runtime(
                store=FaultyStore(self.store, others=others or {}),
                definitions=[self.definition],
                seed=0,
                history_limit=self.kept,
                wall_clock=trio.current_time,
            ) as runtime:
                await play(runtime)

        run_virtual(main)


UNANSWERED: dict[StoreCall, dict[int, Fault]] = {"answer": dict.fromkeys(range(1, 999), "fail")}
UNREAD: dict[StoreCall, dict[int, Fault]] = {"mail": dict.fromkeys(range(1, 999), "fail")}


def test_a_fork_is_known_again_after_any_number_of_turns(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = pe.ProcessBuilder("asking")
    last = process.wait("go", within=None)
    for name in "abcd":
        last = last.then(process.node(name, bench.node(name))).then(
            process.wait(f"after-{name}", "go", within=None)
        )
    lives = Compacting(monkeypatch, process.build(), kept=2)

    async def spawn(runtime: pe.Runtime) -> None:
        await runtime.spawn(lives.definition, id="one")
        await trio.sleep(5)

    async def go_on(runtime: pe.Runtime) -> None:
        await trio.sleep(5)
        await runtime.get("two").signal("go")
        await trio.sleep(5)

    async def answered(runtime: pe.Runtime) -> None:
        await go_on(runtime)
        assert answer_to(lives.store, 1) == Answer("two")
        await go_on(runtime)

    lives.play(spawn)
    lives.store.post("one", encode_letter(Fork("two")))
    lives.play(go_on, UNANSWERED)
    lives.play(go_on, UNREAD)
    assert lives.store.journal("two")[0].seq == 1
    lives.play(answered)
    assert lives.store.journal("two")[0].seq > 1
    assert bench.log == ["a", "b", "c", "d"]


def test_a_rerun_is_known_again_after_any_number_of_turns(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.broken = {"b"}
    lives = Compacting(monkeypatch, bench.chain(*"abcdef"), kept=5)

    async def spawn(runtime: pe.Runtime) -> None:
        await (await runtime.spawn(lives.definition, id="one")).result()
        bench.broken = {"f"}

    async def rest(runtime: pe.Runtime) -> None:
        await trio.sleep(50)

    lives.play(spawn)
    lives.store.post("one", encode_letter(Rerun()))
    lives.play(rest, UNANSWERED)
    lives.play(rest)
    assert answer_to(lives.store, 1) == Answer("one")
    assert bench.log == [*"abb", *"bcdeff"]


def test_a_fork_of_a_paused_execution_is_paused(bench: Bench) -> None:
    process = pe.ProcessBuilder("asking")
    process.node("a", bench.node("a")).then(process.wait("answer", within=20))
    definition = process.build()

    async def play(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(definition, id="one")
        await trio.sleep(5)
        await handle.pause()
        await trio.sleep(50)
        fork = await runtime.fork("one")
        assert fork.status().state == "paused"
        await handle.cancel()
        await fork.resume()
        await fork.signal("answer", 7)
        assert (await fork.result()).memory == {"a": "a", "answer": 7}

    bench.play(play)


def test_a_parent_is_run_again_with_a_new_child(bench: Bench) -> None:
    child = bench.chain("inner", id="child")
    process = pe.ProcessBuilder("parent")
    process.process("sub", child).then(process.node("last", bench.node("last")))
    definition = process.build()
    bench.broken = {"inner"}

    async def play(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(definition, id="one")
        assert (await handle.result()).state == "failed"
        bench.broken.clear()
        outcome = await (await runtime.rerun("one")).result()
        assert outcome.state == "completed"
        assert outcome.memory["sub"] == {"inner": "inner"}

    bench.play(play)


async def refusal(what: Awaitable[Any]) -> str:
    with pytest.raises(pe.ProcessEngineError) as caught:
        await what
    return str(caught.value)


def test_what_cannot_be_is_refused_and_changes_nothing(bench: Bench) -> None:
    definition = bench.chain("a", "b")

    async def play(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(definition, id="one")
        await handle.result()
        before = await handle.history()
        assert "no execution 'none'" in await refusal(runtime.fork("none"))
        assert "there is no step 9 in its history" in await refusal(runtime.fork("one", at=9))
        assert "it has ended, completed: say at which" in await refusal(runtime.fork("one"))
        changes = {"lock": trio.Lock()}
        assert "Lock" in await refusal(runtime.fork("one", at=1, changes=changes))
        assert "names that are text" in await refusal(runtime.fork("one", at=1, changes={"": 1}))
        large = {"large": "x" * 200_000_000}
        assert "does not fit" in await refusal(runtime.fork("one", at=1, changes=large))
        assert await handle.history() == before
        assert len(runtime.list()) == 1

    bench.play(play)


def test_two_reruns_at_once_are_one(bench: Bench) -> None:
    definition = bench.chain("a", "b")
    bench.broken = {"b"}

    async def play(runtime: pe.Runtime) -> None:
        await (await runtime.spawn(definition, id="one")).result()
        bench.broken.clear()
        bench.log.clear()
        done: list[str] = []

        async def rerun() -> None:
            try:
                await runtime.rerun("one")
                done.append("rerun")
            except pe.CannotRewind:
                done.append("refused")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(rerun)
            nursery.start_soon(rerun)
        await runtime.wait_all_ended()
        assert sorted(done) == ["refused", "rerun"]
        assert bench.log == ["b"]

    bench.play(play)


@given(seed=st.integers(0, 2**16), length=st.integers(2, 6), data=st.data())
@settings(max_examples=25)
def test_a_fork_without_changes_ends_like_the_original(
    seed: int, length: int, data: st.DataObject
) -> None:
    bench = Bench()
    random = Random(seed)
    process = pe.ProcessBuilder("random")
    nodes = [process.node(f"n{i}", bench.node(f"n{i}", random.random())) for i in range(length)]
    for place, node in enumerate(nodes[1:], 1):
        nodes[random.randrange(place)].then(node)
    definition = process.build()

    async def play(runtime: pe.Runtime) -> None:
        outcome = await (await runtime.spawn(definition, id="one")).result()
        step = data.draw(st.integers(1, length))
        fork = await runtime.fork("one", at=step)
        assert (await fork.result()).memory == outcome.memory

    bench.play(play)


# Migration


def asking(bench: Bench, *, version: int = 1, wait: str = "answer") -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("asking", version)
    question = process.node("ask", bench.node("ask")).then(process.wait(wait, signal="answer"))
    if version > 1:
        question.then(process.node("thank", bench.node("thank")))
    return process.build()


def test_an_execution_that_rests_moves_to_a_newer_version(bench: Bench) -> None:
    old, new = asking(bench), asking(bench, version=2, wait="reply")

    async def play(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(old, id="one")
        await trio.sleep(1)
        assert (await refusal(runtime.migrate("one", new))).endswith(
            "step 2 is at node 'answer', which has no counterpart"
        )
        wrong = await refusal(runtime.migrate("one", new, {"answer": "ask", "none": "x"}))
        assert "there is no node 'none' to be renamed" in wrong
        assert "there is no node 'x' in asking v2" in wrong
        assert "whose kinds differ: Wait and Function" in wrong
        assert handle.status().definition == "asking v1"
        moved = await runtime.migrate("one", new, {"answer": "reply"})
        assert moved.status().definition == "asking v2"
        with pytest.raises(pe.StaleIncarnation):
            await handle.signal("answer", 1)

    async def later(runtime: pe.Runtime) -> None:
        handle = await runtime.find("one")
        await handle.signal("answer", 1)
        outcome = await handle.result()
        assert outcome.memory == {"ask": "ask", "reply": 1, "thank": "thank"}
        history = await handle.history()
        assert any(isinstance(record.message, Rewound) for record in history)
        assert any(isinstance(record.message, Signal) for record in history)
        why = await refusal(runtime.fork("one", at=1))
        assert "it was migrated to another definition since then" in why

    bench.play(play, later, definitions=(old, new))


def test_one_that_is_at_work_is_not_moved(bench: Bench) -> None:
    process = pe.ProcessBuilder("working")
    process.node("work", bench.node("work", 10))
    old = process.build()
    new = bench.chain("work", id="working", version=2)

    async def play(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(old, id="one")
        await trio.sleep(1)
        assert "it is at work: pause it first" in await refusal(runtime.migrate("one", new))
        await handle.pause("interrupt")
        moved = await runtime.migrate("one", new)
        await moved.resume()
        assert (await moved.result()).state == "completed"

    bench.play(play)


def test_what_waits_at_a_join_moves_with_its_connections(bench: Bench) -> None:
    def joining(version: int, *sources: str) -> pe.ProcessDefinition:
        process = pe.ProcessBuilder("joining", version)
        last = process.node("last", bench.node("last"))
        for source in sources:
            process.node(source, bench.node(source)).then(last)
        process.wait("go").then(last)
        return process.build()

    old, new, unfit = joining(1, "a", "b"), joining(2, "b", "c", "a"), joining(3, "b")

    async def play(runtime: pe.Runtime) -> None:
        await runtime.spawn(old, id="one")
        await trio.sleep(1)
        why = await refusal(runtime.migrate("one", unfit))
        assert "a token has come to join 'last' from 'a', which is gone" in why
        moved = await runtime.migrate("one", new)
        await moved.signal("go")
        assert (await moved.result()).memory["last"] == "last"

    bench.play(play)
    assert bench.log.count("last") == 1


def test_failures_that_were_retried_are_in_the_history(bench: Bench) -> None:
    definition = bench.chain("a")
    bench.broken = {"a"}

    async def play(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(definition, id="one")
        await handle.result()
        failures = [r for r in await handle.history() if isinstance(r.message, Failed)]
        assert len(failures) == 2
        bench.broken.clear()
        await (await runtime.rerun("one")).result()
        history = await handle.history()
        assert isinstance(history[-1].message, Completed)
        assert [r.seq for r in history] == list(range(1, len(history) + 1))

    bench.play(play)
