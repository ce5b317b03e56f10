"""The engine as the guest of an asyncio program. It takes real time, a tenth of a second."""

from __future__ import annotations

import asyncio

import pytest

import processengine as pe

from .conftest import LoadExample


def test_asyncio_and_the_engine_share_a_thread(
    load_example: LoadExample, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(load_example("embedding/guest.py").main())
    assert capsys.readouterr().out == "rye, baked in MainThread, sold to Ada\n"


def test_leaving_the_block_ends_what_still_waits(load_example: LoadExample) -> None:
    program = load_example("embedding/guest.py")

    async def main() -> str:
        async with program.Guest() as guest:
            result = (await guest.spawn(program.bread_process(), {"loaf": "rye"})).result()
        return str((await result).state)

    assert asyncio.run(main()) == "cancelled"


def test_what_is_refused_is_raised_in_asyncio_and_the_engine_goes_on(
    load_example: LoadExample,
) -> None:
    program = load_example("embedding/guest.py")

    async def main() -> None:
        async with program.Guest() as guest:
            with pytest.raises(pe.InputError, match="flour"):
                await guest.spawn(program.bread_process(), {"flour": 1})
            await guest.spawn(program.bread_process(), {"loaf": "rye"})

    asyncio.run(main())


def test_an_engine_that_cannot_be_opened_says_why(load_example: LoadExample) -> None:
    program = load_example("embedding/guest.py")

    async def main() -> None:
        with pytest.raises(pe.OptionError, match="cancel_grace"):
            async with program.Guest(cancel_grace=-1):
                pass

    asyncio.run(main())
