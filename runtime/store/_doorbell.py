"""How a runtime learns at once that it has mail, and a sender that there is an answer.

Beside a store's file there is a socket on which the host of the file listens. Whoever has posted
something connects and sends a byte; the host sends one back whenever it has left answers. Nothing
is told by these bytes but that it is worth a look. Where there are no such sockets (Windows), both
look again and again whether the file has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import socket
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol, Self, cast

import apsw
import trio

from ._connection import Connection
from ._contract import Store
from ._sqlite import SqliteStore

logger = logging.getLogger("processengine.store")

HAS_SOCKETS = hasattr(socket, "AF_UNIX")
LONGEST_PATH = 100
"""Bytes in the path of a socket: systems allow 104 to 108."""

LOOK_SECONDS = 0.05
CONNECT_SECONDS = 5.0
"""For which a sender waits for a host that has too many at the door."""
PATIENCE_SECONDS = 1.0
"""For which a sender may leave what it was told unread, before it is passed over."""

Ring = Callable[[], None]


class Doorbell(Protocol):
    """The host's end."""

    async def listen(
        self, ring: Ring, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Call `ring` whenever there may be mail, until cancelled; started once none is missed."""

    async def ring_back(self) -> None:
        """Tell all senders that there may be answers."""


class Caller(Protocol):
    """A sender's end."""

    def ring(self) -> None:
        """Tell the host that there may be mail."""

    def wait(self, seconds: float) -> bool:
        """Wait until there may be an answer; false if the time is over, or the host has gone."""
        raise NotImplementedError

    def close(self) -> None:
        """Hang up."""


def doorbell_of(store: Store) -> Doorbell:
    """The host's end for a store; that of one without a file never rings."""
    if not isinstance(store, SqliteStore):
        return NoBell()
    return SocketBell(store.path) if HAS_SOCKETS else WatchingBell(store.path)


def call(path: Path) -> Caller | None:
    """A sender's end for the store at a path; None if no host listens, or has the time to."""
    if not HAS_SOCKETS:
        return WatchingCaller(path)
    try:
        return SocketCaller(path)
    except OSError:
        return None


def bell_path(store: Path) -> Path:
    """Where the socket for a store is: beside it, or in the temporary folder if that is too far."""
    resolved = f"{store.resolve()}-bell"
    if len(os.fsencode(resolved)) <= LONGEST_PATH:
        return Path(resolved)
    name = hashlib.sha256(os.fsencode(resolved)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"processengine-{name}-bell"


class NoBell:
    """Of a store that other processes cannot reach."""

    async def listen(
        self, ring: Ring, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Never ring."""
        task_status.started()
        await trio.sleep_forever()

    async def ring_back(self) -> None:
        """Nobody waits outside."""


class SocketBell:
    """A socket that the host of the file at `store` listens on.

    Where it cannot be made the file is watched instead; senders take the host for absent then.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._path = bell_path(store)
        self._visitors: set[trio.SocketStream] = set()

    async def listen(
        self, ring: Ring, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Listen until cancelled. The file of a host that was killed is replaced."""
        try:
            listener = self._hung()
        except OSError as error:
            logger.warning("%s cannot be listened on, its store is watched: %s", self._path, error)
            await WatchingBell(self._store).listen(ring, task_status=task_status)
            return
        try:
            await trio.serve_listeners(
                partial(self._attend, ring), [listener], task_status=_Once(task_status)
            )
        finally:
            self._path.unlink(missing_ok=True)

    def _hung(self) -> trio.SocketListener:
        """The socket, which whoever may write to the store may connect to."""
        self._path.unlink(missing_ok=True)
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            plain.bind(str(self._path))
            self._path.chmod(self._store.stat().st_mode & 0o777)
            plain.listen(64)
        except BaseException:
            plain.close()
            raise
        return trio.SocketListener(trio.socket.from_stdlib_socket(plain))

    async def _attend(self, ring: Ring, visitor: trio.SocketStream) -> None:
        self._visitors.add(visitor)
        try:
            with contextlib.suppress(trio.BrokenResourceError):
                while await visitor.receive_some(64):
                    ring()
        finally:
            self._visitors.discard(visitor)
            await trio.aclose_forcefully(visitor)

    async def ring_back(self) -> None:
        """Tell all who are connected; one that reads nothing is passed over."""
        for visitor in list(self._visitors):
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                with trio.move_on_after(PATIENCE_SECONDS):
                    await visitor.send_all(b"\n")


class _Once:
    """Passes on that a service has started, but not the listeners it has started with."""

    def __init__(self, status: trio.TaskStatus[None]) -> None:
        self._status = status

    def started(self, value: object = None) -> None:
        """Say so."""
        self._status.started()


class SocketCaller:
    """A connection to the host's socket. Raises `OSError` if nobody listens there."""

    def __init__(self, store: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(CONNECT_SECONDS)
        try:
            self._connect(str(bell_path(store)))
        except BaseException:
            self._socket.close()
            raise

    def _connect(self, path: str) -> None:
        """Connect, with patience if too many others want to; to block would be for ever."""
        end = time.monotonic() + CONNECT_SECONDS
        while True:
            try:
                self._socket.connect(path)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(LOOK_SECONDS)
            else:
                return

    def ring(self) -> None:
        """Send a byte; if the host has gone meanwhile, `wait` tells."""
        with contextlib.suppress(OSError):
            self._socket.sendall(b"\n")

    def wait(self, seconds: float) -> bool:
        """Wait for a byte."""
        self._socket.settimeout(seconds)
        try:
            return bool(self._socket.recv(64))
        except OSError:
            return False

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


class FileWatch:
    """Tells whether anybody else has changed a store's file since the last time it was asked."""

    def __init__(self, store: Path) -> None:
        made: object = apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READONLY)
        self._connection = cast(Connection, made)
        self._version: int = self._connection.pragma("data_version")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def has_changed(self) -> bool:
        """Ask; what happens while it is asked is told now or the next time."""
        before, self._version = self._version, self._connection.pragma("data_version")
        return before != self._version


class WatchingBell:
    """Looks at the file of a store again and again."""

    def __init__(self, store: Path) -> None:
        self._store = store

    async def listen(
        self, ring: Ring, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Ring whenever the file has changed, be it for another reason."""
        limiter = trio.CapacityLimiter(1)
        with FileWatch(self._store) as watch:
            task_status.started()
            while True:
                await trio.sleep(LOOK_SECONDS)
                if await trio.to_thread.run_sync(watch.has_changed, limiter=limiter):
                    ring()

    async def ring_back(self) -> None:
        """Senders look for themselves."""


class WatchingCaller:
    """Looks at the file of a store again and again; whether there is a host, it cannot tell."""

    def __init__(self, store: Path) -> None:
        self._watch = FileWatch(store)

    def ring(self) -> None:
        """The host looks for itself."""

    def wait(self, seconds: float) -> bool:
        """Wait until the file has changed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(LOOK_SECONDS, max(0.0, end - time.monotonic())))
            if self._watch.has_changed():
                return True
        return False

    def close(self) -> None:
        """Close the file."""
        self._watch.__exit__()
