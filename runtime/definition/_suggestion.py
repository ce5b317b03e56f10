"""What a message offers in place of a name that is not known.

A document may have ten thousand nodes, and as many faults: no list is written out whole, and names
are neither sorted nor compared where they are very many.
"""

from collections.abc import Collection
from itertools import islice

MANY = 300
MOST_LISTED = 10


def choice_of(names: Collection[str], name: object = None) -> str:
    """`a, b, c; did you mean 'b'?`: the known names, and the one closest to a mistyped one."""
    return listed(names) + did_you_mean(name, names)


def listed(names: Collection[str]) -> str:
    """The names in order, or the first few of them."""
    ordered = sorted(names) if len(names) <= MANY else names
    shown = ", ".join(islice(ordered, MOST_LISTED)) or "none"
    more = len(names) - MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def did_you_mean(name: object, names: Collection[str]) -> str:
    """`; did you mean 'x'?` for the closest name, else the empty string."""
    if not isinstance(name, str) or len(names) > MANY:
        return ""
    near = [known for known in names if abs(len(known) - len(name)) <= 3]
    import difflib  # for who has made a mistake

    best = difflib.get_close_matches(name, near, n=1, cutoff=0.6)
    return f"; did you mean {best[0]!r}?" if best else ""
