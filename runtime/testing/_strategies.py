"""Hypothesis strategies. Hypothesis is imported when the first of them is asked for."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from ..definition import ExtraMissing
from ._drawing import ANYTHING, Palette, draw_sketch
from ._sketch import Sketch

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def chances() -> SearchStrategy[Random]:
    """Sources of chance that shrink: for `run_virtual`, for a `TokenGame`, for your own draws."""
    try:
        from hypothesis import strategies
    except ImportError as error:
        raise ExtraMissing("test", "hypothesis", "drawing processes and schedules") from error
    return strategies.randoms(use_true_random=False)


def sketches(palette: Palette = ANYTHING) -> SearchStrategy[Sketch]:
    """Processes of every shape that the palette allows; they shrink to few nodes and arrows."""
    return chances().map(lambda random: draw_sketch(random, palette))
