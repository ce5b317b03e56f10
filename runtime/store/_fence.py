"""The one rule by which every store refuses a turn."""

from __future__ import annotations

from ._contract import Append
from ._errors import StaleWriter


def check_continues(append: Append, stored: tuple[int, int] | None) -> None:
    """Raise `StaleWriter` unless a turn continues what is stored: (incarnation, seq), if anything.

    An unknown execution begins at 1; anywhere, if the turn has a snapshot.
    """
    incarnation, seq = stored or (0, 0)
    head, first = append.head, append.first_seq
    if head.incarnation >= incarnation:
        if first == seq + 1:
            return
        if stored is None and append.snapshot is not None and first > 0:
            return
    raise StaleWriter(head.id, head.incarnation, first, incarnation, seq)
