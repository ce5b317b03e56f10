"""What docs/supervision.md shows."""

from __future__ import annotations

import trio
from trio.testing import MockClock

import processengine as pe


async def test_a_supervisor_runs_services(autojump_clock: MockClock) -> None:
    log: list[str] = []

    async def write_journal() -> None:
        log.append("writer")
        await trio.sleep_forever()

    async def report_metrics() -> None:
        log.append("metrics")

    supervisor = pe.Supervisor(
        "services",
        [
            pe.Child("writer", write_journal, shutdown=10.0),
            pe.Child("metrics", report_metrics, restart="transient"),
        ],
        strategy="rest_for_one",
        intensity=pe.Intensity(restarts=3, seconds=5.0),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)  # here both have started
        await trio.sleep(1)
        supervisor.shut_down()  # or cancel the nursery: children end in the same order
    assert log == ["writer", "metrics"]


async def test_a_host_puts_its_own_children_into_the_tree(autojump_clock: MockClock) -> None:
    class Stock:
        def __init__(self) -> None:
            self.left = 10

        def receive(self, message: str, /) -> int:
            self.left -= message == "take"
            return self.left

    async def refresh_prices() -> None:
        await trio.sleep_forever()

    async with pe.open_runtime() as runtime:
        await runtime.supervisor.add(pe.Child("prices", refresh_prices))
        stock = await runtime.actor("stock", Stock)
        stock.tell("take")
        assert await stock.ask("take") == 8
        names = [child.name for child in runtime.tree().children]
        assert names == ["services", "groups", "host", "executions"]
