"""The test that docs/getting-started.md shows."""

from trio.testing import MockClock

import processengine as pe


async def test_nobody_answers(autojump_clock: MockClock) -> None:
    process = pe.ProcessBuilder("question")
    process.wait("answer", within=3600)
    async with pe.open_runtime(execution_timeout=None) as runtime:
        handle = await runtime.spawn(process.build())
        outcome = await handle.result()
    assert outcome.state == "failed"
    assert outcome.duration == 3600
