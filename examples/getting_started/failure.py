import trio

import processengine as pe


async def withdraw(amount: int) -> str:
    return f"{amount} withdrawn"


async def deposit(amount: int, context: pe.NodeContext) -> str:
    print("deposit: attempt", context.attempt)
    raise ConnectionError("the other bank does not answer")


async def give_back(withdraw: str, error: pe.ErrorContext) -> str:
    return f"{withdraw} and given back, for {error.message}"


transfer = pe.ProcessBuilder("transfer")
withdrawn = transfer.node(withdraw)
deposited = transfer.node(deposit, retry=pe.Retry(attempts=3, initial=0.1), timeout=5)
given_back = transfer.node(give_back)
withdrawn.then(deposited)
deposited.on("error").then(given_back)


async def main() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(transfer.build(), {"amount": 50})
        outcome = await handle.result()
    print(outcome.state, "-", outcome.memory["give_back"])


if __name__ == "__main__":
    trio.run(main)
