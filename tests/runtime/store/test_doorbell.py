"""A sender at the door of a host that has no time."""

from __future__ import annotations

import errno
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from processengine.runtime.store._doorbell import bell_path, call

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is refused at once")


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket of a store `x.db`, whose host has as many at the door as there is room for."""
    path = str(bell_path(tmp_path / "x.db"))
    with ExitStack() as opened:
        host = opened.enter_context(socket.socket(socket.AF_UNIX))
        host.bind(path)
        host.listen(1)
        visitors = [opened.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(10)]
        for visitor in visitors:
            visitor.setblocking(False)
        assert errno.EAGAIN in [visitor.connect_ex(path) for visitor in visitors]
        yield host


@pytest.mark.usefixtures("crowded")
def test_it_waits_for_so_long_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processengine.runtime.store._doorbell.CONNECT_SECONDS", 0.1)
    assert call(tmp_path / "x.db") is None


def test_it_is_let_in_once_there_is_room(tmp_path: Path, crowded: socket.socket) -> None:
    def let_in() -> None:
        visitor, _ = crowded.accept()
        visitor.close()

    letting_in = threading.Timer(0.1, let_in)
    letting_in.start()
    caller = call(tmp_path / "x.db")
    letting_in.join()
    assert caller is not None
    caller.close()
