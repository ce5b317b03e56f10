"""Made `store.db`, by the first version that could; kept to say how. Do not run it again.

python -m tests.runtime.durability.format_1.make FILE
"""

from __future__ import annotations

import os
import sys

import trio

import processengine as pe
from processengine.runtime import _ledger

from .processes import ALL, ASKING, CALLING, DOUBLING, FAILING, WORKING, types


async def main(path: str) -> None:
    """Leave executions in every condition, and die."""
    _ledger.SNAPSHOT_BYTES = 1000
    async with pe.open_runtime(
        store=path, definitions=ALL, types=types(), execution_timeout=None
    ) as runtime:
        await (await runtime.spawn(FAILING, id="failed")).result()
        await runtime.fork("failed", at=2, changes={"good": True}, new_id="forked")
        await runtime.spawn(ASKING, id="waiting")
        paused = await runtime.spawn(ASKING, id="paused")
        await paused.pause()
        early = await runtime.spawn(ASKING, id="early")
        await early.signal("answer", {"kept": (1, 2)})
        await early.result()
        await runtime.spawn(WORKING, id="working")
        await runtime.spawn(DOUBLING, {"numbers": [1, 2, 3]}, id="doubling")
        await runtime.spawn(CALLING, id="calling")
        large = await runtime.spawn(ASKING, id="large")
        for number in range(30):
            await large.update(text=f"{number:05}" * 2000)
        await trio.sleep(1)
        os.kill(os.getpid(), 9)


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
