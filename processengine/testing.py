"""How to test a process: virtual time, drawn schedules, random processes, the engine by itself."""

from processengine.runtime.testing import (
    Bodies,
    GameExecution,
    NodeSketch,
    Observer,
    Palette,
    Sketch,
    TokenGame,
    chances,
    check_invariants,
    draw_sketch,
    dump,
    run_virtual,
    sketches,
)

__all__ = [
    "Bodies",
    "GameExecution",
    "NodeSketch",
    "Observer",
    "Palette",
    "Sketch",
    "TokenGame",
    "chances",
    "check_invariants",
    "draw_sketch",
    "dump",
    "run_virtual",
    "sketches",
]
