"""The command line, called in this process, in a folder with a process and its functions."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from processengine.runtime.cli import main

ORDER = """
id: order
version: 2
inputs: {total: {type: int, default: 10}}
nodes:
  reserve: {type: reserve, then: charge}
  charge:
    type: charge
    retry: {attempts: 3, initial: 0.001, jitter: none}
    then: review
    on: {error: refund}
  review:
    kind: switch
    cases: [{port: large, when: total > 100}]
    default: small
    on: {large: approve, small: done}
  approve: {kind: wait, signal: approval, then: done}
  refund: {type: refund}
  done: {kind: end}
"""
NODES = """
import trio

async def reserve(total):
    print("reserved by print")
    return f"r-{total}"

async def charge(total):
    if total < 0:
        raise ValueError("nothing to charge")
    return total * 2

def refund(error):
    return "refunded"

async def fail():
    raise LookupError("it is\\nnowhere")

async def sleep():
    try:
        await trio.sleep(60)
    finally:
        with trio.CancelScope(shield=True):
            await trio.sleep(0.05)
            print("tidied up", flush=True)
"""


@attrs.frozen
class Ran:
    """What a command line did: its exit status and what it printed."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)

    @property
    def problem(self) -> str:
        """The one line on standard error."""
        line, _, rest = self.err.partition("\n")
        assert not rest
        assert not self.out
        return line


Engine = Callable[..., Ran]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that is the current one; what is imported from it is forgotten after."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def order(folder: Path) -> Path:
    """A folder with `order.yaml` and `shop.py`."""
    (folder / "order.yaml").write_text(ORDER)
    (folder / "shop.py").write_text(NODES)
    return folder


@pytest.fixture
def processengine(capfd: pytest.CaptureFixture[str]) -> Engine:
    """Call the command line with these arguments."""

    def call(*arguments: str) -> Ran:
        capfd.readouterr()
        try:
            status = main(arguments)
        except SystemExit as error:
            status = int(error.code or 0)
        printed = capfd.readouterr()
        return Ran(status, str(printed.out), str(printed.err))

    return call
