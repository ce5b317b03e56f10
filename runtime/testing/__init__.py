"""How to test a process: virtual time, drawn schedules, random processes, the engine by itself.

Owns nothing the engine needs. Start reading at `_virtual` for tests of the running engine, at
`_simulation` for tests without an event loop.
"""

from ._drawing import Palette, draw_sketch
from ._dump import dump
from ._invariants import check_invariants
from ._simulation import Observer, Simulated, Simulation
from ._sketch import Bodies, NodeSketch, Sketch

__all__ = [
    "Bodies",
    "NodeSketch",
    "Observer",
    "Palette",
    "Simulated",
    "Simulation",
    "Sketch",
    "check_invariants",
    "draw_sketch",
    "dump",
]
