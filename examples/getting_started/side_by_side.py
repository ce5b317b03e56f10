import trio

import processengine as pe


async def weather(city: str) -> str:
    await trio.sleep(1)
    return "rain"


async def traffic(city: str) -> str:
    await trio.sleep(0.5)
    return "jams"


async def advise(weather: str, traffic: str) -> str:
    return f"{weather} and {traffic}: stay at home"


trip = pe.ProcessBuilder("trip")
advice = trip.node(advise)
trip.node(weather).then(advice)
trip.node(traffic).then(advice)


async def main() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(trip.build(), {"city": "Oslo"})
        outcome = await handle.result()
    print(f"{outcome.memory['advise']} (after {outcome.duration:.1f} s)")


if __name__ == "__main__":
    trio.run(main)
