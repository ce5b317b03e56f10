"""Executions go into an archive and come back as they were; what is damaged is told by its line."""

from __future__ import annotations

import base64
import gzip
import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.runtime.store import (
    Append,
    ArchiveConflict,
    ArchiveFailed,
    CorruptArchive,
    CorruptExecution,
    DamagedHead,
    DefinitionConflict,
    ExecutionHead,
    HeadFilter,
    ImportReport,
    KeptDefinition,
    MemoryStore,
    Record,
    SqliteStore,
    Store,
    Stored,
    StoreFull,
    export_executions,
    import_executions,
)
from processengine.runtime.testing._store_conformance import changed, turn


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.jsonl.gz"


def filled(*turns: Append) -> MemoryStore:
    store = MemoryStore()
    store.commit(turns)
    return store


def content(store: Store, execution: str) -> tuple[Stored | None, tuple[Record, ...]]:
    return store.load(execution), store.journal(execution)


def round_trip(store: Store, path: Path, other: Store) -> ImportReport:
    export_executions(store, path)
    return import_executions(other, path)


@pytest.mark.parametrize(
    "turns",
    [
        [turn("a", 0)],
        [turn("a", 3, b"1", b"", bytes(range(256)))],
        [turn("a", 2, b"1", b"2", snapshot=b"two")],
        [turn("a", 2, b"1", b"2", snapshot=b"two"), turn("a", 4, b"3", b"4")],
        [turn("a", 0, snapshot=b"nothing yet"), turn("a", 1, b"1")],
        [turn("a", 7, snapshot=b"seven")],
        [changed(turn("", 1, b"1"), due=1.5, expires=2.5, parent=("ä\n\x00", 3), size=9)],
    ],
)
def test_an_execution_comes_back_as_it_was(turns: list[Append], path: Path) -> None:
    store, other = filled(*turns), MemoryStore()
    assert round_trip(store, path, other) == ImportReport(imported=1)
    assert content(other, turns[0].id) == content(store, turns[0].id)


def test_a_compacted_journal_comes_back_with_its_numbers(path: Path, tmp_path: Path) -> None:
    store, other = SqliteStore(tmp_path / "1.db"), SqliteStore(tmp_path / "2.db")
    store.commit([turn("a", 4, b"1", b"2", b"3", b"4", snapshot=b"four"), turn("a", 5, b"5")])
    store.compact("a", 2)
    round_trip(store, path, other)
    assert [record.seq for record in other.journal("a")] == [3, 4, 5]
    assert content(other, "a") == content(store, "a")
    other.commit([turn("a", 6, b"6")])
    store.close()
    other.close()


@given(
    records=st.lists(st.binary(max_size=4), max_size=6),
    cut=st.none() | st.integers(0, 6),
    dropped=st.integers(0, 6),
)
def test_any_execution_comes_back(
    records: list[bytes],
    cut: int | None,
    dropped: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl.gz"
    store, other = MemoryStore(), MemoryStore()
    if cut is None:
        store.commit([turn("a", len(records), *records)])
    else:
        early, late = records[:cut], records[cut:]
        store.commit([turn("a", len(early), *early, snapshot=b"s")])
        store.commit([turn("a", len(records), *late)])
        store.compact("a", dropped)
    round_trip(store, path, other)
    assert content(other, "a") == content(store, "a")


def test_many_are_exported_page_by_page(path: Path) -> None:
    store, other = filled(*(turn(f"{each}", 1, b"1") for each in range(250))), MemoryStore()
    told: list[int] = []
    assert export_executions(store, path, progress=told.append) == 250
    assert told == list(range(1, 251))
    told.clear()
    assert import_executions(other, path, progress=told.append) == ImportReport(imported=250)
    assert told == [100, 200, 250]
    assert other.heads(limit=999) == store.heads(limit=999)


def test_only_what_is_wanted_is_exported(path: Path) -> None:
    store = filled(*(turn(each, 0) for each in ("aa", "ab", "b", "c")))

    def exported(wanted: HeadFilter | list[str]) -> list[str]:
        export_executions(store, path, wanted)
        return sorted(json.loads(line)["head"]["id"] for line in gzip.open(path))

    assert exported(HeadFilter(prefix="a")) == ["aa", "ab"]
    assert exported(["c", "unknown", "b"]) == ["b", "c"]
    assert exported([]) == []
    assert import_executions(MemoryStore(), path) == ImportReport()


def test_what_exists_is_left_alone(path: Path) -> None:
    export_executions(filled(turn("a", 1, b"archived"), turn("b", 1, b"1")), path)
    store = filled(turn("a", 1, b"other"))
    assert import_executions(store, path) == ImportReport(imported=1, skipped_existing=1)
    assert store.journal("a") == (Record(1, b"other"),)
    assert store.journal("b") == (Record(1, b"1"),)
    assert import_executions(store, path) == ImportReport(skipped_existing=2)


def test_what_begins_during_an_import_is_left_alone(path: Path) -> None:
    class Blind(MemoryStore):
        def load(self, execution: str) -> Stored | None:
            return None

    export_executions(filled(turn("a", 1, b"archived"), turn("b", 1, b"1")), path)
    store = Blind()
    store.commit([turn("a", 1, b"other")])
    assert import_executions(store, path) == ImportReport(imported=1, skipped_existing=1)
    assert store.journal("a") == (Record(1, b"other"),)


def test_what_goes_on_during_an_export_is_written_as_it_was(path: Path) -> None:
    class Busy(MemoryStore):
        def load(self, execution: str) -> Stored | None:
            stored = super().load(execution)
            self.commit([turn("a", 4, b"4", snapshot=b"four")])
            self.compact("a", 4)
            return stored

    store = Busy()
    store.commit([turn("a", 2, b"1", b"2", snapshot=b"two"), turn("a", 3, b"3")])
    other = MemoryStore()
    round_trip(store, path, other)
    loaded = other.load("a")
    assert loaded is not None
    assert loaded.head.seq == 3
    assert loaded.records == (Record(3, b"3"),)


def damaged_store() -> Store:
    class Damaged(MemoryStore):
        def load(self, execution: str) -> Stored | None:
            if execution == "b":
                raise CorruptExecution("b", 1, "it is missing")
            return super().load(execution)

        def heads(self, *_: Any, **__: Any) -> tuple[ExecutionHead | DamagedHead, ...]:
            page = super().heads(*_, **__)
            return (DamagedHead("c", page[0].created, "no text"), *page[1:]) if page else ()

    store = Damaged()
    store.commit([turn(each, 0) for each in "abc"])
    return store


def test_a_damaged_execution_stops_an_export_that_leaves_nothing_behind(path: Path) -> None:
    with pytest.raises(CorruptExecution, match="'c' is damaged"):
        export_executions(damaged_store(), path)
    assert list(path.parent.iterdir()) == []


def test_a_damaged_execution_is_left_out_if_somebody_wants_to_know(path: Path) -> None:
    told: list[str] = []
    count = export_executions(
        damaged_store(), path, on_damaged=lambda error: told.append(error.execution)
    )
    assert (count, told) == (1, ["c", "b"])
    assert import_executions(MemoryStore(), path) == ImportReport(imported=1)


def test_a_damaged_execution_exists_all_the_same(path: Path) -> None:
    export_executions(filled(turn("b", 0)), path)
    assert import_executions(damaged_store(), path) == ImportReport(skipped_existing=1)


def test_an_archive_is_replaced_only_when_the_new_one_is_whole(path: Path) -> None:
    export_executions(filled(turn("a", 1, b"1")), path)
    before = path.read_bytes()
    with pytest.raises(CorruptExecution):
        export_executions(damaged_store(), path)
    assert path.read_bytes() == before
    export_executions(filled(turn("b", 1, b"1")), path)
    assert path.read_bytes() != before
    assert list(path.parent.iterdir()) == [path]


def test_the_same_executions_give_the_same_archive(path: Path) -> None:
    store = filled(turn("a", 1, b"1"), turn("b", 1, b"1"))
    export_executions(store, path)
    before = path.read_bytes()
    export_executions(store, path)
    assert path.read_bytes() == before


ORDERS = KeptDefinition("orders", 1, "0123", bytes(range(256)))
"""What the turns made here run."""

BILLS = KeptDefinition("bills", 7, "4567", b"{}")


def keeping(store: Store, *definitions: KeptDefinition) -> Store:
    for each in definitions:
        store.put_definition(each)
    return store


def billing(execution: str) -> Append:
    return changed(turn(execution, 0), definition="bills", version=7, hash="4567")


def test_an_archive_brings_the_definitions_that_its_executions_ran(path: Path) -> None:
    turns = [turn("a", 1, b"1"), billing("b"), turn("c", 0), billing("d")]
    unused = KeptDefinition("orders", 2, "89", b"")
    store, other = keeping(filled(*turns), ORDERS, BILLS, unused), MemoryStore()
    told: list[int] = []
    assert export_executions(store, path, progress=told.append) == 4
    assert told == [1, 2, 3, 4]
    assert import_executions(other, path) == ImportReport(imported=4, definitions=2)
    assert other.definitions() == (BILLS, ORDERS)
    assert import_executions(other, path) == ImportReport(skipped_existing=4)
    assert import_executions(store, path) == ImportReport(skipped_existing=4)


def test_only_the_content_that_was_run_is_brought(path: Path) -> None:
    store, other = keeping(filled(turn("a", 0)), attrs.evolve(ORDERS, hash="4567")), MemoryStore()
    assert round_trip(store, path, other) == ImportReport(imported=1)
    assert other.definitions() == ()


def test_a_definition_comes_before_what_runs_it(path: Path) -> None:
    class Interrupted(MemoryStore):
        def commit(self, batch: Sequence[Append]) -> None:
            raise StoreFull("in memory", "there is no space left")

    ids = [f"{each:03}" for each in range(150)]
    store = keeping(filled(billing("last"), *(turn(each, 0) for each in ids)), ORDERS, BILLS)
    export_executions(store, path, [*ids, "last"])
    other = Interrupted()
    with pytest.raises(StoreFull):
        import_executions(other, path)
    assert other.definitions() == (ORDERS,)
    with gzip.open(path) as archive:
        lines = [json.loads(line) for line in archive]
    assert ["definition" in line for line in lines] == [True, *[False] * 150, True, False]


def test_another_definition_of_that_version_is_refused_before_anything_is_written(
    path: Path,
) -> None:
    store = keeping(filled(billing("a"), turn("b", 0)), ORDERS, BILLS)
    export_executions(store, path, ["a", "b"])
    other = keeping(MemoryStore(), attrs.evolve(ORDERS, hash="another"))
    with pytest.raises(ArchiveConflict, match="line 3: definition orders v1 is there") as caught:
        import_executions(other, path)
    told = caught.value.kept, caught.value.given, caught.value.line, caught.value.path
    assert told == ("another", "0123", 3, str(path))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert isinstance(caught.value, DefinitionConflict)
    assert other.heads() == ()
    assert [each.hash for each in other.definitions()] == ["another"]


def test_an_archive_that_has_two_definitions_for_a_version_is_refused(path: Path) -> None:
    parts: list[bytes] = []
    for hash in ("0123", "4567"):
        run = changed(turn(hash, 0), hash=hash)
        export_executions(keeping(filled(run), attrs.evolve(ORDERS, hash=hash)), path)
        parts.append(path.read_bytes())
    path.write_bytes(b"".join(parts))  # gzip allows that
    store = MemoryStore()
    with pytest.raises(ArchiveConflict, match="line 3"):
        import_executions(store, path)
    assert (store.heads(), store.definitions()) == ((), ())


OLD_ARCHIVE = (
    "H4sIAAAAAAAA/6VQu27DMAzc+xmchcB20MVA9iweOhseWIuOBbi0S8lpUSP/3ssTHRoERReRvDs+Tgt1o71xojJ3"
    "1At7KhcKeOmVHHnpgoYURgUwmheLQPcIJ+jYwrEHl+XFGkxMnARlx2EQDyBoy6acrvIo76fYmkCJNfkqczRP/kfl"
    "Z4zQeRgcyecUTCKVxerZ0cQmmq5cDF/QZQdkylPsxxtj0uJWdNU1VlUvmw01zeFpuWuV/2HVZtWgu3te13/3ei4f"
    "m60L9G/9nprfLbujoNqdU9xRfVw+4htv8C5V9AEAAA=="
)


def test_an_archive_without_definitions_is_what_it_was_before(path: Path) -> None:
    """This one was written before archives brought definitions."""
    path.write_bytes(base64.b64decode(OLD_ARCHIVE))
    store = MemoryStore()
    assert import_executions(store, path) == ImportReport(imported=2)
    again = path.with_name("again")
    export_executions(store, again)
    assert again.read_bytes() == path.read_bytes()


@pytest.fixture
def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of an archive, to be damaged."""
    late = turn("c", 3, b"3")
    export_executions(
        filled(
            turn("a", 1, b"1"), turn("b", 1, b"1"), turn("c", 2, b"1", b"2", snapshot=b"2"), late
        ),
        path,
        ["a", "b", "c"],
    )
    return [json.loads(line) for line in gzip.open(path)]


DAMAGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a newer format": (lambda line: line.update(format=3), "version 3, known are 1 and 2"),
    "a format of others": (lambda line: line.update(format=2), "unknown field `head`"),
    "no format": (lambda line: line.pop("format"), "missing required field `format`"),
    "no head": (lambda line: line.pop("head"), "missing required field `head`"),
    "half a head": (lambda line: line["head"].pop("state"), "missing required field `state`"),
    "a number for text": (lambda line: line["head"].update(id=7), "Expected `str`"),
    "something more": (lambda line: line.update(more=1), "unknown field `more`"),
    "a version too large": (lambda line: line["head"].update(version=2**63), "<= 9223372036854775"),
    "a number too large": (lambda line: line["head"].update(size=10**40), "<= 9223372036854775807"),
    "no base64": (lambda line: line["records"][1].__setitem__(1, "%"), "base64"),
    "a record missing": (lambda line: line["records"].pop(1), r"records 1 to 3 \(2\), not all"),
    "the last one missing": (lambda line: line["records"].pop(), r"1 to 2 \(2\), not all from 3"),
    "all missing": (lambda line: line["records"].clear(), "records none, not all from 3 to 3"),
    "a record 0": (lambda line: line["records"].insert(0, [0, ""]), r"records 0 to 3 \(4\)"),
    "no snapshot": (
        lambda line: line.update(snapshot=None, records=line["records"][1:]),
        r"2 to 3 \(2\), not all from 1 to 3",
    ),
    "a late snapshot": (lambda line: line["snapshot"].__setitem__(0, 4), "before its snapshot 4"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_line_is_told_and_nothing_is_imported(
    damage: str, lines: list[dict[str, Any]], path: Path
) -> None:
    change, why = DAMAGES[damage]
    change(lines[2])
    path.write_bytes(gzip.compress(b"".join(json.dumps(each).encode() + b"\n" for each in lines)))
    store = MemoryStore()
    with pytest.raises(CorruptArchive, match=why) as caught:
        import_executions(store, path)
    assert caught.value.line == 3
    assert store.heads() == ()


def test_an_archive_that_is_cut_off_anywhere_is_told(
    lines: list[dict[str, Any]], path: Path
) -> None:
    whole, store = path.read_bytes(), MemoryStore()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptArchive):
            import_executions(store, path)
    assert store.heads() == ()


def test_a_damaged_byte_anywhere_is_told_or_changes_nothing(
    lines: list[dict[str, Any]], path: Path
) -> None:
    whole = path.read_bytes()
    good = MemoryStore()
    import_executions(good, path)
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        store = MemoryStore()
        try:
            import_executions(store, path)
        except CorruptArchive:
            assert store.heads() == ()
        else:
            assert [content(store, each) for each in "abc"] == [
                content(good, each) for each in "abc"
            ]


def test_a_file_that_is_no_archive_is_told(path: Path) -> None:
    path.write_text("dear diary")
    with pytest.raises(CorruptArchive, match="line 1: Not a gzipped file"):
        import_executions(MemoryStore(), path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "orders.jsonl.gz"
    with pytest.raises(ArchiveFailed, match="nowhere"):
        export_executions(MemoryStore(), path)
    with pytest.raises(ArchiveFailed, match="nowhere"):
        import_executions(MemoryStore(), path)


def test_an_import_continues_what_it_imported(path: Path) -> None:
    """A later turn of the next incarnation is taken, an earlier one is not."""
    export_executions(filled(turn("a", 1, b"1", incarnation=5)), path)
    store = MemoryStore()
    import_executions(store, path)
    stored = store.load("a")
    assert stored is not None
    assert msgspec.structs.replace(stored.head, seq=0) == turn("a", 0, incarnation=5).head
    store.commit([turn("a", 2, b"2", incarnation=6)])
