"""Alerts within the process: told when a share of executions fails, and when that is over."""

import trio

import processengine as pe


async def tell(change: pe.AlertChange) -> None:
    print(f"{change.alert.name}: {change.state}, {change.alert.condition} {change.value:.2f}")


ALERTS = (
    pe.Alert(name="orders fail", condition="error_rate", above=0.5, window=10, call=tell),
    pe.Alert(name="store stuck", condition="store_lag", above=5, clears_at=1, for_seconds=10),
)


class Bank:
    """Out of order at first."""

    def __init__(self) -> None:
        self.is_up = False

    async def charge(self) -> None:
        if not self.is_up:
            raise pe.NonRetryable("the bank is closed")


async def main() -> None:
    bank = Bank()
    builder = pe.ProcessBuilder("order")
    builder.node("charge", bank.charge)
    async with pe.open_runtime(alerts=ALERTS, alert_interval=1.0) as runtime:
        for second in range(30):
            bank.is_up = second >= 10
            await runtime.spawn(builder.build())
            await trio.sleep(1.0)


if __name__ == "__main__":
    trio.run(main)
