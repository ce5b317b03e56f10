"""The history of an execution as it is written: a list that alternates times and messages.

A worker that walks a line of nodes writes for each step but the first the bare value that it gave,
in place of the message: its number is the one after that of the step before, which ended when it
began. Measured on 1000 x 10 no-op nodes, that saves 0.07 µs of 0.45 a node.
"""

from __future__ import annotations

from typing import Any

from ..definition import OUT
from ._records import Completed
from ._sizes import SMALL

BARE = SMALL | {str}
"""The types of bare values; no message is of one of these."""


def whole(notes: list[Any], since: int = 0) -> list[Any]:
    """The same list, with messages in place of the bare values; up to `since` it has none."""
    for place in range(since + 1, len(notes), 2):
        value = notes[place]
        if type(value) in BARE:
            before: Completed = notes[place - 2]
            number, began = before.step + 1, notes[place - 3]
            notes[place] = Completed(number, 1, OUT, value, 0, began)
    return notes
