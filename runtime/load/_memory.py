"""How much memory Python objects take, as they are traced."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Self


class Traced:
    """What Python objects take while this is open: `peak` in bytes, above what there was before.

    Slows everything down meanwhile. What C libraries allocate for themselves is not in it.
    """

    def __init__(self) -> None:
        self.peak: int = 0
        self._before = 0
        self._is_ours = False

    def __enter__(self) -> Self:
        gc.collect()
        self._is_ours = not tracemalloc.is_tracing()
        if self._is_ours:
            tracemalloc.start()
        tracemalloc.reset_peak()
        self._before = tracemalloc.get_traced_memory()[0]
        return self

    def __exit__(self, *_: object) -> None:
        self.peak = max(0, tracemalloc.get_traced_memory()[1] - self._before)
        if self._is_ours:
            tracemalloc.stop()
