"""Label values, of which there must not be too many."""

from __future__ import annotations

import threading

from ..metrics import OTHER


class Labels:
    """Lets the first `limit` names be labels, and calls all later ones `other`; for any thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def of(self, name: str) -> str:
        """The label of a name: always the same one."""
        with self._lock:
            if name not in self._known and len(self._known) < self._limit:
                self._known.add(name)
            return name if name in self._known else OTHER
