"""The one rule by which every store refuses a turn."""

from __future__ import annotations

from ._contract import Append
from ._errors import StaleWriter


def check_continues(append: Append, stored: tuple[int, int] | None) -> None:
    """Raise `StaleWriter` unless a turn continues what is stored: (incarnation, seq), if anything.

    An unknown execution begins at 1; anywhere, if the turn has a snapshot.
    """
    incarnation, seq = stored or (0, 0)
    begins = stored is None and append.snapshot is not None and append.first_seq > 0
    fits = begins or append.first_seq == seq + 1
    if not fits or append.head.incarnation < incarnation:
        raise StaleWriter(append.id, append.head.incarnation, append.first_seq, incarnation, seq)
