"""How to test a process: virtual time, drawn schedules, random processes, the engine by itself.

Owns nothing the engine needs. Start reading at `_virtual` for tests of the running engine, at
`_game` for tests without an event loop.
"""

from ._drawing import Palette, draw_sketch
from ._dump import dump
from ._faulty_store import FAULTS, STORE_CALLS, Fault, FaultyStore, StoreCall
from ._game import TokenGame
from ._invariants import check_invariants
from ._sketch import Bodies, NodeKind, NodeSketch, Sketch
from ._store_conformance import STORE_CHECKS, StoreFactory, store_machine
from ._strategies import chances, sketches
from ._table import Observer, Table, TableExecution
from ._virtual import run_virtual

__all__ = [
    "FAULTS",
    "STORE_CALLS",
    "STORE_CHECKS",
    "Bodies",
    "Fault",
    "FaultyStore",
    "NodeKind",
    "NodeSketch",
    "Observer",
    "Palette",
    "Sketch",
    "StoreCall",
    "StoreFactory",
    "Table",
    "TableExecution",
    "TokenGame",
    "chances",
    "check_invariants",
    "draw_sketch",
    "dump",
    "run_virtual",
    "sketches",
    "store_machine",
]
