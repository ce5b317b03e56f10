"""A loop that waits longer each time, in virtual time."""

from __future__ import annotations

from types import ModuleType

import pytest
from trio.testing import MockClock

import processengine as pe

from .conftest import LoadExample


@pytest.fixture
def program(load_example: LoadExample) -> ModuleType:
    return load_example("polling/polling.py")


async def run(program: ModuleType) -> pe.Outcome:
    async with pe.open_runtime(execution_timeout=None) as runtime:
        return await (await runtime.spawn(program.polling_process())).result()


async def test_it_asks_until_the_report_is_ready(
    program: ModuleType, capsys: pytest.CaptureFixture[str], autojump_clock: MockClock
) -> None:
    await program.main()
    assert capsys.readouterr().out.splitlines() == [
        "after  0.0 s: not yet",
        "after  1.0 s: not yet",
        "after  3.0 s: not yet",
        "after  7.0 s: ready",
        "the report, after 4 questions",
    ]


async def test_it_gives_up(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    monkeypatch.setattr(program, "MAKING_IT_TAKES", 1e9)
    outcome = (await run(program)).completed()
    assert outcome.memory["answer"].count == program.PATIENCE
    assert "fetch" not in outcome.memory
    assert outcome.duration == pytest.approx(1 + 2 + 4 + 8 + 16 + 32 + 60 * 3)
