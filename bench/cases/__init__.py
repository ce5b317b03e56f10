"""The cases by name; each gives its rows, at full size or at a quick one."""

from collections.abc import Callable

from .._measure import Row
from ._compression import compression
from ._control import pausing
from ._durable_runs import durable_chains
from ._durable_size import durable_sizes
from ._from_outside import control_from_another_process
from ._graphs import graphs
from ._guarded import guards
from ._idle import idle
from ._imports import imports
from ._instructions import instructions
from ._messages import messages
from ._names import names
from ._passivated import passivated
from ._pools import pools
from ._runs import chains, failing, fork_joins, sleeping
from ._soak import soak
from ._spawning import spawning
from ._specification import specification

Case = Callable[[bool], list[Row]]

CASES: dict[str, Case] = {
    "chain": chains,
    "fork-join": fork_joins,
    "sleeping": sleeping,
    "failing": failing,
    "guards": guards,
    "idle": idle,
    "messages": messages,
    "spawning": spawning,
    "pools": pools,
    "names": names,
    "graphs": graphs,
    "pausing": pausing,
    "durable-chain": durable_chains,
    "durable-size": durable_sizes,
    "compression": compression,
    "passivated": passivated,
    "from-outside": control_from_another_process,
    "imports": imports,
    "instructions": instructions,
    "specification": specification,
    "soak": soak,
}

__all__ = ["CASES", "Case"]
