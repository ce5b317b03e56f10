"""What docs/resilience.md shows of groups, hedges and refusals."""

from __future__ import annotations

import trio
from trio.testing import MockClock

import processengine as pe

LOOKING_UP_TAKES = iter([60.0, 0.1])


async def look_up() -> str:
    await trio.sleep(next(LOOKING_UP_TAKES))
    return "A-17"


async def charge(look_up: str) -> str:
    return f"{look_up} is paid"


async def pay_later(error: pe.ErrorContext) -> str:
    return f"{error.exception}: an invoice goes out"


process = pe.ProcessBuilder("order")
payments = process.group(
    "payments",
    breaker=pe.BreakerPolicy(consecutive_failures=5, open_seconds=30),
    rate=pe.RatePolicy(5, 1.0),
    shared=True,  # one payment provider, one breaker, in all definitions that declare it
)
charging = process.node(charge, group=payments, timeout=10)

looking_up = process.node(look_up, idempotent=True, hedge=pe.Hedge(0.2))

charging.on("rejected").then(process.node(pay_later))  # never parked: goes on at once

looking_up.then(charging)


async def test_a_hedge_answers_and_who_is_refused_pays_later(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process.build())
        runtime.group("payments").isolate()
        outcome = (await handle.result()).completed()
    assert outcome.memory["look_up"] == "A-17"
    assert outcome.memory["pay_later"] == "BreakerOpen: an invoice goes out"
    assert outcome.duration < 1
