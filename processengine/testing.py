"""How to test a process: virtual time, drawn schedules, random processes, the engine by itself."""

from processengine.runtime.testing import (
    Bodies,
    NodeSketch,
    Observer,
    Palette,
    Simulated,
    Simulation,
    Sketch,
    check_invariants,
    draw_sketch,
    dump,
)

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
