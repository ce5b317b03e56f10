"""Text that a program writes into a document, between two marks."""

from __future__ import annotations

import re
from pathlib import Path


class MarksMissing(LookupError):
    """A document does not have the two marks, in their order."""

    def __init__(self, path: Path, begin: str, end: str) -> None:
        self.path, self.begin, self.end = path, begin, end
        super().__init__(path, begin, end)

    def __str__(self) -> str:
        return f"{self.path}: expected a line {self.begin!r}, and {self.end!r} after it"


def write_between(path: Path, begin: str, end: str, text: str) -> None:
    """Replace what is between two marks, which stay. Raises `MarksMissing`."""
    old = path.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    new, count = pattern.subn(lambda _: f"{begin}\n{text}\n{end}", old, count=1)
    if not count:
        raise MarksMissing(path, begin, end)
    path.write_text(new, encoding="utf-8")
