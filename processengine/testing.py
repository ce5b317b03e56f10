"""How to test a process: virtual time, drawn schedules, random processes, the engine by itself."""

from processengine.runtime.testing import (
    Bodies,
    NodeKind,
    NodeSketch,
    Observer,
    Palette,
    Sketch,
    Table,
    TableExecution,
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
    "NodeKind",
    "NodeSketch",
    "Observer",
    "Palette",
    "Sketch",
    "Table",
    "TableExecution",
    "TokenGame",
    "chances",
    "check_invariants",
    "draw_sketch",
    "dump",
    "run_virtual",
    "sketches",
]
