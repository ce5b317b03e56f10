"""The one rule by which every store refuses a turn."""

from __future__ import annotations

from ._contract import Append
from ._errors import StaleWriter

Fence = tuple[int, int, bool]
"""What is stored of an execution: its incarnation, the number of its last record, has it ended."""


def fence_after(append: Append) -> Fence:
    """What is stored after a turn."""
    head = append.head
    return head.incarnation, append.seq, head.is_finished


def check_continues(append: Append, stored: Fence | None) -> None:
    """Raise `StaleWriter` unless a turn continues what is stored, if anything.

    An unknown execution begins at 1; anywhere, if the turn has a snapshot. One that has ended goes
    on in a later incarnation only.
    """
    incarnation, seq, has_ended = stored or (0, 0, False)
    head, first = append.head, append.first_seq
    if head.incarnation >= incarnation + has_ended:
        if first == seq + 1:
            return
        if stored is None and append.snapshot is not None and first > 0:
            return
    raise StaleWriter(head.id, head.incarnation, first, incarnation, seq)
