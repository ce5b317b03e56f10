"""The post office: takes in what other processes ask for, and sends them the answers.

Mail is in the store until the turn that takes it is, or an answer: a host that dies between leaves
it to the next one, and nothing is delivered twice that has had an effect.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import trio

from ..actors import RuntimeClosed
from ._blocking import run_blocking
from ._delivery import Delivery
from ._errors import UnknownExecution
from ._journal import Journal
from ._ledger import Posted
from ._sleepers import Sleepers
from .execution import Execution, logger
from .store import (
    Fork,
    Mail,
    Rerun,
    StoreError,
    decode_letter,
    encode_answer,
    encode_refusal,
)

if TYPE_CHECKING:
    from .store import Doorbell

T = TypeVar("T")

PAGE = 1000
PATIENCE = (0.1, 5.0)
"""Seconds to wait when the store does not work: at first, and at most."""


class PostHouse(Protocol):
    """What the post office needs of the runtime."""

    is_closing: bool
    live: dict[str, Execution]
    past: dict[str, Execution]

    @property
    def delivery(self) -> Delivery: ...


class Errands(Protocol):
    """What no execution can do for itself. Each returns what the sender is told."""

    async def fork(
        self, id: str, *, at: int | None, changes: dict[str, Any], new_id: str, mail: int
    ) -> Execution:
        """Begin another execution with the history of one."""
        ...

    async def rerun(self, id: str, *, mail: int) -> Execution:
        """Take up an execution that has failed."""
        ...

    async def has_done(self, id: str, *, source: str, mail: int) -> bool:
        """Whether an execution was begun, or taken up, as that mail to `source` asks."""
        ...


class PostOffice:
    """Delivers the mail in a store, in order, and leaves the answers there; run it as a service.

    Single writer: the trio thread.
    """

    def __init__(
        self, house: PostHouse, sleepers: Sleepers, journal: Journal, errands: Errands
    ) -> None:
        self._house = house
        self._sleepers = sleepers
        self._journal = journal
        self._errands = errands
        from .store import doorbell_of  # which needs SQLite

        self._bell: Doorbell = doorbell_of(journal.store)
        self._opened = trio.Event()
        self._news = trio.Event()
        self._last = 0
        self._under_way: dict[int, Posted] = {}
        self._outbox: list[tuple[int, bytes]] = []
        self._is_early = False
        self._ready = trio.Event()

    def __repr__(self) -> str:
        return f"<PostOffice last={self._last} under_way={len(self._under_way)}>"

    def open(self) -> None:
        """Begin to deliver: it is known who is there."""
        self._opened.set()

    def ring(self) -> None:
        """There may be mail."""
        self._news.set()

    async def run(self, *, task_status: trio.TaskStatus[None], stopping: trio.Event) -> None:
        """Deliver and answer until told to end; what is answered by then is still sent."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self._bell.listen, self.ring)
            nursery.start_soon(self._take_in)
            nursery.start_soon(self._heed, stopping)
            task_status.started()
            await self._send_until(stopping)
            nursery.cancel_scope.cancel()

    async def _heed(self, stopping: trio.Event) -> None:
        await stopping.wait()
        self._ready.set()

    # In

    async def _take_in(self) -> None:
        await self._opened.wait()
        while True:
            self._news = trio.Event()
            while page := await self._patiently(self._next_page):
                for mail in page:
                    if self._house.is_closing:
                        return
                    self._last = mail.number
                    await self._deliver(mail)
            self._journal.caught_up()
            await self._news.wait()

    def _next_page(self) -> tuple[Mail, ...]:
        return self._journal.store.mail(self._last, limit=PAGE)

    async def _deliver(self, mail: Mail) -> None:
        reply = self._under_way[mail.number] = Posted(mail.number)
        reply.when_done(lambda: self._answered(reply))
        try:
            letter = decode_letter(mail.body)
            if isinstance(letter, (Fork, Rerun)):
                reply.is_early = True
                reply.answer(await self._run_errand(mail, letter))
            else:
                incarnation = await self._incarnation(mail.execution)
                self._house.delivery.deliver((mail.execution, incarnation, letter, reply))
        except Exception as error:  # noqa: BLE001 - told to the sender: other mail is not held up
            reply.fail(error)

    async def _incarnation(self, id: str) -> int:
        """The life that an execution is in; one that has ended is read from the store."""
        if (incarnation := self._known(id)) is None:
            await self._sleepers.fetch(id)
            incarnation = self._known(id)
        if incarnation is None:
            raise UnknownExecution(id)
        return incarnation

    def _known(self, id: str) -> int | None:
        sleepers, house = self._sleepers, self._house
        for known in (house.live, house.past, sleepers.asleep, sleepers.parked):
            if id in known:
                return known[id].incarnation
        return None

    async def _run_errand(self, mail: Mail, letter: Fork | Rerun) -> object:
        """Do what no execution can do for itself, once, also if the mail comes again."""
        source, number, errands = mail.execution, mail.number, self._errands
        fork = None if isinstance(letter, Rerun) else letter
        id = source if fork is None else fork.new_id or f"{source}-fork-{number}"
        self._journal.hold(number, id)
        if await errands.has_done(id, source=source, mail=number):
            return id
        if fork is None:
            await errands.rerun(source, mail=number)
        else:
            await errands.fork(source, at=fork.at, changes=fork.changes, new_id=id, mail=number)
        return id

    # Out

    def _answered(self, reply: Posted) -> None:
        if self._under_way.pop(reply.mail, None) is None:
            return
        try:
            body = encode_answer(reply.wait())
        except RuntimeClosed:  # the next runtime delivers it, unless it was taken
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender is told
            body = encode_refusal(error)
        self._is_early = self._is_early or reply.is_early
        self._outbox.append((reply.mail, body))
        self._ready.set()

    async def _send_until(self, stopping: trio.Event) -> None:
        while True:
            if not self._outbox:
                if stopping.is_set():
                    return
                await self._ready.wait()
            self._ready = trio.Event()
            if outbox := tuple(self._outbox):
                if self._is_early:  # what an answer tells of is stored before it
                    self._is_early = False
                    await self._journal.writer.flush()
                await self._patiently(partial(self._leave, outbox))
                for number, _ in outbox:
                    self._journal.let_go(number)
                del self._outbox[: len(outbox)]
                await self._bell.ring_back()

    def _leave(self, answers: tuple[tuple[int, bytes], ...]) -> None:
        for number, body in answers:
            self._journal.store.answer(number, body)

    async def _patiently(self, call: Callable[[], T]) -> T:
        """Call the store until it works."""
        wait = PATIENCE[0]
        while True:
            try:
                return await run_blocking(self._journal.store, call)
            except StoreError as error:
                logger.warning("the mail of other processes waits: %s", error)
            await trio.sleep(wait)
            wait = min(2 * wait, PATIENCE[1])
