from __future__ import annotations

import trio
from hypothesis import given
from hypothesis import strategies as st

from processengine.actors import deadline_after
from processengine.testing import run_virtual


@given(now=st.floats(0, 1e9), seconds=st.floats(-1, 1e9))
def test_it_lies_in_the_future_unless_the_time_is_over(now: float, seconds: float) -> None:
    async def main() -> None:
        await trio.sleep(now)
        deadline = deadline_after(seconds)
        assert (deadline > trio.current_time()) == (seconds > 0)
        await trio.sleep_until(deadline)
        assert trio.current_time() >= deadline

    run_virtual(main)
