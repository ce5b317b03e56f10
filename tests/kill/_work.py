"""What the nodes of the load do: every effect is logged, every result follows from the inputs."""

from __future__ import annotations

import time
import zlib
from collections.abc import Generator
from contextlib import contextmanager

import trio

from processengine import NodeContext

from ._effects import EffectLog

RETRIES = 3


class Flaw(Exception):
    """A failure that was decided beforehand."""


def number(*parts: object) -> int:
    """A number that always is the same for the same parts."""
    return zlib.crc32(repr(parts).encode())


class Work:
    """The functions of the nodes."""

    def __init__(self, log: EffectLog) -> None:
        self._log = log

    async def add(self, context: NodeContext, total: int) -> int:
        """The total so far and a number of the node's own."""
        with self._logged(context):
            await trio.sleep(_seconds(context))
            return (total + _own(context)) % 1_000_000

    def add_in_thread(self, context: NodeContext, total: int) -> int:
        """As `add`, in a thread."""
        with self._logged(context):
            time.sleep(_seconds(context))
            return (total + _own(context)) % 1_000_000

    async def branch(self, context: NodeContext) -> int:
        """A number of the node's own."""
        with self._logged(context):
            await trio.sleep(_seconds(context))
            return _own(context) % 1000

    async def sum_up(self, context: NodeContext, left: int, middle: int, right: int) -> int:
        """What the branches gave."""
        with self._logged(context):
            return left + 7 * middle + 49 * right

    async def count(self, context: NodeContext, turns: int) -> int:
        """One more."""
        with self._logged(context):
            await trio.sleep(_seconds(context) / 2)
            return turns + 1

    async def flaky(self, context: NodeContext, total: int) -> int:
        """As `add`, after as many failures as its step is fated to, in whatever life."""
        with self._logged(context):
            await trio.sleep(_seconds(context))
            self._maybe_fail(context)
            return (total + _own(context)) % 1_000_000

    async def broken(self, context: NodeContext) -> None:
        """Fail, always."""
        with self._logged(context):
            raise Flaw("broken")

    async def item(self, context: NodeContext, item: int) -> int:
        """The square of an item; some fail at first."""
        with self._logged(context):
            await trio.sleep(_seconds(context))
            self._maybe_fail(context)
            return item * item

    async def collect(self, context: NodeContext, squares: list[int]) -> int:
        """The sum of the squares."""
        with self._logged(context):
            return sum(squares)

    async def receive(self, context: NodeContext, go: int, note: str) -> str:
        """What the signal and the update brought."""
        with self._logged(context):
            return f"{note}:{go}"

    def _maybe_fail(self, context: NodeContext) -> None:
        key = context.idempotency_key
        if self._log.failures(key) < number(key) % RETRIES:
            raise Flaw("not yet")

    @contextmanager
    def _logged(self, context: NodeContext) -> Generator[None]:
        self._log.attempt("start", context)
        try:
            yield
        except Flaw as flaw:
            self._log.attempt("fail", context, str(flaw))
            raise
        self._log.attempt("end", context)


def _own(context: NodeContext) -> int:
    """A number of the node's own; a child's id tells its parent's attempts: it does not count."""
    return number(context.execution.partition("/")[0], context.node)


def _seconds(context: NodeContext) -> float:
    return number(context.idempotency_key) % 20 / 1000
