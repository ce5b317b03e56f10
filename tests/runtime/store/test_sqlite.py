"""What is peculiar to files: they are locked, full, damaged, too new, or something else."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from processengine.runtime.store import (
    CorruptExecution,
    DamagedHead,
    ExecutionHead,
    NotAStore,
    SqliteStore,
    StaleWriter,
    StoreBroken,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreInUse,
    StoreLocked,
    StoreNotOpened,
    StoreReadOnly,
    StoreTooNew,
)
from processengine.runtime.store import _schema as schema
from processengine.runtime.store._connection import Connection
from processengine.runtime.testing._store_conformance import turn

PATIENCE = 120.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path, patience=0)
    yield store
    store.close()


def raw(store: SqliteStore) -> Connection:
    """The connection that writes."""
    return store._database._writer  # pyright: ignore[reportPrivateUsage]


def connected(path: Path) -> Connection:
    return apsw.Connection(str(path))


def run_sql(path: Path, *statements: str) -> None:
    connection = connected(path)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_what_was_committed_is_there_when_the_file_is_opened_again(path: Path) -> None:
    first = SqliteStore(path)
    first.commit([turn("a", 1, b"1")])
    first.close()
    second = SqliteStore(path)
    assert second.load("a") is not None
    second.close()


def test_a_reader_never_waits_for_the_writer(store: SqliteStore, path: Path) -> None:
    other = SqliteStore(path, patience=0)
    store.commit([turn("a", 1, b"1")])
    raw(store).execute("BEGIN IMMEDIATE")
    assert other.load("a") is not None
    assert [head.id for head in other.unfinished()] == ["a"]
    raw(store).execute("ROLLBACK")
    other.close()


def test_a_file_that_another_process_has_locked_is_told(store: SqliteStore, path: Path) -> None:
    other = SqliteStore(path, patience=0)
    raw(other).execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreLocked, match=r"orders\.db: another process has locked it"):
        store.commit([turn("a", 1, b"1")])
    raw(other).execute("ROLLBACK")
    other.close()
    store.commit([turn("a", 1, b"1")])


def test_a_file_that_cannot_be_written_to_is_told(store: SqliteStore) -> None:
    raw(store).pragma("query_only", True)
    with pytest.raises(StoreReadOnly):
        store.post("a", b"")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_read_only_file_is_told_when_it_is_opened(path: Path) -> None:
    SqliteStore(path).close()
    path.chmod(0o400)
    with pytest.raises(StoreReadOnly):
        SqliteStore(path)


def test_a_full_disk_is_told_and_nothing_of_the_batch_is_stored(store: SqliteStore) -> None:
    store.commit([turn("a", 1, b"1")])
    raw(store).pragma("max_page_count", raw(store).pragma("page_count"))
    with pytest.raises(StoreFull):
        store.commit([turn("b", 1, b"1"), turn("a", 2, bytes(100_000))])
    raw(store).pragma("max_page_count", 1_000_000)
    assert [head.id for head in store.heads()] == ["a"]
    store.commit([turn("a", 2, bytes(100_000))])


def test_a_folder_is_not_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreNotOpened, match="it is a folder"):
        SqliteStore(tmp_path)


def test_a_file_in_a_folder_that_is_not_there_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(StoreNotOpened, match="there is no folder"):
        SqliteStore(tmp_path / "nowhere" / "orders.db")


def test_a_file_that_is_no_database_is_told_and_left_alone(path: Path) -> None:
    path.write_text("dear diary, " * 1000)
    with pytest.raises(NotAStore, match="not a database"):
        SqliteStore(path)
    assert path.read_text() == "dear diary, " * 1000


def test_a_database_of_something_else_is_told_and_left_alone(path: Path) -> None:
    run_sql(path, "CREATE TABLE cake (recipe)")
    before = path.read_bytes()
    with pytest.raises(NotAStore, match="something else"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_newer_file_is_told_and_left_alone(path: Path) -> None:
    SqliteStore(path).close()
    run_sql(path, "INSERT INTO schema_version VALUES (99, 0)")
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match=r"version 99.*up to 2: update it"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_an_older_file_is_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = SqliteStore(path)
    old.commit([turn("a", 1, b"1")])
    old.close()
    script = "CREATE TABLE extra (x); ALTER TABLE mail ADD COLUMN y TEXT"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, script))
    monkeypatch.setattr("processengine.runtime.store._database.VERSION", 3)
    monkeypatch.setattr(schema, "VERSION", 3)
    new = SqliteStore(path)
    assert new.load("a") is not None
    versions = raw(new).execute("SELECT version FROM schema_version ORDER BY version")
    assert list(versions) == [(1,), (2,), (3,)]
    new.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteStore(path).close()
    script = "CREATE TABLE extra (x); CREATE TABLE extra (x)"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, script))
        patch.setattr("processengine.runtime.store._database.VERSION", 3)
        patch.setattr(schema, "VERSION", 3)
        with pytest.raises(StoreBroken):
            SqliteStore(path)
    again = SqliteStore(path)
    assert not list(raw(again).execute("SELECT * FROM sqlite_schema WHERE name = 'extra'"))
    again.close()


def test_a_record_that_is_missing_concerns_its_execution_only(store: SqliteStore) -> None:
    store.commit([turn(each, 3, b"1", b"2", b"3") for each in "ab"])
    raw(store).execute("DELETE FROM record WHERE execution = 1 AND seq = 2")
    for read in (store.load, store.journal):
        with pytest.raises(CorruptExecution) as caught:
            read("a")
        assert (caught.value.execution, caught.value.seq) == ("a", 2)
    assert store.load("b") is not None


@pytest.mark.parametrize("seq", [1, 3])
def test_a_record_missing_at_either_end_is_noticed(store: SqliteStore, seq: int) -> None:
    store.commit([turn("a", 3, b"1", b"2", b"3")])
    raw(store).execute("DELETE FROM record WHERE seq = ?", (seq,))
    with pytest.raises(CorruptExecution) as caught:
        store.load("a")
    assert caught.value.seq == seq


def test_a_damaged_head_does_not_hide_the_others(store: SqliteStore) -> None:
    store.commit([turn(each, 1, b"1") for each in "abc"])
    raw(store).execute("UPDATE execution SET state = CAST(x'ff' AS TEXT) WHERE id = 'b'")
    for heads in (list(store.unfinished()), list(store.heads())):
        kinds = {head.id: type(head) for head in heads}
        assert kinds == {"a": ExecutionHead, "b": DamagedHead, "c": ExecutionHead}
    with pytest.raises(CorruptExecution, match="'b' is damaged"):
        store.load("b")
    assert store.delete(["b"]) == 1


def test_a_damaged_file_is_told_as_such(path: Path) -> None:
    store = SqliteStore(path)
    store.commit([turn("a", 1, bytes(50_000))])
    store.close()
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xaa" * (len(damaged) - 4096)
    path.write_bytes(damaged)
    with pytest.raises(StoreCorrupt):
        SqliteStore(path).commit([turn("b", 1, b"1")])


def test_another_store_of_this_process_cannot_take_over(store: SqliteStore, path: Path) -> None:
    other = SqliteStore(path)
    store.take_over()
    with pytest.raises(StoreInUse, match=f"process {os.getpid()} is the host that runs it"):
        other.take_over()
    other.commit([turn("a", 1, b"1")])
    other.post("a", b"pause")
    store.close()
    other.take_over()
    other.close()


def test_a_refused_host_fences_nobody_off(store: SqliteStore, path: Path) -> None:
    store.take_over()
    store.commit([turn("a", 1, b"1")])
    other = SqliteStore(path)
    with pytest.raises(StoreInUse):
        other.take_over()
    other.close()
    store.commit([turn("a", 2, b"2")])


def test_a_host_that_cannot_fence_off_the_others_is_none(store: SqliteStore, path: Path) -> None:
    other = SqliteStore(path)
    raw(store).execute("BEGIN IMMEDIATE")
    locked = SqliteStore(path, patience=0)
    with pytest.raises(StoreLocked):
        locked.take_over()
    raw(store).execute("ROLLBACK")
    other.take_over()
    other.close()
    locked.close()


@contextmanager
def hosted(script: str, path: Path) -> Generator[subprocess.Popen[bytes]]:
    """A process that has taken over the store at `path`."""
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as host:
        watchdog = threading.Timer(PATIENCE, host.kill)
        watchdog.start()
        try:
            assert host.stdout is not None
            assert host.stdout.readline()
            yield host
        finally:
            watchdog.cancel()


def test_what_another_process_writes_is_noticed(store: SqliteStore, path: Path) -> None:
    other = SqliteStore(path)
    store.commit([turn("a", 1, b"1"), turn("b", 1, b"1")])
    other.commit([turn("a", 2, b"other")])
    with pytest.raises(StaleWriter):
        store.commit([turn("a", 2, b"2")])
    store.commit([turn("a", 3, b"3")])
    assert other.delete(["a", "b"]) == 2
    other.commit([turn("c", 1, b"c")])
    store.commit([turn("d", 1, b"d"), turn("a", 1, b"anew")])
    journals = {each: [record.body for record in other.journal(each)] for each in "abcd"}
    assert journals == {"a": [b"anew"], "b": [], "c": [b"c"], "d": [b"d"]}
    other.close()


def test_what_was_undone_is_not_remembered(store: SqliteStore) -> None:
    store.commit([turn("a", 1, b"1")])
    with pytest.raises(StaleWriter):
        store.commit([turn("a", 2, b"2"), turn("b", 1, b"1"), turn("c", 9, b"9")])
    store.commit([turn("a", 2, b"two"), turn("c", 1, b"c"), turn("b", 1, b"b")])
    journals = {each: [record.body for record in store.journal(each)] for each in "abc"}
    assert journals == {"a": [b"1", b"two"], "b": [b"b"], "c": [b"c"]}


def test_more_executions_than_are_remembered_are_stored_all_the_same(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processengine.runtime.store._commit.CAPACITY", 2)
    for seq in range(1, 4):
        store.commit([turn(each, seq, b"%d" % seq) for each in "abcde"])
    assert [len(store.journal(each)) for each in "abcde"] == [3] * 5


HOST = """
import sys
from processengine.runtime.store import SqliteStore
SqliteStore(sys.argv[1]).take_over()
print("host", flush=True)
sys.stdin.read()
"""


def test_a_host_that_is_killed_gives_way(store: SqliteStore, path: Path) -> None:
    with hosted(HOST, path) as host:
        with pytest.raises(StoreInUse, match=f"process {host.pid} is"):
            store.take_over()
        store.post("a", b"pause")
        host.kill()
    store.take_over()


FORKING_HOST = """
import os, sys
from processengine.runtime.store import SqliteStore
SqliteStore(sys.argv[1]).take_over()
if os.fork() == 0:
    print("forked", flush=True)
    sys.stdin.read()
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_what_a_killed_host_has_forked_is_no_host(store: SqliteStore, path: Path) -> None:
    with hosted(FORKING_HOST, path) as host:
        host.kill()
        host.wait()
        store.take_over()


def test_long_executions_are_deleted_a_few_at_a_time(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processengine.runtime.store._sqlite._DELETED_ROWS", 10)
    for name, length in {"a": 3, "b": 4, "c": 5, "d": 30, "e": 1}.items():
        store.commit([turn(name, length, *[b"1"] * length)])
    commits: list[None] = []

    def committing() -> bool:
        commits.append(None)
        return False

    monkeypatch.setattr(store._database, "vacuum", lambda pages: False)  # pyright: ignore[reportPrivateUsage]
    connection: Any = raw(store)
    connection.set_commit_hook(committing)
    assert store.delete(["a", "b", "unknown", "c", "d", "e"]) == 5
    connection.set_commit_hook(None)
    assert len(commits) == 3  # a, b and c; d; e


def test_deleting_returns_storage_to_the_file_system(store: SqliteStore, path: Path) -> None:
    store.commit([turn(str(each), 1, bytes(10_000)) for each in range(200)])
    raw(store).pragma("wal_checkpoint", "TRUNCATE")
    full = path.stat().st_size
    assert store.delete([str(each) for each in range(200)]) == 200
    raw(store).pragma("wal_checkpoint", "TRUNCATE")
    assert path.stat().st_size < full / 10


def test_tidying_empties_the_log_but_waits_for_no_reader(store: SqliteStore, path: Path) -> None:
    store.commit([turn("a", 1, bytes(50_000))])
    log = path.with_name(f"{path.name}-wal")
    reader = connected(path)
    reader.execute("BEGIN")
    list(reader.execute("SELECT id FROM execution"))
    raw(store).set_busy_timeout(60_000)
    store.commit([turn("a", 2, bytes(50_000))])
    assert not store.tidy()
    assert log.stat().st_size > 100_000
    reader.close()
    assert not store.tidy()
    assert log.stat().st_size == 0
    assert len(store.journal("a")) == 2


def test_tidying_goes_on_until_all_pages_are_given_back(store: SqliteStore, path: Path) -> None:
    store.commit([turn("a", 1, bytes(20_000_000)), turn("b", 1, b"1")])
    store.delete(["a"])
    rounds = 1
    while store.tidy():
        rounds += 1
    assert rounds > 1
    assert store.sizes().bytes == path.stat().st_size < 200_000


def test_what_expires_is_found_by_an_index(store: SqliteStore) -> None:
    plan = raw(store).execute(
        "EXPLAIN QUERY PLAN SELECT id FROM execution WHERE expires <= 1 ORDER BY expires, id"
    )
    assert "execution_expiring" in str(list(plan))


def test_what_is_unfinished_is_found_by_an_index(store: SqliteStore) -> None:
    plan = raw(store).execute(
        "EXPLAIN QUERY PLAN SELECT key FROM execution WHERE NOT is_finished AND key > 0"
        " ORDER BY key LIMIT 5"
    )
    assert "execution_unfinished" in str(list(plan))


def test_threads_may_use_one_store_at_the_same_time(store: SqliteStore) -> None:
    raw(store).set_busy_timeout(5000)
    errors: list[Exception] = []

    def write(name: str) -> None:
        try:
            for seq in range(1, 30):
                store.commit([turn(name, seq, b"x")])
                store.load(name)
        except Exception as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [len(store.journal(name)) for name in "abcd"] == [29] * 4


@pytest.mark.parametrize("kind", [StoreFull, StoreLocked, NotAStore])
def test_errors_can_be_pickled(kind: type[StoreBroken]) -> None:
    error = pickle.loads(pickle.dumps(kind("file", "why")))
    assert isinstance(error, StoreError)
    assert str(error) == "store file: why"
