"""Any store against a model that is too simple to be wrong, by drawn operations."""

from __future__ import annotations

import attrs
import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ..store import (
    Append,
    DefinitionConflict,
    DefinitionInUse,
    ExecutionHead,
    KeptDefinition,
    Record,
    StaleWriter,
    Store,
    StoreInUse,
)
from ._store_conformance import changed, taking, turn

_IDS = st.sampled_from("abcd")
_BODIES = st.binary(max_size=4)


@attrs.define
class _Model:
    """One execution as it ought to be stored; `dropped` is the last record that is gone."""

    head: ExecutionHead
    records: dict[int, bytes] = attrs.Factory(dict[int, bytes])
    snapshot: tuple[int, bytes] | None = None

    def take(self, append: Append) -> None:
        self.head = append.whole_head
        self.records |= {record.seq: record.body for record in append.numbered()}
        if append.snapshot is not None:
            self.snapshot = (append.seq, append.snapshot)


class StoreMachine(RuleBasedStateMachine):
    """Rules and invariants; `store_machine` makes one for a store of yours."""

    @staticmethod
    def factory() -> Store:
        """Make an empty store."""
        raise NotImplementedError

    @staticmethod
    def reopen(store: Store) -> Store:
        """Close a store and open it again, if it can be."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.store: Store = self.factory()
        self.models: dict[str, _Model] = {}
        self.mail: list[tuple[int, str, bytes]] = []
        self.answers: dict[int, bytes] = {}
        self.definitions: dict[int, KeptDefinition] = {}
        self.is_host = False

    def teardown(self) -> None:
        """Close the store at the end of an example."""
        self.store.close()

    @rule(data=st.data(), count=st.integers(1, 4))
    def commit(self, data: st.DataObject, count: int) -> None:
        """Commit a batch in which now and then a turn is stale."""
        batch: list[Append] = []
        seqs = {each: model.head.seq for each, model in self.models.items()}
        for _ in range(count):
            append = self._draw_turn(data, seqs)
            seqs[append.id] = append.seq
            batch.append(append)
        is_good = self._would_take(batch)
        try:
            self.store.commit(batch)
        except StaleWriter:
            assert not is_good, f"refused {batch}"
            return
        assert is_good, f"took {batch}"
        for append in batch:
            self.models.setdefault(append.id, _Model(append.head)).take(append)
            self.mail = [mail for mail in self.mail if mail[0] not in append.mail]

    def _draw_turn(self, data: st.DataObject, seqs: dict[str, int]) -> Append:
        execution = data.draw(_IDS)
        records = data.draw(st.lists(_BODIES, max_size=3))
        slip = data.draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, -1]))
        snapshot = data.draw(st.none() | _BODIES)
        seq = max(0, seqs.get(execution, 0) + len(records) + slip)
        incarnation = data.draw(st.sampled_from([1, 2, 3, 3, 3, 3]))
        append = turn(execution, seq, *records, snapshot=snapshot, incarnation=incarnation)
        state = data.draw(st.sampled_from(["running", "paused", "completed"]))
        expires = data.draw(st.none() | st.sampled_from([1.0, 2.0, 3.0]))
        mail = tuple(sorted(data.draw(st.sets(st.sampled_from(range(1, 6)), max_size=2))))
        return taking(changed(append, state=state, expires=expires), *mail)

    def _would_take(self, batch: list[Append]) -> bool:
        places = {
            each: (model.head.incarnation + model.head.is_finished, model.head.seq)
            for each, model in self.models.items()
        }
        for append in batch:
            incarnation, seq = places.get(append.id, (0, 0))
            imported = append.id not in places and append.snapshot is not None
            begins = imported and append.first_seq > 0
            if append.head.incarnation < incarnation:
                return False
            if append.first_seq != seq + 1 and not begins:
                return False
            places[append.id] = (
                append.head.incarnation + append.head.is_finished,
                append.seq,
            )
        return True

    @rule(execution=_IDS, seq=st.integers(0, 12))
    def compact(self, execution: str, seq: int) -> None:
        """Drop a part of a journal."""
        model = self.models.get(execution)
        last = 0 if model is None or model.snapshot is None else min(seq, model.snapshot[0])
        gone = [each for each in (model.records if model else ()) if each <= last]
        assert self.store.compact(execution, seq) == len(gone)
        for each in gone:
            assert model is not None
            del model.records[each]

    @rule(executions=st.lists(_IDS, unique=True, max_size=2))
    def delete(self, executions: list[str]) -> None:
        """Forget a few executions and their mail."""
        known = [each for each in executions if self.models.pop(each, None)]
        assert self.store.delete(executions) == len(known)
        self.mail = [mail for mail in self.mail if mail[1] not in executions]

    @rule(execution=_IDS, body=_BODIES)
    def post(self, execution: str, body: bytes) -> None:
        """Post mail."""
        number = self.store.post(execution, body)
        assert all(number > mail[0] for mail in self.mail)
        self.mail.append((number, execution, body))

    @rule(data=st.data(), body=_BODIES)
    def answer(self, data: st.DataObject, body: bytes) -> None:
        """Answer a message, or a number that nobody knows."""
        number = data.draw(st.sampled_from([0, *(mail[0] for mail in self.mail)]))
        self.store.answer(number, body)
        self.answers[number] = body
        self.mail = [mail for mail in self.mail if mail[0] != number]

    @rule(data=st.data())
    def take_answer(self, data: st.DataObject) -> None:
        """Come for an answer, in vain perhaps."""
        number = data.draw(st.sampled_from([0, 1, *self.answers]))
        assert self.store.take_answer(number) == self.answers.pop(number, None)

    @rule(version=st.integers(1, 3), hash=st.sampled_from(["0123", "4567"]), body=_BODIES)
    def put_definition(self, version: int, hash: str, body: bytes) -> None:
        """Publish a version of the one definition, perhaps again or anew."""
        given = KeptDefinition("orders", version, hash, body)
        kept = self.definitions.setdefault(version, given)
        try:
            self.store.put_definition(given)
        except DefinitionConflict:
            assert kept.hash != hash, f"refused {given}"
            return
        assert kept.hash == hash, f"took {given}"

    @rule(version=st.integers(1, 3))
    def delete_definition(self, version: int) -> None:
        """Delete a version, unless it is run."""
        kept = self.definitions.get(version)
        heads = [model.head for model in self.models.values()]
        is_run = kept is not None and any(map(kept.is_run_by, heads))
        try:
            was_kept = self.store.delete_definition("orders", version)
        except DefinitionInUse:
            assert is_run, f"did not delete version {version}"
            return
        assert not is_run, f"deleted version {version}"
        assert was_kept == (kept is not None)
        self.definitions.pop(version, None)

    @rule()
    def take_over(self) -> None:
        """Become the host, if there is none."""
        try:
            self.store.take_over()
        except StoreInUse:
            assert self.is_host
            return
        assert not self.is_host
        self.is_host = True
        for model in self.models.values():
            if not model.head.is_finished:
                life = model.head.incarnation + 1
                model.head = msgspec.structs.replace(model.head, incarnation=life)

    @rule()
    def release(self) -> None:
        """Be the host no more."""
        self.store.release()
        self.is_host = False

    @rule()
    def close_and_open(self) -> None:
        """Come back later, if the store can."""
        before = self.store
        self.store = self.reopen(before)
        self.is_host = self.is_host and self.store is before

    @invariant()
    def check_executions(self) -> None:
        """Every execution is as the model says."""
        for execution in "abcd":
            model, stored = self.models.get(execution), self.store.load(execution)
            assert (model is None) == (stored is None)
            if model is None or stored is None:
                continue
            since, body = model.snapshot or (0, b"")
            assert stored.head == model.head
            assert (stored.snapshot is None) == (model.snapshot is None)
            assert stored.snapshot is None or stored.snapshot.body == body
            journal = tuple(Record(seq, body) for seq, body in sorted(model.records.items()))
            assert self.store.journal(execution) == journal
            assert stored.records == tuple(record for record in journal if record.seq > since)

    @invariant()
    def check_mail(self) -> None:
        """All mail is there that nobody has dealt with."""
        mail = [(mail.number, mail.execution, mail.body) for mail in self.store.mail()]
        assert mail == self.mail

    @invariant()
    def check_definitions(self) -> None:
        """Definitions are what they were when they came first."""
        for version in (1, 2, 3):
            assert self.store.definition("orders", version) == self.definitions.get(version)
        newest = self.definitions.get(max(self.definitions, default=0))
        assert self.store.definition("orders") == newest
        listed = [each.version for each in self.store.definitions()]
        assert listed == sorted(self.definitions)

    @invariant()
    def check_lists(self) -> None:
        """Every list tells what the model tells."""
        heads = [model.head for model in self.models.values()]
        assert {head.id for head in self.store.heads()} == {head.id for head in heads}
        unfinished = {head.id for head in heads if not head.is_finished}
        assert {head.id for head in self.store.unfinished()} == unfinished
        sizes = self.store.sizes()
        assert (sizes.executions, sizes.unfinished) == (len(heads), len(unfinished))
        due = sorted((head.expires, head.id) for head in heads if head.expires is not None)
        assert list(self.store.expired(2.0)) == [each for when, each in due if when <= 2.0]
