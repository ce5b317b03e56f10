"""Who is the host of a file: a lock of the operating system, that goes when its process dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ._errors import StoreFailed, StoreInUse, StoreReadOnly

if sys.platform == "win32":
    import msvcrt

    _PLACE = 1 << 30  # far behind the number: what is locked there cannot be read either

    def _lock(file: int) -> None:
        os.lseek(file, _PLACE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class OwnerLock:
    """The right to be the host of a file, of which there is one; kept in a file beside it.

    That file holds the number of the process and is left in place. A forked process does not
    inherit the right.
    """

    def __init__(self, store: str) -> None:
        self._store = store
        self._path = Path(f"{Path(store).resolve()}-owner")
        self._file: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether the right is ours."""
        return self._file is not None

    def acquire(self) -> None:
        """Get hold of it; raises `StoreInUse`, or `StoreReadOnly` if there is no right to write."""
        if self._file is not None:
            raise StoreInUse(self._store, "this process is the host that runs it")
        file = self._open()
        try:
            _lock(file)
        except OSError as error:
            owner = _read_owner(file)
            os.close(file)
            if not isinstance(error, BlockingIOError | PermissionError):
                raise StoreFailed(self._store, f"{self._path} cannot be locked: {error}") from error
            raise StoreInUse(self._store, f"{owner} is the host that runs it") from error
        _write_owner(file)
        self._file = file
        _HELD.add(self)

    def release(self) -> None:
        """Let go of it, if it is held."""
        file, self._file = self._file, None
        _HELD.discard(self)
        if file is not None:
            os.close(file)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            why = f"{self._path} cannot be written to: {error}"
            raise StoreReadOnly(self._store, why) from error


_HELD: set[OwnerLock] = set()


def _release_all() -> None:
    """Close a forked process's copies: the lock would live as long as the last of them."""
    for lock in list(_HELD):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_all)


def _write_owner(file: int) -> None:
    os.lseek(file, 0, os.SEEK_SET)
    os.ftruncate(file, 0)
    os.write(file, b"%d\n" % os.getpid())


def _read_owner(file: int) -> str:
    """The process as it has entered itself, if it has."""
    os.lseek(file, 0, os.SEEK_SET)
    number = os.read(file, 20).decode(errors="replace").strip()
    return f"process {number}" if number.isdecimal() else "another process"
