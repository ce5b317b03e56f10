import trio

import processengine as pe


async def greet(name: str) -> str:
    return f"Hello, {name}!"


hello = pe.ProcessBuilder("hello")
hello.node(greet)


async def main() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(hello.build(), {"name": "Ada"})
        outcome = await handle.result()
    print(outcome.state, outcome.memory)


if __name__ == "__main__":
    trio.run(main)
