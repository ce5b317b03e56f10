"""The store of a runtime as the host gives it, and what is needed to read what is in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from ._blocking import in_thread, run_blocking
from ._errors import BadArgument
from ._options import Options
from .definition import ProcessDefinition
from .store import Store, ValueTypes

if TYPE_CHECKING:
    from .store import Synchronous


class Storage:
    """Opens the store, has this process be the one that runs what is in it, and lets go of it.

    `place` is the path of an SQLite file, which is closed in the end, or a store, which is not.
    """

    def __init__(
        self,
        place: str | Path | Store,
        definitions: tuple[ProcessDefinition, ...],
        types: ValueTypes | None,
        wall_clock: Callable[[], float],
    ) -> None:
        if not isinstance(place, (str, Path)) and not callable(getattr(place, "commit", None)):
            raise BadArgument("open_runtime", "store", place, "the path of a file, or a Store")
        self.definitions: tuple[ProcessDefinition, ...] = definitions
        self.types: ValueTypes | None = types
        self.wall_clock: Callable[[], float] = wall_clock
        self._place = place
        self._opened: Store | None = None

    @property
    def store(self) -> Store:
        """The store, which is open."""
        assert self._opened is not None
        return self._opened

    async def open(self, options: Options) -> None:
        """Open it and take it over. Raises `StoreError`."""
        place = self._place
        if isinstance(place, (str, Path)):
            from .store import SqliteStore  # who keeps nothing on a disk does not wait for it

            level: Synchronous = "NORMAL" if options.durability == "lazy" else "FULL"
            store: Store = await in_thread(lambda: SqliteStore(place, synchronous=level))
        else:
            store = place
        self._opened = store
        try:
            await run_blocking(store, store.take_over)
        except BaseException:
            with trio.CancelScope(shield=True):
                await self.close()
            raise

    async def close(self) -> None:
        """Let go of it; nothing is on its way there any more."""
        store, self._opened = self._opened, None
        if store is not None:
            is_ours = store is not self._place
            await run_blocking(store, store.close if is_ours else store.release)
