"""What a message offers in place of a name that is not known."""

import difflib
from collections.abc import Iterable, Sequence

MOST_COMPARED = 1000
MOST_LISTED = 10


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the known name closest to a mistyped one, else the empty string.

    Comparing takes time in proportion to their number: only names of nearly that length are, and
    none among very many.
    """
    if not isinstance(name, str):
        return ""
    near = [known for known in names if abs(len(known) - len(name)) <= 3]
    if len(near) > MOST_COMPARED:
        return ""
    best = difflib.get_close_matches(name, near, n=1, cutoff=0.6)
    return f"; did you mean {best[0]!r}?" if best else ""


def listed(names: Sequence[str]) -> str:
    """The names, or the first few of many, as a reader would list them."""
    shown = ", ".join(names[:MOST_LISTED]) or "none"
    more = len(names) - MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown
