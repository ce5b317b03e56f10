"""Any store against a model that is too simple to be wrong, by drawn operations."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ..store import Append, ExecutionHead, Record, StaleWriter, Store
from ._store_conformance import StoreFactory, changed, turn

_IDS = st.sampled_from("abcd")
_BODIES = st.binary(max_size=4)


@attrs.define
class _Model:
    """One execution as it ought to be stored; `dropped` is the last record that is gone."""

    head: ExecutionHead
    records: dict[int, bytes] = attrs.Factory(dict[int, bytes])
    snapshot: tuple[int, bytes] | None = None

    def take(self, append: Append) -> None:
        self.head = append.head
        self.records |= {record.seq: record.body for record in append.numbered()}
        if append.snapshot is not None:
            self.snapshot = (append.head.seq, append.snapshot)


class StoreMachine(RuleBasedStateMachine):
    """Rules and invariants; `store_machine` makes one for a store of yours."""

    factory: StoreFactory
    reopen: Callable[[Store], Store]

    def __init__(self) -> None:
        super().__init__()
        self.store: Store = type(self).factory()
        self.models: dict[str, _Model] = {}
        self.mail: list[tuple[int, str, bytes]] = []

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
            seqs[append.id] = append.head.seq
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

    def _draw_turn(self, data: st.DataObject, seqs: dict[str, int]) -> Append:
        execution = data.draw(_IDS)
        records = data.draw(st.lists(_BODIES, max_size=3))
        slip = data.draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, -1]))
        snapshot = data.draw(st.none() | _BODIES)
        seq = max(0, seqs.get(execution, 0) + len(records) + slip)
        incarnation = data.draw(st.sampled_from([1, 2, 2, 2, 2, 2]))
        append = turn(execution, seq, *records, snapshot=snapshot, incarnation=incarnation)
        state = data.draw(st.sampled_from(["running", "paused", "completed"]))
        expires = data.draw(st.none() | st.sampled_from([1.0, 2.0, 3.0]))
        return changed(append, state=state, expires=expires)

    def _would_take(self, batch: list[Append]) -> bool:
        places = {
            each: (model.head.incarnation, model.head.seq) for each, model in self.models.items()
        }
        for append in batch:
            incarnation, seq = places.get(append.id, (0, 0))
            imported = append.id not in places and append.snapshot is not None
            begins = imported and append.first_seq > 0
            if append.head.incarnation < incarnation:
                return False
            if append.first_seq != seq + 1 and not begins:
                return False
            places[append.id] = (append.head.incarnation, append.head.seq)
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

    @rule(count=st.integers(0, 3))
    def deal_with_mail(self, count: int) -> None:
        """Let some of the mail have been dealt with."""
        after = max((mail[0] for mail in self.mail[:count]), default=0)
        self.mail = [mail for mail in self.mail if mail[0] > after]
        taken = self.store.take_mail(after)
        assert [(mail.number, mail.execution, mail.body) for mail in taken] == self.mail

    @rule()
    def close_and_open(self) -> None:
        """Come back later, if the store can."""
        self.store = type(self).reopen(self.store)

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
    def check_lists(self) -> None:
        """Every list tells what the model tells."""
        heads = [model.head for model in self.models.values()]
        assert {head.id for head in self.store.heads()} == {head.id for head in heads}
        unfinished = {head.id for head in heads if not head.is_finished}
        assert {head.id for head in self.store.unfinished()} == unfinished
        due = sorted((head.expires, head.id) for head in heads if head.expires is not None)
        assert list(self.store.expired(2.0)) == [each for when, each in due if when <= 2.0]
