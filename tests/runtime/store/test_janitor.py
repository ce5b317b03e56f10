"""The janitor, in virtual time; its store works in a real thread, and tells when it is done."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from processengine.runtime.store import (
    Cleaned,
    CorruptExecution,
    ImportReport,
    Janitor,
    MemoryStore,
    SqliteStore,
    Store,
    Stored,
    StoreLocked,
    import_executions,
)
from processengine.runtime.testing import run_virtual
from processengine.runtime.testing._store_conformance import changed, turn

BIRTH = 1e9
"""When virtual time begins, in seconds since 1970."""


def now() -> float:
    return BIRTH + trio.current_time()


class WatchedStore(MemoryStore):
    """Tells the event loop of every call of `tidy`, which is the last thing a janitor does."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: BIRTH)
        self.sender, self.rounds = trio.open_memory_channel[float](100)
        self.deleted: list[int] = []

    @property
    def is_instant(self) -> bool:
        return False

    def delete(self, executions: Sequence[str]) -> int:
        self.deleted.append(len(executions))
        return super().delete(executions)

    def tidy(self) -> bool:
        trio.from_thread.run_sync(self._tell)
        return False

    def _tell(self) -> None:
        self.sender.send_nowait(trio.current_time())

    def expire(self, name: str, at: float) -> None:
        """Store an execution that expires so many seconds after the birth of time."""
        self.commit([changed(turn(name, 1, b"1"), state="completed", expires=BIRTH + at)])


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore()


@asynccontextmanager
async def at_work(janitor: Janitor) -> AsyncGenerator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(janitor.run)
        yield
        nursery.cancel_scope.cancel()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ids(store: Store) -> list[str]:
    return sorted(head.id for head in store.heads())


async def test_it_cleans_at_once_and_then_every_interval(
    store: WatchedStore, autojump_clock: MockClock
) -> None:
    for name, at in {"a": 0, "b": 60, "c": 61}.items():
        store.expire(name, at)
    async with at_work(Janitor(store, now, 60)):
        assert await store.rounds.receive() == 0
        assert ids(store) == ["b", "c"]
        assert await store.rounds.receive() == 60
        assert ids(store) == ["c"]
        assert await store.rounds.receive() == 120
        assert ids(store) == []


async def test_what_does_not_expire_stays(store: WatchedStore, autojump_clock: MockClock) -> None:
    store.commit([turn("a", 1, b"1")])
    async with at_work(Janitor(store, now, 60)):
        for _ in range(3):
            await store.rounds.receive()
    assert ids(store) == ["a"]
    assert store.deleted == []


async def test_it_deletes_in_small_batches_and_counts(
    store: WatchedStore, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "processengine.store")
    for number in range(7):
        store.expire(f"{number}", 0)
    store.answer(1, b"for nobody")
    janitor = Janitor(store, now, 3600, batch=3)
    async with at_work(janitor):
        await store.rounds.receive()
        assert store.deleted == [3, 3, 1]
        assert janitor.done == Cleaned(deleted=7)
        await store.rounds.receive()
        assert await store.rounds.receive() == 7200
    assert janitor.done == Cleaned(deleted=7, answers=1)
    assert caplog.messages == [
        "the janitor deleted 7 expired executions, archived 0 and forgot 0 answers",
        "the janitor deleted 0 expired executions, archived 0 and forgot 1 answers",
    ]


async def test_it_archives_before_it_deletes(
    store: WatchedStore, autojump_clock: MockClock, tmp_path: Path
) -> None:
    for number in range(5):
        store.expire(f"{number}", 0)
    janitor = Janitor(store, now, 60, batch=3, archive=tmp_path)
    async with at_work(janitor):
        await store.rounds.receive()
    assert janitor.done == Cleaned(deleted=5, archived=5)
    names = [f"expired-20010909T014640Z-{number}.jsonl.gz" for number in (1, 2)]
    assert files(tmp_path) == names
    other = MemoryStore()
    assert [import_executions(other, tmp_path / name) for name in names] == [
        ImportReport(imported=3),
        ImportReport(imported=2),
    ]
    assert ids(other) == ["0", "1", "2", "3", "4"]


async def test_what_cannot_be_archived_is_not_deleted(
    autojump_clock: MockClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Late(WatchedStore):
        """Somebody makes the folder when it is needed for the third time."""

        def load(self, execution: str) -> Stored | None:
            seen.append(ids(self))
            return super().load(execution)

        def expired(self, now: float, *, limit: int = 1000) -> tuple[str, ...]:
            if now >= BIRTH + 120:
                folder.mkdir(exist_ok=True)
            seen.append(ids(self))
            return super().expired(now, limit=limit)

    seen: list[list[str]] = []
    store, folder = Late(), tmp_path / "late"
    store.expire("a", 0)
    async with at_work(Janitor(store, now, 60, archive=folder)):
        assert await store.rounds.receive() == 120
    assert seen == [["a"], ["a"], ["a"], ["a"], []]
    assert ids(store) == []
    assert caplog.text.count("the janitor tries again in 60 s: archive") == 2


async def test_what_is_damaged_stays_and_holds_nothing_up(
    autojump_clock: MockClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Damaged(WatchedStore):
        def load(self, execution: str) -> Stored | None:
            if execution < "c":
                raise CorruptExecution(execution, 1, "it is missing")
            return super().load(execution)

    store = Damaged()
    for name in "abcd":
        store.expire(name, 0)
    async with at_work(Janitor(store, now, 60, batch=1, archive=tmp_path)):
        await store.rounds.receive()
    assert ids(store) == ["a", "b"]
    assert "cannot be archived, and stays: execution 'a' is damaged at record 1" in caplog.text
    assert len(files(tmp_path)) == 2


async def test_what_cannot_be_deleted_holds_nothing_up(autojump_clock: MockClock) -> None:
    class Stubborn(WatchedStore):
        def delete(self, executions: Sequence[str]) -> int:
            return super().delete([each for each in executions if each != "a"])

    store = Stubborn()
    for name in "abc":
        store.expire(name, 0)
    async with at_work(Janitor(store, now, 60, batch=1)):
        await store.rounds.receive()
    assert ids(store) == ["a"]


async def test_a_store_that_fails_is_logged_and_tried_again(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(WatchedStore):
        fails = 2

        def delete(self, executions: Sequence[str]) -> int:
            if self.fails:
                self.fails -= 1
                raise StoreLocked("file", "locked")
            return super().delete(executions)

    store = Failing()
    store.expire("a", 0)
    async with at_work(Janitor(store, now, 60)):
        assert await store.rounds.receive() == 120
    assert ids(store) == []
    assert caplog.messages == ["the janitor tries again in 60 s: store file: locked"] * 2


async def test_it_gives_room_back_to_the_file_system(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    class Watched(SqliteStore):
        def tidy(self) -> bool:
            more = super().tidy()
            if not more:
                trio.from_thread.run_sync(finished.set)
            return more

    finished = trio.Event()
    path = tmp_path / "orders.db"
    store = Watched(path)
    store.commit(
        [changed(turn(f"{each}", 1, bytes(20_000)), expires=BIRTH) for each in range(1000)]
    )
    full = store.sizes().bytes
    async with at_work(Janitor(store, now, 60)):
        await finished.wait()
        assert path.stat().st_size < full / 10
        assert path.with_name("orders.db-wal").stat().st_size == 0
    store.close()


def test_a_store_that_never_blocks_is_cleaned_without_a_thread() -> None:
    store = MemoryStore()

    async def live() -> list[str]:
        async with at_work(Janitor(store, now, 60)):
            await trio.sleep(61)
        return ids(store)

    expires = {"a": 0, "b": 60, "c": 90}
    store.commit([changed(turn(each, 0), expires=BIRTH + at) for each, at in expires.items()])
    assert run_virtual(live) == ["c"]
