"""The janitor: has the store forget what has expired, and give back the room."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import attrs
import trio

from ._contract import Store
from ._errors import CorruptExecution, StoreError

logger = logging.getLogger("processengine.store")

T = TypeVar("T")

ANSWER_SECONDS = 3600.0
"""How long an answer is kept for a sender who does not come."""


@attrs.frozen
class Cleaned:
    """What a janitor has done: executions deleted and archived, and answers forgotten."""

    deleted: int = 0
    archived: int = 0
    answers: int = 0

    def __add__(self, other: Cleaned) -> Cleaned:
        return Cleaned(
            self.deleted + other.deleted,
            self.archived + other.archived,
            self.answers + other.answers,
        )


class Janitor:
    """Cleans up a store every `interval` seconds, at once at first; run it as a service.

    What has expired goes `batch` by `batch`, so that no turn waits long for it. With an `archive`,
    a folder, each batch is written to a file there, and deleted when that is on the disk; after a
    crash an execution may be in two of them. What cannot be written, being damaged, stays. `clock`
    tells seconds since 1970. A store that fails is logged, and tried again the next time.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        interval: float,
        *,
        batch: int = 500,
        archive: str | Path | None = None,
    ) -> None:
        self.done: Cleaned = Cleaned()
        self._store = store
        self._clock = clock
        self._interval = interval
        self._batch = batch
        self._archive = None if archive is None else Path(archive)
        self._stuck: set[str] = set()  # what cannot be deleted this time
        self._limiter = trio.CapacityLimiter(1)

    def __repr__(self) -> str:
        return f"<Janitor deleted={self.done.deleted} stuck={len(self._stuck)}>"

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Clean up until cancelled; the batch at hand is finished then."""
        task_status.started()
        while True:
            before = self.done
            try:
                await self._clean()
            except StoreError as error:
                logger.warning("the janitor tries again in %g s: %s", self._interval, error)
            self._report(before)
            await trio.sleep(self._interval)

    def _report(self, before: Cleaned) -> None:
        if self.done != before:
            logger.info(
                "the janitor deleted %d expired executions, archived %d and forgot %d answers",
                self.done.deleted - before.deleted,
                self.done.archived - before.archived,
                self.done.answers - before.answers,
            )

    async def _clean(self) -> None:
        now = self._clock()
        self._stuck.clear()
        while await self._do(lambda: self._delete_some(now)):
            pass
        await self._do(lambda: self._forget_answers(now))
        while await self._do(self._store.tidy):
            pass

    async def _do(self, work: Callable[[], T]) -> T:
        """Do a piece of work where it may block; a checkpoint."""
        if self._store.is_instant and self._archive is None:
            await trio.lowlevel.checkpoint()
            return work()
        return await trio.to_thread.run_sync(work, limiter=self._limiter)

    ### What may block.

    def _forget_answers(self, now: float) -> None:
        self.done += Cleaned(answers=self._store.forget_answers(now - ANSWER_SECONDS))

    def _delete_some(self, now: float) -> bool:
        """Delete a batch; whether there may be another one."""
        found = self._store.expired(now, limit=self._batch + len(self._stuck))
        expired = [each for each in found if each not in self._stuck][: self._batch]
        if not expired:
            return False
        if self._archive is not None:
            self._export(expired, self._archive, now)
        deleted = self._store.delete([each for each in expired if each not in self._stuck])
        self.done += Cleaned(deleted=deleted)
        if not deleted:  # what is found again and again, whatever its reason, must not hold us up
            self._stuck.update(expired)
        return True

    def _export(self, expired: list[str], folder: Path, now: float) -> None:
        """Write executions to a new file; those that are damaged are stuck."""
        path = _unused(folder, now)
        from ._archive import export_executions

        count = export_executions(self._store, path, expired, on_damaged=self._set_aside)
        self.done += Cleaned(archived=count)
        if not count:
            path.unlink()

    def _set_aside(self, error: CorruptExecution) -> None:
        self._stuck.add(error.execution)
        logger.warning("an expired execution cannot be archived, and stays: %s", error)


def _unused(folder: Path, now: float) -> Path:
    """A path in a folder that tells the time, in UTC."""
    moment, number = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)), 1
    while (path := folder / f"expired-{moment}-{number}.jsonl.gz").exists():
        number += 1
    return path
