"""The engine beside asyncio and beside plain threads. It takes real time, a fifth of a second."""

from __future__ import annotations

import threading

import pytest

from .conftest import LoadExample


def test_handles_work_on_asyncio_and_in_threads(
    load_example: LoadExample, capsys: pytest.CaptureFixture[str]
) -> None:
    before = threading.active_count()
    load_example("embedding/embedding.py").main()
    assert capsys.readouterr().out.splitlines() == [
        "asyncio: rye, baked, sold to Ada",
        "thread: wheat, baked, sold to Bob",
    ]
    assert threading.active_count() <= before + 1  # trio keeps a spare thread for a while


def test_leaving_the_block_ends_what_still_waits(load_example: LoadExample) -> None:
    program = load_example("embedding/embedding.py")
    with program.Engine() as engine:
        result = engine.spawn(program.bread_process(), {"loaf": "rye"}).result()
    assert result.wait(timeout=10).state == "cancelled"


def test_an_engine_that_cannot_start_says_why(
    load_example: LoadExample, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = load_example("embedding/embedding.py")

    async def fail(_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(program.Engine, "_serve", fail)
    with pytest.raises(OSError, match="no room"):
        program.Engine().__enter__()
