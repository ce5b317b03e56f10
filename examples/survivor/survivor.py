"""A process that survives its program: kill it in the middle, and run it again.

python examples/survivor/survivor.py [FILE]
"""

import sys

import trio

import processengine as pe

SECONDS = 2.0  # that each step takes


async def work(context: pe.NodeContext) -> str:
    """Something that takes a while; a service would be given the key, to drop repeats."""
    print(f"{context.node} begins (key {context.idempotency_key})", flush=True)
    await trio.sleep(SECONDS)
    print(f"{context.node} is done", flush=True)
    return context.node


def house() -> pe.ProcessDefinition:
    """Three steps, one after the other."""
    process = pe.ProcessBuilder("house")
    process.node("dig", work).then(process.node("build", work)).then(process.node("paint", work))
    return process.build()


async def main(path: str) -> None:
    """Begin the process, or go on with it: `spawn` with an id that exists does not begin again."""
    definition = house()
    async with pe.open_runtime(store=path, definitions=[definition]) as runtime:
        handle = await runtime.spawn(definition, id="house-1")
        outcome = await handle.result()
    print(f"{outcome.state} in life {outcome.incarnation}")


if __name__ == "__main__":
    trio.run(main, sys.argv[1] if len(sys.argv) > 1 else "house.db")
