from __future__ import annotations

import tracemalloc

from processengine.runtime.load._memory import Traced


def test_what_python_objects_take_at_their_peak_is_traced() -> None:
    with Traced() as traced:
        held = [bytes(1000) for _ in range(1000)]
        del held
    assert 1e6 < traced.peak < 1.3e6
    assert not tracemalloc.is_tracing()


def test_somebody_else_s_tracing_goes_on() -> None:
    tracemalloc.start()
    try:
        with Traced() as traced:
            held = bytes(100_000)
        assert traced.peak >= len(held)
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
