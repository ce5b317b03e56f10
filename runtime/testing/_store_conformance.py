"""What any store must do: checks for one behaviour each. A factory makes stores that are empty."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from .._errors import BadArgument
from ..definition import ExtraMissing
from ..store import (
    USERS_TOLD,
    Append,
    DefinitionConflict,
    DefinitionInUse,
    ExecutionHead,
    HeadFilter,
    KeptDefinition,
    Record,
    Snapshot,
    StaleWriter,
    Store,
    StoreClosed,
    StoreInUse,
)

if TYPE_CHECKING:
    from hypothesis.stateful import RuleBasedStateMachine

StoreFactory = Callable[[], Store]
"""Makes an empty store. Whoever made the factory closes what it made."""


def turn(
    execution: str, seq: int, *records: bytes, snapshot: bytes | None = None, incarnation: int = 1
) -> Append:
    """A turn whose last record is number `seq`."""
    head = ExecutionHead(
        id=execution,
        definition="orders",
        version=1,
        hash="0123",
        state="running",
        incarnation=incarnation,
        seq=seq,
        created=1.0,
        updated=1.0,
    )
    return Append(head, records, snapshot)


def changed(append: Append, **changes: Any) -> Append:
    """The same turn with another head: `changes` are fields of it."""
    return msgspec.structs.replace(append, head=msgspec.structs.replace(append.head, **changes))


def taking(append: Append, *numbers: int) -> Append:
    """The same turn, that has taken mail."""
    return msgspec.structs.replace(append, mail=numbers)


def _refusal(store: Store, *batch: Append) -> StaleWriter:
    try:
        store.commit(batch)
    except StaleWriter as stale:
        return stale
    raise AssertionError(f"{store!r} took {batch}")


def _conflict(store: Store, definition: KeptDefinition) -> DefinitionConflict:
    try:
        store.put_definition(definition)
    except DefinitionConflict as conflict:
        return conflict
    raise AssertionError(f"{store!r} took {definition}")


def _refused(store: Store, id: str, version: int) -> DefinitionInUse:
    try:
        store.delete_definition(id, version)
    except DefinitionInUse as refused:
        return refused
    raise AssertionError(f"{store!r} has deleted {id} v{version}")


def check_that_turns_are_loaded_as_they_were_stored(factory: StoreFactory) -> None:
    store = factory()
    first, second = turn("a", 2, b"1", b"2"), turn("a", 3, b"")
    second = changed(second, due=7.5, expires=9.5, parent=("mother", 4), size=17, version=2)
    store.commit([first, second])
    stored = store.load("a")
    assert stored is not None
    assert stored.head == second.head
    assert stored.snapshot is None
    assert stored.records == (Record(1, b"1"), Record(2, b"2"), Record(3, b""))


def check_that_what_is_unknown_is_none(factory: StoreFactory) -> None:
    store = factory()
    assert store.load("a") is None
    assert store.journal("a") == ()
    assert store.delete(["a"]) == 0
    assert store.compact("a", 5) == 0
    store.commit([])


def check_that_the_latest_snapshot_stands_for_the_records_before(factory: StoreFactory) -> None:
    store = factory()
    store.commit([turn("a", 1, b"1", snapshot=b"old"), turn("a", 3, b"2", b"3", snapshot=b"new")])
    store.commit([turn("a", 4, b"4")])
    stored = store.load("a")
    assert stored is not None
    assert stored.snapshot == Snapshot(3, b"new")
    assert stored.records == (Record(4, b"4"),)
    assert [record.seq for record in store.journal("a")] == [1, 2, 3, 4]
    assert [record.seq for record in store.journal("a", 2)] == [3, 4]


def check_that_compacting_drops_records_but_none_after_the_snapshot(factory: StoreFactory) -> None:
    store = factory()
    store.commit([turn("a", 3, b"1", b"2", b"3"), turn("b", 1, b"1")])
    assert store.compact("a", 3) == 0, "there is no snapshot"
    store.commit([turn("a", 4, b"4", snapshot=b"four"), turn("a", 5, b"5")])
    assert store.compact("a", 2) == 2
    assert store.compact("a", 99) == 2
    assert store.journal("a") == (Record(5, b"5"),)
    stored = store.load("a")
    assert stored is not None
    assert stored.snapshot == Snapshot(4, b"four")
    assert store.journal("b") == (Record(1, b"1"),)
    store.commit([turn("a", 6, b"6")])


def check_that_records_have_no_gaps_and_are_not_written_twice(factory: StoreFactory) -> None:
    store = factory()
    assert _refusal(store, turn("a", 2, b"2")).stored_seq == 0
    store.commit([turn("a", 1, b"1")])
    assert _refusal(store, turn("a", 1, b"1")).stored_seq == 1
    assert _refusal(store, turn("a", 3, b"3")).first_seq == 3
    assert _refusal(store, turn("a", 0)).stored_seq == 1
    store.commit([turn("a", 1), turn("a", 2, b"2")])


def check_that_an_earlier_incarnation_is_fenced_off(factory: StoreFactory) -> None:
    store = factory()
    store.commit([turn("a", 1, b"1", incarnation=2)])
    stale = _refusal(store, turn("a", 2, b"2", incarnation=1))
    assert (stale.incarnation, stale.stored_incarnation) == (1, 2)
    store.commit([turn("a", 2, b"2", incarnation=3)])
    _refusal(store, turn("a", 2, b"another", incarnation=3))
    assert store.journal("a") == (Record(1, b"1"), Record(2, b"2"))


def check_that_what_has_ended_goes_on_in_a_later_incarnation_only(factory: StoreFactory) -> None:
    store = factory()
    store.commit([turn("a", 1, b"1"), changed(turn("a", 2, b"2"), state="failed")])
    _refusal(store, turn("a", 3, b"3"))
    _refusal(store, turn("b", 1, b"1"), changed(turn("b", 2), state="failed"), turn("b", 2))
    store.commit([turn("a", 3, b"3", incarnation=2)])
    stored = store.load("a")
    assert stored is not None
    assert (stored.head.state, stored.head.seq) == ("running", 3)


def check_that_a_batch_is_stored_whole_or_not_at_all(factory: StoreFactory) -> None:
    store = factory()
    store.commit([turn("a", 1, b"1")])
    _refusal(store, turn("b", 1, b"1"), turn("a", 2, b"2"), turn("a", 2, b"2"), turn("c", 1, b""))
    stored = store.load("a")
    assert stored is not None
    assert stored.head.seq == 1
    assert store.journal("a") == (Record(1, b"1"),)
    assert store.load("b") is None


def check_that_an_import_begins_with_a_snapshot_anywhere(factory: StoreFactory) -> None:
    store = factory()
    store.commit([turn("a", 7, b"7", snapshot=b"seven"), turn("b", 3, snapshot=b"three")])
    stored = store.load("a")
    assert stored is not None
    assert stored.snapshot == Snapshot(7, b"seven")
    assert store.journal("a") == (Record(7, b"7"),)
    assert store.journal("b") == ()


def check_that_unfinished_is_all_that_has_not_ended(factory: StoreFactory) -> None:
    store = factory()
    states = {"a": "running", "b": "completed", "c": "paused", "d": "failed", "e": "parked"}
    store.commit([changed(turn(each, 0), state=state) for each, state in states.items()])
    assert sorted(head.id for head in store.unfinished()) == ["a", "c", "e"]
    store.commit([changed(turn("a", 0), state="cancelled")])
    assert sorted(head.id for head in store.unfinished()) == ["c", "e"]


def check_that_lists_come_in_pages_the_newest_first(factory: StoreFactory) -> None:
    store = factory()
    created = {"a": 3.0, "b": 1.0, "c": 2.0, "d": 2.0, "e": 5.0}
    store.commit([changed(turn(each, 0), created=when) for each, when in created.items()])
    seen: list[str] = []
    pages = 0
    page = store.heads(limit=2)
    while page:
        pages += 1
        seen += [head.id for head in page]
        page = store.heads(limit=2, after=page[-1].place)
    assert seen == ["e", "a", "d", "c", "b"]
    assert pages == 3


def check_that_lists_are_filtered(factory: StoreFactory) -> None:
    store = factory()
    store.commit(
        [
            changed(turn("a", 0), definition="bills", state="failed"),
            changed(turn("b", 0), state="failed", parent=("a", 3)),
            changed(turn("c", 0), parent=("x", 3)),
        ]
    )

    def ids(wanted: HeadFilter) -> list[str]:
        return [head.id for head in store.heads(wanted)]

    assert ids(HeadFilter()) == ["c", "b", "a"]
    assert ids(HeadFilter(definition="bills")) == ["a"]
    assert ids(HeadFilter(states=frozenset({"failed", "paused"}))) == ["b", "a"]
    assert ids(HeadFilter(states=frozenset())) == []
    assert ids(HeadFilter(parent="a")) == ["b"]
    assert ids(HeadFilter(definition="orders", states=frozenset({"failed"}), parent="x")) == []


def check_that_lists_are_filtered_by_how_ids_begin(factory: StoreFactory) -> None:
    store = factory()
    ids = ["", "a", "a_", "ab", "aB", "A", "b", "%", "\x00", "a\x00", "é", "ê", "\U0010ffff"]
    store.commit([turn(each, 0) for each in ids])
    for prefix in (*ids, "a_x", "z"):
        listed = [head.id for head in store.heads(HeadFilter(prefix=prefix))]
        assert listed == sorted((each for each in ids if each.startswith(prefix)), reverse=True)
    both = HeadFilter(prefix="a", definition="bills")
    assert store.heads(both) == ()


def check_that_mail_is_read_in_order_and_stays(factory: StoreFactory) -> None:
    store = factory()
    assert store.mail() == ()
    first, second = store.post("a", b"pause"), store.post("nobody", b"resume")
    assert first < second
    assert [(mail.execution, mail.body) for mail in store.mail()] == [
        ("a", b"pause"),
        ("nobody", b"resume"),
    ]
    assert [mail.number for mail in store.mail(limit=1)] == [first]
    assert [mail.number for mail in store.mail(first)] == [second]
    assert [mail.number for mail in store.mail()] == [first, second]
    assert store.mail(second) == ()


def check_that_a_turn_drops_the_mail_it_has_taken(factory: StoreFactory) -> None:
    store = factory()
    numbers = [store.post("a", b"%d" % each) for each in range(4)]
    store.commit([taking(turn("a", 0), *numbers[:2]), taking(turn("b", 0), numbers[3], 12345)])
    assert [mail.number for mail in store.mail()] == [numbers[2]]
    store.commit([taking(turn("a", 0), numbers[2])])
    assert store.mail() == ()
    assert store.post("a", b"") > numbers[3], "numbers are not used again"


def check_that_a_turn_that_is_refused_leaves_the_mail(factory: StoreFactory) -> None:
    store = factory()
    number = store.post("a", b"pause")
    _refusal(store, taking(turn("a", 0), number), turn("a", 7, b"7"))
    assert [mail.number for mail in store.mail()] == [number]


def check_that_an_answer_is_given_once(factory: StoreFactory) -> None:
    store = factory()
    first, second = store.post("a", b"pause"), store.post("a", b"resume")
    assert store.take_answer(first) is None
    store.answer(first, b"no")
    store.answer(first, b"done")
    store.answer(12345, b"for nobody we know")
    assert [mail.number for mail in store.mail()] == [second], "what is answered is dealt with"
    assert store.take_answer(second) is None
    assert store.take_answer(first) == b"done"
    assert store.take_answer(first) is None
    assert store.take_answer(12345) == b"for nobody we know"


def check_that_answers_nobody_came_for_are_forgotten(factory: StoreFactory) -> None:
    store = factory()
    store.answer(1, b"one")
    store.answer(2, b"two")
    assert store.forget_answers(0.0) == 0
    assert store.take_answer(2) == b"two"
    assert store.forget_answers(1e12) == 1
    assert store.take_answer(1) is None


def check_that_a_host_fences_off_the_one_before(factory: StoreFactory) -> None:
    store = factory()
    done = changed(turn("done", 1, b"1"), state="completed")
    store.commit([turn("a", 1, b"1", incarnation=3), done])
    store.take_over()
    heads = {head.id: head for head in store.heads() if isinstance(head, ExecutionHead)}
    assert {each: head.incarnation for each, head in heads.items()} == {"a": 4, "done": 1}
    stale = _refusal(store, turn("a", 2, b"2", incarnation=3))
    assert (stale.stored_incarnation, stale.stored_seq) == (4, 1)
    store.commit([turn("a", 2, b"2", incarnation=4)])


def check_that_there_is_one_host_at_a_time(factory: StoreFactory) -> None:
    store = factory()
    store.commit([turn("a", 0)])
    store.release()
    store.take_over()
    try:
        store.take_over()
    except StoreInUse:
        pass
    else:
        raise AssertionError(f"{store!r} has two hosts")
    _refusal(store, turn("a", 0))
    store.commit([turn("a", 0, incarnation=2)])
    store.release()
    store.take_over()
    _refusal(store, turn("a", 0, incarnation=2))
    store.commit([turn("a", 0, incarnation=3)])


def check_that_sizes_are_told(factory: StoreFactory) -> None:
    store = factory()
    empty = store.sizes()
    large = bytes(50_000)
    assert (empty.executions, empty.unfinished, empty.records) == (0, 0, 0)
    done = changed(turn("b", 0, snapshot=large), state="completed")
    store.commit([turn("a", 3, b"1", b"2", large), done, turn("c", 0)])
    sizes = store.sizes()
    assert (sizes.executions, sizes.unfinished, sizes.records) == (3, 2, 3)
    assert sizes.bytes >= 2 * len(large)


def check_that_tidying_comes_to_an_end_and_harms_nothing(factory: StoreFactory) -> None:
    store = factory()
    store.commit([turn("a", 1, bytes(9000)), turn("b", 1, bytes(9000))])
    store.delete(["a"])
    for _ in range(100):
        if not store.tidy():
            break
    assert not store.tidy()
    assert store.journal("b") == (Record(1, bytes(9000)),)


def check_that_deleting_forgets_everything_and_only_that(factory: StoreFactory) -> None:
    store = factory()
    store.commit([turn(each, 1, b"1", snapshot=b"one") for each in "abc"])
    store.post("a", b"lost")
    store.post("c", b"kept")
    assert store.delete(["a", "b", "x"]) == 2
    assert [head.id for head in store.heads()] == ["c"]
    assert store.load("a") is None
    assert store.journal("a") == ()
    assert [mail.execution for mail in store.mail()] == ["c"]
    store.commit([turn("a", 1, b"anew")])
    stored = store.load("a")
    assert stored is not None
    assert stored.snapshot is None
    assert store.journal("a") == (Record(1, b"anew"),)


def check_that_what_has_expired_is_told_the_earliest_first(factory: StoreFactory) -> None:
    store = factory()
    expires = {"a": 5.0, "b": None, "c": 3.0, "d": 4.0}
    store.commit([changed(turn(each, 0), expires=when) for each, when in expires.items()])
    assert store.expired(2.9) == ()
    assert store.expired(4.0) == ("c", "d")
    assert store.expired(9.0, limit=2) == ("c", "d")
    store.commit([changed(turn("c", 0), expires=None)])
    assert store.expired(9.0) == ("d", "a")


def check_that_ids_and_bodies_may_hold_anything(factory: StoreFactory) -> None:
    store = factory()
    ids = ["", "ä/ß '\"%;--", "\x00a", "a\x00", "日本", "A", "a"]
    store.commit([turn(each, 1, bytes(range(256)) * 40) for each in ids])
    assert sorted(head.id for head in store.unfinished()) == sorted(ids)
    assert [head.id for head in store.heads()] == sorted(ids, reverse=True)
    assert all(store.journal(each)[0].body == bytes(range(256)) * 40 for each in ids)


def check_that_definitions_are_kept_by_id_and_version(factory: StoreFactory) -> None:
    store = factory()
    assert store.definition("a") is None
    body = bytes(range(256)) * 40
    kept = {(id, n): KeptDefinition(id, n, f"{id}{n}", body) for id in ("a", "A") for n in (9, 10)}
    for each in kept.values():
        store.put_definition(each)
    store.put_definition(KeptDefinition("a", 2, "a2", b""))
    assert store.definition("a", 9) == kept["a", 9]
    assert store.definition("a") == kept["a", 10]
    assert store.definition("A") == kept["A", 10]
    assert store.definition("a", 2) == KeptDefinition("a", 2, "a2", b"")
    assert store.definition("a", 3) is None
    assert store.definition("b", 9) is None


def check_that_a_kept_definition_is_not_replaced(factory: StoreFactory) -> None:
    store = factory()
    first = KeptDefinition("a", 1, "0123", b"one")
    store.put_definition(first)
    store.put_definition(KeptDefinition("a", 1, "0123", b"one, described otherwise"))
    conflict = _conflict(store, KeptDefinition("a", 1, "4567", b"two"))
    told = (conflict.id, conflict.version, conflict.kept, conflict.given)
    assert told == ("a", 1, "0123", "4567")
    assert store.definition("a", 1) == first
    store.put_definition(KeptDefinition("a", 2, "4567", b"two"))


def check_that_definitions_stay_when_executions_go(factory: StoreFactory) -> None:
    store = factory()
    store.put_definition(KeptDefinition("orders", 1, "0123", b"one"))
    store.commit([turn("orders", 1, b"1")])
    assert store.delete(["orders"]) == 1
    assert store.definition("orders", 1) is not None


def check_that_definitions_are_listed_in_pages(factory: StoreFactory) -> None:
    store = factory()
    assert not store.definitions()
    places = [("A", 1), ("a", 2), ("a", 10), ("a\x00", 1), ("b", 1)]
    kept = [KeptDefinition(id, version, f"{id}{version}", id.encode()) for id, version in places]
    for each in reversed(kept):
        store.put_definition(each)
    seen: list[KeptDefinition] = []
    pages = 0
    page = store.definitions(limit=2)
    while page:
        pages += 1
        seen += page
        page = store.definitions(limit=2, after=page[-1].place)
    assert (seen, pages) == (kept, 3)
    assert store.definitions(limit=9, after=("a", 3)) == tuple(kept[2:])


def check_that_a_deleted_definition_is_gone_and_may_come_again(factory: StoreFactory) -> None:
    store = factory()
    assert not store.delete_definition("a", 1)
    for version in (1, 2):
        store.put_definition(KeptDefinition("a", version, "0123", b"one"))
    assert store.delete_definition("a", 2)
    assert not store.delete_definition("a", 2)
    assert store.definition("a", 2) is None
    assert store.definition("a") == KeptDefinition("a", 1, "0123", b"one")
    store.put_definition(KeptDefinition("a", 2, "4567", b"two"))
    assert store.definition("a") == KeptDefinition("a", 2, "4567", b"two")
    assert store.delete_definition("a", 1)
    assert store.delete_definition("a", 2)
    assert store.definitions() == ()


def check_that_a_definition_stays_while_it_is_run(factory: StoreFactory) -> None:
    store = factory()
    for version in (1, 2):  # the turns made here run version 1
        store.put_definition(KeptDefinition("orders", version, "0123", b""))
    ids = [f"{each}" for each in range(USERS_TOLD + 2)]
    done = changed(turn("done", 0), state="completed")
    store.commit([*(turn(each, 0) for each in ids), done])
    refused = _refused(store, "orders", 1)
    told = refused.id, refused.version, refused.executions, refused.count
    assert told == ("orders", 1, tuple(ids[:USERS_TOLD]), len(ids))
    assert store.definition("orders", 1) is not None
    assert store.delete_definition("orders", 2)
    store.commit([changed(turn(each, 0), state="failed") for each in ids[1:]])
    assert _refused(store, "orders", 1).executions == ("0",)
    assert store.delete_definition("orders", 1, in_use="delete")
    assert store.definitions() == ()
    assert [head.id for head in store.unfinished()] == ["0"]


def check_that_a_definition_of_other_content_is_not_in_use(factory: StoreFactory) -> None:
    store = factory()
    store.put_definition(KeptDefinition("orders", 1, "4567", b""))
    store.commit([turn("a", 0)])
    assert store.delete_definition("orders", 1)


def check_that_what_is_asked_for_may_be_beyond_all_numbers(factory: StoreFactory) -> None:
    store = factory()
    largest = KeptDefinition("a", 2**63 - 1, "0123", b"")
    store.put_definition(largest)
    store.commit([changed(turn("a", 1, b"1", snapshot=b"one"), expires=1.0)])
    number = store.post("a", b"pause")
    for beyond in (2**63, 2**64, 2**70, 10**400):
        assert store.definition("a", beyond) is None
        assert not store.delete_definition("a", beyond)
        assert not store.definitions(after=("a", beyond))
        assert store.definitions(limit=beyond) == (largest,)
        assert not store.mail(beyond)
        assert [mail.number for mail in store.mail(limit=beyond)] == [number]
        assert store.take_answer(beyond) is None
        assert not store.journal("a", beyond)
        assert [head.id for head in store.heads(limit=beyond)] == ["a"]
        assert store.expired(2.0, limit=beyond) == ("a",)
    assert store.definition("a", -(2**70)) is None
    assert store.definition("a") == largest
    assert store.compact("a", 2**70) == 1


def check_that_a_version_out_of_range_is_not_kept(factory: StoreFactory) -> None:
    store = factory()
    for version in (-(2**70), 0, 2**63, 2**70):
        try:
            store.put_definition(KeptDefinition("a", version, "0123", b""))
        except BadArgument:
            continue
        raise AssertionError(f"{store!r} has taken version {version}")
    assert not store.definitions()


def check_that_a_closed_store_refuses(factory: StoreFactory) -> None:
    store = factory()
    store.close()
    store.close()
    for use in (
        lambda: store.commit([turn("a", 0)]),
        lambda: store.load("a"),
        store.mail,
        lambda: store.definition("a"),
        store.definitions,
        lambda: store.delete_definition("a", 1),
    ):
        try:
            use()
        except StoreClosed:
            continue
        raise AssertionError(f"{store!r} works although it is closed")


STORE_CHECKS: tuple[Callable[[StoreFactory], None], ...] = (
    check_that_turns_are_loaded_as_they_were_stored,
    check_that_what_is_unknown_is_none,
    check_that_the_latest_snapshot_stands_for_the_records_before,
    check_that_compacting_drops_records_but_none_after_the_snapshot,
    check_that_records_have_no_gaps_and_are_not_written_twice,
    check_that_an_earlier_incarnation_is_fenced_off,
    check_that_what_has_ended_goes_on_in_a_later_incarnation_only,
    check_that_a_batch_is_stored_whole_or_not_at_all,
    check_that_an_import_begins_with_a_snapshot_anywhere,
    check_that_unfinished_is_all_that_has_not_ended,
    check_that_lists_come_in_pages_the_newest_first,
    check_that_lists_are_filtered,
    check_that_lists_are_filtered_by_how_ids_begin,
    check_that_mail_is_read_in_order_and_stays,
    check_that_a_turn_drops_the_mail_it_has_taken,
    check_that_a_turn_that_is_refused_leaves_the_mail,
    check_that_an_answer_is_given_once,
    check_that_answers_nobody_came_for_are_forgotten,
    check_that_a_host_fences_off_the_one_before,
    check_that_there_is_one_host_at_a_time,
    check_that_sizes_are_told,
    check_that_tidying_comes_to_an_end_and_harms_nothing,
    check_that_deleting_forgets_everything_and_only_that,
    check_that_what_has_expired_is_told_the_earliest_first,
    check_that_ids_and_bodies_may_hold_anything,
    check_that_definitions_are_kept_by_id_and_version,
    check_that_a_kept_definition_is_not_replaced,
    check_that_definitions_stay_when_executions_go,
    check_that_definitions_are_listed_in_pages,
    check_that_a_deleted_definition_is_gone_and_may_come_again,
    check_that_a_definition_stays_while_it_is_run,
    check_that_a_definition_of_other_content_is_not_in_use,
    check_that_what_is_asked_for_may_be_beyond_all_numbers,
    check_that_a_version_out_of_range_is_not_kept,
    check_that_a_closed_store_refuses,
)
"""Every check of this module: give each a factory."""


def _same(store: Store) -> Store:
    return store


def store_machine(
    factory: StoreFactory, reopen: Callable[[Store], Store] = _same
) -> type[RuleBasedStateMachine]:
    """A Hypothesis machine for the stores of a factory; its `TestCase` is a test.

    `reopen` closes a store and opens it again with the same content; without one that is not tried.
    """
    try:
        from ._store_machine import StoreMachine
    except ImportError as error:
        raise ExtraMissing("test", "hypothesis", "testing a store against a model") from error
    members = {"factory": staticmethod(factory), "reopen": staticmethod(reopen)}
    return type("StoreMachineOfOne", (StoreMachine,), members)
