import trio

import processengine as pe


async def copy(part: str) -> str:
    await trio.sleep(1)
    return f"{part} copied"


backup = pe.ProcessBuilder("backup")
first = backup.node("first", copy, inputs={"part": "first half"})
second = backup.node("second", copy, inputs={"part": "second half"})
first.then(second)


async def main() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(backup.build(), id="backup-1")
        await trio.sleep(0.5)

        print("pause: ", await handle.pause())  # waits until the first half is copied
        print("memory:", await handle.query("first"))
        print("ready: ", [node.node for node in handle.status().nodes])

        print("resume:", await handle.resume())
        await trio.sleep(0.5)
        print("cancel:", await handle.cancel("the disk is full"))  # in the middle of the second

        outcome = await handle.result()
    print(outcome.state, "-", outcome.reason, "-", outcome.memory)


if __name__ == "__main__":
    trio.run(main)
