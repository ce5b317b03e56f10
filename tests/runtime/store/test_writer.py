"""The journal writer, on real threads: no sleeps, everything waits for an event."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from unittest import mock

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from processengine.runtime.store import (
    Append,
    GroupWriter,
    MemoryStore,
    StaleWriter,
    StoreCorrupt,
    StoreLocked,
    WriterClosed,
    WriterCrashed,
    WriterFull,
)
from processengine.runtime.testing._store_conformance import turn
from processengine.supervision import Child, Supervisor
from processengine.testing import FAULTS, Fault, FaultyStore


class RecordingStore(MemoryStore):
    """Remembers the sizes of its commits and the threads they came from."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.threads: set[int] = set()

    def commit(self, batch: Sequence[Append]) -> None:
        self.batches.append(len(batch))
        self.threads.add(threading.get_ident())
        super().commit(batch)


@asynccontextmanager
async def running(writer: GroupWriter) -> AsyncGenerator[trio.Event]:
    """Run a writer around a block; the event makes it stop, as the end of the block does."""
    stopping = trio.Event()
    async with trio.open_nursery() as nursery:

        async def run(task_status: trio.TaskStatus[None]) -> None:
            await writer.run(task_status=task_status, stopping=stopping)

        await nursery.start(run)
        yield stopping
        stopping.set()


@asynccontextmanager
async def held(store: FaultyStore, writer: GroupWriter) -> AsyncGenerator[None]:
    """Hold up the first commit (of its own) during a block, so that the next batch gathers."""
    first = writer.append(turn("first", 1, b"1"))
    async with running(writer):
        await trio.to_thread.run_sync(store.waiting.wait)
        try:
            yield
        finally:
            store.gate.set()
        await first


def delayed(*others: Fault | None) -> tuple[RecordingStore, FaultyStore]:
    """A store whose first commit waits; `others` are what happens to those after it."""
    inner = RecordingStore()
    plan: dict[int, Fault] = {1: "delay"}
    plan |= {number: fault for number, fault in enumerate(others, 2) if fault}
    return inner, FaultyStore(inner, plan)


async def test_a_turn_is_stored_when_it_is_answered() -> None:
    store = MemoryStore()
    writer = GroupWriter(store)
    async with running(writer):
        await writer.append(turn("a", 1, b"1"))
        assert store.load("a") is not None


async def test_what_gathers_during_a_commit_is_the_next_one() -> None:
    inner, store = delayed()
    writer = GroupWriter(store, batch=4)
    async with held(store, writer):
        replies = [writer.append(turn("a", seq, b"x")) for seq in range(1, 7)]
    for reply in replies:
        await reply
    assert inner.batches == [1, 4, 2]
    assert len(inner.threads) == 1
    assert inner.threads != {threading.get_ident()}


async def test_a_commit_of_long_turns_has_no_more_records_than_one_of_short_ones() -> None:
    inner, store = delayed()
    writer = GroupWriter(store, batch=4)
    async with held(store, writer):
        replies = [
            writer.append(turn(id, len(records), *records))
            for id, records in (
                ("a", (b"1", b"2", b"3")),
                ("b", (b"1",)),
                ("c", (b"1",) * 9),
                ("d", (b"1", b"2")),
                ("e", (b"1",)),
            )
        ]
    for reply in replies:
        await reply
    assert inner.batches == [1, 2, 1, 2]
    assert [stored.head.seq for id in "abcde" if (stored := inner.load(id))] == [3, 1, 9, 2, 1]


async def test_waiters_are_released_in_order_in_the_trio_thread() -> None:
    _, store = delayed()
    writer = GroupWriter(store, batch=3)
    told: list[tuple[int, int]] = []

    def note(number: int) -> Callable[[Exception | None], None]:
        return lambda _: told.append((number, threading.get_ident()))

    async with held(store, writer):
        for number in range(1, 9):
            writer.append_then(turn(f"{number}", 0), note(number))
        flushed = writer.flush()
    await flushed
    assert told == [(number, threading.get_ident()) for number in range(1, 9)]


async def test_a_cancelled_waiter_does_not_take_back_its_turn() -> None:
    inner, store = delayed()
    writer = GroupWriter(store)
    async with held(store, writer):
        reply = writer.append(turn("a", 1, b"1"))
        with trio.CancelScope() as scope:
            scope.cancel()
            await reply
        assert scope.cancelled_caught
    assert inner.load("a") is not None


async def test_a_stale_turn_fails_alone() -> None:
    inner, store = delayed()
    writer = GroupWriter(store)
    async with held(store, writer):
        good = writer.append(turn("a", 1, b"1"))
        stale = writer.append(turn("b", 2, b"2"))
        other = writer.append(turn("c", 1, b"1"))
    await good
    await other
    with pytest.raises(StaleWriter):
        await stale
    assert [head.id for head in inner.heads()] == ["first", "c", "a"]
    assert inner.batches == [1, 3, 1, 1, 1]


class RefusingStore(RecordingStore):
    """Cannot take a certain record."""

    def __init__(self, refused: bytes) -> None:
        super().__init__()
        self.refused = refused

    def commit(self, batch: Sequence[Append]) -> None:
        if any(self.refused in append.records for append in batch):
            self.batches.append(len(batch))
            raise OverflowError("too large for a row")
        super().commit(batch)


async def test_after_a_failed_turn_later_ones_of_its_execution_fail_too() -> None:
    store = RefusingStore(b"large")
    writer = GroupWriter(store)
    fine = writer.append(turn("b", 1, b"1"))
    failed = writer.append(turn("a", 1, b"large"))
    later = writer.append(turn("a", 2, b"2"))
    async with running(writer):
        await fine
        with pytest.raises(OverflowError):
            await failed
        with pytest.raises(StaleWriter):
            await later
    assert store.load("a") is None


@pytest.mark.parametrize("fault", ["lose", "tear"])
async def test_a_commit_in_doubt_is_cleared_up_by_looking(fault: Fault) -> None:
    inner, store = delayed(fault)
    writer = GroupWriter(store)
    async with held(store, writer):
        replies = [writer.append(turn("a", seq, b"%d" % seq)) for seq in range(1, 5)]
    for reply in replies:
        await reply
    assert [record.body for record in inner.journal("a")] == [b"1", b"2", b"3", b"4"]


async def test_while_a_store_does_not_work_everything_waits_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("processengine.runtime.store._writer.SHORTEST_WAIT", 0.0)
    inner = RecordingStore()
    store = FaultyStore(inner, {1: "full", 2: "full", 3: "fail", 4: "fail", 5: "lose", 6: "full"})
    writer = GroupWriter(store)
    replies = [writer.append(turn("a", seq, b"%d" % seq)) for seq in range(1, 5)]
    async with running(writer):
        for reply in replies:
            await reply
    assert [record.body for record in inner.journal("a")] == [b"1", b"2", b"3", b"4"]
    told = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 2, "once when it fails, and once when it works again"
    assert "until it can: store faulty: commit 2 was to find no space" in told[0]
    assert "works again, after 3 failures" in told[1]


async def test_a_damaged_store_is_the_end_of_the_writer() -> None:
    class DamagedStore(RecordingStore):
        def commit(self, batch: Sequence[Append]) -> None:
            raise StoreCorrupt("file", "it is damaged")

    writer = GroupWriter(DamagedStore())
    writer.append(turn("a", 1, b"1"))
    with pytest.raises(WriterCrashed, match="StoreCorrupt: store file: it is damaged"):
        await writer.run()


async def test_a_writer_that_waits_for_its_store_can_be_cancelled() -> None:
    tried = threading.Event()

    class LockedStore(MemoryStore):
        def commit(self, batch: Sequence[Append]) -> None:
            tried.set()
            raise StoreLocked("file", "locked")

    writer = GroupWriter(LockedStore())
    reply = writer.append(turn("a", 1, b"1"))
    async with trio.open_nursery() as nursery:
        await nursery.start(writer.run)
        await trio.to_thread.run_sync(tried.wait)
        nursery.cancel_scope.cancel()
    assert not reply.is_done(), "the next run takes it up"
    writer.close()
    with pytest.raises(WriterClosed):
        await reply


async def test_a_callback_that_fails_is_logged_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: Exception | None) -> None:
        raise ValueError("not ours")

    writer = GroupWriter(MemoryStore())
    writer.append_then(turn("a", 0), fail)
    reply = writer.append(turn("b", 0))
    async with running(writer):
        await reply
    assert "a callback of the journal writer failed" in caplog.text


async def test_a_full_writer_refuses_until_there_is_room() -> None:
    _, store = delayed()
    writer = GroupWriter(store, capacity=2)
    async with held(store, writer):
        last = writer.append(turn("a", 1, b"1"))
        assert writer.is_full
        with pytest.raises(WriterFull, match="2 writes are waiting"):
            writer.append(turn("a", 2, b"2"))
        store.gate.set()
        await writer.wait_room()
        await writer.append(turn("a", 2, b"2"))
    assert last.is_done()


async def test_all_who_wait_for_room_get_through_and_none_beyond_the_capacity() -> None:
    store = RecordingStore()
    writer = GroupWriter(store, capacity=3)

    async def write(name: str) -> None:
        for seq in range(1, 6):
            await writer.wait_room()
            await writer.append(turn(name, seq, b"x"))

    async with running(writer), trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(write, f"{number}")
    assert sum(store.batches) == 50
    assert max(store.batches) <= 3


async def test_stopping_writes_what_is_queued() -> None:
    inner, store = delayed()
    writer = GroupWriter(store, batch=2)
    async with held(store, writer):
        replies = [writer.append(turn("a", seq, b"x")) for seq in range(1, 8)]
    assert all(reply.is_done() for reply in replies)
    assert len(inner.journal("a")) == 7


async def test_a_cancelled_writer_leaves_the_rest_to_the_next_run() -> None:
    inner, store = delayed()
    writer = GroupWriter(store)
    first = writer.append(turn("first", 1, b"1"))
    async with trio.open_nursery() as nursery:
        await nursery.start(writer.run)
        await trio.to_thread.run_sync(store.waiting.wait)
        rest = writer.append(turn("a", 1, b"1"))
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await trio.testing.wait_all_tasks_blocked()  # the thread has been told, and is at work
        store.gate.set()
    assert first.is_done()
    assert not rest.is_done()
    assert inner.load("a") is None
    async with running(writer):
        await rest


async def test_a_closed_writer_refuses_and_its_run_ends_when_all_is_written() -> None:
    store = MemoryStore()
    writer = GroupWriter(store)
    async with running(writer):
        reply = writer.append(turn("a", 1, b"1"))
        writer.close()
        with pytest.raises(WriterClosed):
            writer.append(turn("a", 2, b"2"))
        await reply
        await writer.flush()
    writer.close()
    await writer.flush()


async def test_what_a_closed_writer_never_wrote_fails() -> None:
    writer = GroupWriter(MemoryStore())
    reply = writer.append(turn("a", 1, b"1"))
    writer.close()
    with pytest.raises(WriterClosed):
        await reply


async def test_a_supervisor_restarts_a_writer_whose_thread_died_and_nothing_is_lost() -> None:
    # the first death stores two turns, so that the next three commits are refused: nothing is new
    inner, store = delayed("die", None, None, None, "die")
    writer = GroupWriter(store, batch=2)
    first = writer.append(turn("first", 1, b"1"))
    supervisor = Supervisor("services", [Child("journal", writer.run)])
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        await trio.to_thread.run_sync(store.waiting.wait)
        replies = [writer.append(turn("a", seq, b"%d" % seq)) for seq in range(1, 7)]
        store.gate.set()
        for reply in (first, *replies):
            await reply
        assert supervisor.tree().restarts == 2
        supervisor.shut_down()
    assert [record.body for record in inner.journal("a")] == [b"%d" % seq for seq in range(1, 7)]


async def test_a_crash_is_told_with_its_cause() -> None:
    writer = GroupWriter(FaultyStore(MemoryStore(), {1: "die"}))
    writer.append(turn("a", 0))
    with pytest.raises(WriterCrashed, match="ThreadDied"):
        await writer.run()


@given(
    faults=st.dictionaries(st.integers(1, 20), st.sampled_from(FAULTS), max_size=8),
    owners=st.lists(st.sampled_from("abc"), min_size=1, max_size=20),
    batch=st.integers(1, 5),
)
def test_under_any_faults_nothing_durable_is_lost_doubled_or_out_of_order(
    faults: dict[int, Fault], owners: list[str], batch: int
) -> None:
    inner = MemoryStore()
    store = FaultyStore(inner, faults)
    store.gate.set()  # a delay is none: the schedule of the threads is free anyway
    writer = GroupWriter(store, batch=batch)
    told: list[tuple[str, int, Exception | None]] = []
    seqs = dict.fromkeys("abc", 0)
    for owner in owners:
        seqs[owner] += 1
        append = turn(owner, seqs[owner], b"%d" % seqs[owner])
        writer.append_then(append, _note(told, owner, seqs[owner]))
    with mock.patch("processengine.runtime.store._writer.SHORTEST_WAIT", 0.0):
        trio.run(_run_to_the_end, writer)

    assert told == [(owner, seq, None) for owner, seq, _ in told], "everything waited, none failed"
    assert [owner for owner, _, _ in told] == owners
    for execution in "abc":
        stored = [record.body for record in inner.journal(execution)]
        assert stored == [b"%d" % seq for seq in range(1, seqs[execution] + 1)]


def _note(
    told: list[tuple[str, int, Exception | None]], owner: str, seq: int
) -> Callable[[Exception | None], None]:
    return lambda error: told.append((owner, seq, error))


async def _run_to_the_end(writer: GroupWriter) -> None:
    flushed = writer.flush()
    while not flushed.is_done():
        stopping = trio.Event()
        stopping.set()
        try:
            await writer.run(stopping=stopping)
        except WriterCrashed:
            continue
