"""`processengine list`, `show`, `history` and `store`: looking at a store, live or not."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ...actors import Message
from ..store import (
    Codec,
    CorruptRecord,
    DamagedHead,
    ExecutionHead,
    HeadFilter,
    Record,
    SqliteStore,
    UnknownRecord,
    decompress,
)
from ._outcome import STYLES
from ._output import Output
from ._store_files import head_data, head_of, moment, opened

PAGE = 500
SHORT = 100
_HIDDEN = ("step", "attempt", "state", "limits", "sizes", "size", "draw", "started")


def list_executions(arguments: argparse.Namespace, output: Output) -> int:
    """Show the executions in a store, the newest first."""
    states = frozenset(arguments.state) if arguments.state else None
    wanted = HeadFilter(arguments.definition, states, prefix=arguments.prefix)
    with opened(arguments.store) as store:
        heads = list(_some(_all(store, wanted), arguments.limit))
    rows = [_row(head) for head in heads]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for row, head in zip(rows, heads, strict=True):
        text = "  ".join(part.ljust(width) for part, width in zip(row, widths, strict=True))
        state = "" if isinstance(head, DamagedHead) else head.state
        output.line(text.rstrip(), _style(state))
    if not heads:
        output.line("no executions")
    output.document({"executions": [head_data(head) for head in heads]})
    return 0


def _style(state: str) -> str:
    return next((style for name, style in STYLES.items() if name == state), "")


def _row(head: ExecutionHead | DamagedHead) -> tuple[str, str, str, str]:
    if isinstance(head, DamagedHead):
        return head.id, "", "damaged", head.why
    definition = f"{head.definition} v{head.version}"
    return head.id, definition, head.state.replace("_", " "), moment(head.created)


def _some(
    heads: Iterator[ExecutionHead | DamagedHead], limit: int
) -> Iterator[ExecutionHead | DamagedHead]:
    for count, head in enumerate(heads):
        if count == limit:
            return
        yield head


def _all(store: SqliteStore, wanted: HeadFilter) -> Iterator[ExecutionHead | DamagedHead]:
    page = store.heads(wanted, limit=PAGE)
    while page:
        yield from page
        page = store.heads(wanted, limit=PAGE, after=page[-1].place)


def show(arguments: argparse.Namespace, output: Output) -> int:
    """Show one execution: its row, and its children."""
    with opened(arguments.store) as store:
        head = head_of(store, arguments.id)
        children = [each.id for each in _all(store, HeadFilter(parent=head.id))]
    data = head_data(head)
    times = ("created", "updated", "due", "expires")
    for name, value in data.items():
        shown = moment(getattr(head, name)) if name in times else value
        if shown not in (None, "-"):
            output.line(f"{name:<12} {shown}")
    for child in children:
        output.line(f"{'child':<12} {child}")
    output.document({**data, "children": children})
    return 0


def history(arguments: argparse.Namespace, output: Output) -> int:
    """Show what an execution has taken, turn by turn."""
    with opened(arguments.store) as store:
        head = head_of(store, arguments.id)
        records = store.journal(head.id)
    turns = [_turn(record) for record in records]
    first = next((turn["at"] for turn in turns if turn["at"] is not None), 0.0)
    if records and records[0].seq > 1:
        output.line(f"records 1 to {records[0].seq - 1} are not kept any more")
    for turn in turns:
        since = "" if turn["at"] is None else f"{turn['at'] - first:+.3f} s"
        output.line(f"{turn['seq']:>5}  {since:>12}  {turn['what']:<13} {turn['text']}".rstrip())
    output.document({"id": head.id, "state": head.state, "records": turns})
    return 0


def _turn(record: Record) -> dict[str, Any]:
    try:
        at, message = Codec().decode_record(decompress(record.body))
    except (CorruptRecord, UnknownRecord) as error:
        return {"seq": record.seq, "at": None, "what": "unreadable", "text": str(error)}
    tag = str(type(message).__struct_config__.tag)
    return {"seq": record.seq, "at": at, "what": tag, "text": _words(message)}


def _words(message: Message) -> str:
    """What there is to tell of a message, in short."""
    fields = msgspec.structs.asdict(message)
    error = fields.pop("error", None)
    parts: list[str] = []
    if "step" in fields:
        parts.append(f"step {fields['step']}")
    if fields.get("attempt", 1) != 1:
        parts.append(f"attempt {fields['attempt']}")
    if error is not None:
        parts.append(f"{error.node}: {error.exception}: {error.message}")
    parts += [
        f"{name}={value!r:.{SHORT}}"
        for name, value in fields.items()
        if name not in _HIDDEN and value not in (None, {}, ())
    ]
    return ", ".join(parts)


def show_store(arguments: argparse.Namespace, output: Output) -> int:
    """Show how much a store holds."""
    with opened(arguments.store) as store:
        sizes = store.sizes()
        states = Counter(_states(_all(store, HeadFilter())))
        mail = len(store.mail())
    output.line(f"executions   {sizes.executions}, of them {sizes.unfinished} not ended")
    for state, count in sorted(states.items()):
        output.line(f"  {state:<10} {count}", _style(state))
    output.line(f"records      about {sizes.records}")
    output.line(f"size         {sizes.bytes / 1e6:.1f} MB")
    if mail:
        output.line(f"mail         {mail} messages wait for a runtime")
    output.document(
        {
            "executions": sizes.executions,
            "unfinished": sizes.unfinished,
            "states": dict(states),
            "records": sizes.records,
            "bytes": sizes.bytes,
            "mail": mail,
        }
    )
    return 0


def _states(heads: Iterable[ExecutionHead | DamagedHead]) -> Iterator[str]:
    for head in heads:
        yield "damaged" if isinstance(head, DamagedHead) else head.state
