import trio

import processengine as pe


async def measure(temperature: float) -> float:
    return temperature


def is_cold(measure: float) -> bool:
    return measure < 18


async def heat() -> str:
    return "heating"


async def rest() -> str:
    return "resting"


home = pe.ProcessBuilder("home")
choice = home.switch("choice", {"cold": is_cold}, default="warm")
home.node(measure).then(choice)
choice.on("cold").then(home.node(heat, output="doing"))
choice.on("warm").then(home.node(rest, output="doing"))


async def main() -> None:
    async with pe.open_runtime() as runtime:
        for temperature in 12.5, 21.0:
            handle = await runtime.spawn(home.build(), {"temperature": temperature})
            outcome = await handle.result()
            print(temperature, outcome.memory["doing"])


if __name__ == "__main__":
    trio.run(main)
