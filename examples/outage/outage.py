"""An outage of two minutes, lived through twice: with retries alone, and with a breaker and a rate.

python examples/outage/outage.py [picture.svg]

In virtual time, so it takes a moment, and from a fixed seed, so the picture is the same each time.
"""

import logging
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import attrs
import trio

import processengine as pe
from processengine.testing import run_virtual

ORDERS, EVERY = 200, 1.2  # an order comes every so many seconds
DOWN, UP = 60.0, 180.0  # the bank is down in between
PATIENT = pe.Retry(attempts=1000, initial=1.0, maximum=30.0)

ALONE = pe.Group("payments", retry=PATIENT)
GUARDED = pe.Group(
    "payments",
    retry=PATIENT,
    breaker=pe.BreakerPolicy(consecutive_failures=5, open_seconds=30),
    rate=pe.RatePolicy(5, 1.0),
)


@attrs.frozen
class Account:
    """What happened: when the bank was called, how the breaker changed, when all was done."""

    calls: list[float]
    changes: list[pe.BreakerChange]
    ends: list[float]

    @property
    def in_vain(self) -> int:
        """How many calls came while the bank was down."""
        return sum(DOWN <= at < UP for at in self.calls)


async def live_through(group: pe.Group) -> Account:
    """Run all orders to their end, an outage in between."""
    account = Account([], [], [])

    async def charge() -> None:
        account.calls.append(trio.current_time())
        await trio.sleep(0.2)
        if DOWN <= trio.current_time() < UP:
            raise ConnectionError("the bank is down")

    process = pe.ProcessBuilder("order")
    process.node(charge, group=process.group(group))
    definition = process.build()

    async def take_down(watch: pe.Watch[pe.BreakerChange]) -> None:
        async for change in watch:
            if isinstance(change, pe.BreakerChange):
                account.changes.append(change)

    async with pe.open_runtime(seed=1) as runtime, trio.open_nursery() as nursery:
        handles = [await runtime.spawn(definition)]
        nursery.start_soon(take_down, runtime.group("payments").watch())
        for _ in range(ORDERS - 1):
            await trio.sleep(EVERY)
            handles.append(await runtime.spawn(definition))
        account.ends.extend([(await handle.result()).completed().ended_at for handle in handles])
        nursery.cancel_scope.cancel()
    return account


# The picture

LENGTH, LEFT, WIDTH, HEIGHT = 270, 50, 780, 110  # seconds, and pixels
STYLE = (
    "text{fill:#444}.down{fill:#c0392b;opacity:.12}.calls{fill:#4a7fb5}.axis{stroke:#888}"
    ".closed{fill:#2e8b57}.open{fill:#c0392b}.half_open{fill:#e0a030}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}}"
)


def draw(alone: Account, guarded: Account) -> str:
    """Calls in each second for both, one above the other, and the breaker's state under them."""
    most = max(max(_per_second(each).values()) for each in (alone, guarded))
    parts = [
        *_panel(24, most, "retries alone", alone),
        *_panel(24 + HEIGHT + 46, most, "with a breaker and a rate", guarded),
        *_band(24 + 2 * HEIGHT + 54, guarded.changes),
        *_time_axis(24 + 2 * HEIGHT + 84),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {2 * HEIGHT + 140}"'
        f' font-family="sans-serif" font-size="12"><style>{STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _per_second(account: Account) -> Counter[int]:
    return Counter(int(at) for at in account.calls)


def _x(second: float) -> float:
    return LEFT + second * WIDTH / LENGTH


def _span(second: float, until: float) -> str:
    return f'x="{_x(second):.1f}" width="{_x(until) - _x(second):.1f}"'


def _panel(top: int, most: int, name: str, account: Account) -> Iterator[str]:
    yield f'<rect class="down" {_span(DOWN, UP)} y="{top}" height="{HEIGHT}"/>'
    title = f"{name}: {account.in_vain} calls while the bank is down"
    yield f'<text x="{LEFT}" y="{top - 8}">{title}; all done at {max(account.ends):.0f} s</text>'
    for count in (0, most):
        y = top + HEIGHT - HEIGHT * count / most
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{count}</text>'
    for second, count in sorted(_per_second(account).items()):
        height = HEIGHT * count / most
        yield (
            f'<rect class="calls" {_span(second, second + 0.8)} '
            f'y="{top + HEIGHT - height:.1f}" height="{height:.1f}"/>'
        )
    yield f'<path class="axis" d="M{LEFT} {top + HEIGHT}h{WIDTH}"/>'


def _band(top: int, changes: list[pe.BreakerChange]) -> Iterator[str]:
    states = ["closed", *(change.after for change in changes)]
    times = [0.0, *(change.at for change in changes), float(LENGTH)]
    for state, (begin, end) in zip(states, pairwise(times), strict=True):
        yield f'<rect class="{state}" {_span(begin, max(end, begin + 0.6))} y="{top}" height="12"/>'
    yield f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">state</text>'


def _time_axis(top: int) -> Iterator[str]:
    for second in range(0, LENGTH + 1, 30):
        yield f'<text x="{_x(second):.1f}" y="{top}" text-anchor="middle">{second} s</text>'
    keys = (("closed", "closed"), ("open", "open"), ("half_open", "half open"))
    for number, (state, name) in enumerate(keys):
        x = LEFT + 100 * number
        yield f'<rect class="{state}" x="{x}" y="{top + 14}" width="12" height="12"/>'
        yield f'<text x="{x + 18}" y="{top + 24}">{name}</text>'
    yield f'<text x="{LEFT + 310}" y="{top + 24}">calls in each second; shaded: the outage</text>'


def main(picture: str | None = None) -> None:
    """Live through it twice, tell, and draw it if there is a place for the picture."""
    alone, guarded = run_virtual(live_through, ALONE), run_virtual(live_through, GUARDED)
    print(f"retries alone: {alone.in_vain} calls in vain")
    print(f"with a breaker and a rate: {guarded.in_vain} calls in vain")
    for change in guarded.changes:
        print(f"  {change.at:5.1f} s: {change.before} -> {change.after} ({change.why})")
    if picture is not None:
        Path(picture).write_text(draw(alone, guarded), encoding="utf-8")


if __name__ == "__main__":
    logging.getLogger("processengine").setLevel(logging.ERROR)
    main(*sys.argv[1:2])
