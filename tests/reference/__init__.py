"""What a process means, in its plainest form: a second engine, written only to be obviously right.

Values never change, nothing is remembered between turns but the tokens themselves, and reachability
is searched anew whenever it is asked for. Slow, and meant to be. The engine has to agree with it,
turn by turn: `test_agreement` in `tests/runtime/execution` compares the two.

Start reading at `_world`, then `_joins`, which is where the difficulty lies, then `_turns`.
"""

from ._agreement import Agreement, Disagreement
from ._turns import take
from ._world import World, new_world

__all__ = ["Agreement", "Disagreement", "World", "new_world", "take"]
