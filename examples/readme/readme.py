import trio

import processengine as pe


async def reserve(item: str) -> str:
    return f"one {item} put aside"


async def charge(price: float, context: pe.NodeContext) -> str:
    if context.attempt == 1:
        raise ConnectionError("the bank is busy")  # so it is tried again
    return f"{price:.2f} paid"


def ship(reserve: str, charge: str) -> str:  # a plain def runs in a worker thread
    return f"sent: {reserve}, {charge}"


order = pe.ProcessBuilder("order")
last = order.node(ship)  # starts when both have come
order.node(reserve).then(last)
order.node(charge, retry=pe.Retry(attempts=3, initial=0.1)).then(last)


async def main() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(order.build(), {"item": "lamp", "price": 30.0})
        await handle.pause()  # nothing is running now, and nothing starts
        await handle.resume()
        outcome = await handle.result()
    print(outcome.state, "-", outcome.memory["ship"])


if __name__ == "__main__":
    trio.run(main)
