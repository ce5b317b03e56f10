import trio

import processengine as pe


async def square(number: int) -> int:
    await trio.sleep(number / 10)
    return number * number


squares = pe.ProcessBuilder("squares")
squares.each("squares", square, over="numbers", item="number", concurrency=2)


async def main() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(squares.build(), {"numbers": [3, 1, 4]})
        async for event in handle.watch():
            match event:
                case pe.NodeEvent(item=int()):
                    print(f"item {event.item} {event.kind}")
                case pe.StateEvent():
                    print(event.state)
                case _:
                    pass
        outcome = await handle.result()
    print(outcome.memory["squares"])


if __name__ == "__main__":
    trio.run(main)
