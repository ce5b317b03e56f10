# /// script
# dependencies = ["thespian==4.0.1"]
# [tool.bench.tell]
# "Thespian, in process" = { base = "simpleSystemBase" }
# "Thespian, a process each, queues" = { steps = 2000, base = "multiprocQueueBase" }
# "Thespian, a process each, TCP" = { steps = 2000, base = "multiprocTCPBase" }
# [tool.bench.ask]
# "Thespian, in process" = { base = "simpleSystemBase" }
# "Thespian, a process each, queues" = { steps = 2000, base = "multiprocQueueBase" }
# "Thespian, a process each, TCP" = { steps = 2000, base = "multiprocTCPBase" }
# ///
"""Messages to actors of Thespian, by `ActorSystem.tell` and `ActorSystem.ask`.

`simpleSystemBase`, its default, runs actors in the process and thread of the sender. The others run
each actor in a process of its own: `multiprocQueueBase` sends by `multiprocessing` queues,
`multiprocTCPBase` by sockets, and is what its documentation advises to those who are unsure. There
is one for UDP too, which can lose messages.
"""

import gc
import json
import sys
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

# The types of what is not installed where types are checked are not known.
actors: Any = import_module("thespian.actors")

parameters = json.loads(sys.argv[1])
COUNT: int = parameters["executions"]
MESSAGES: int = parameters["steps"]


class Adder(actors.Actor):  # type: ignore[misc]  # not installed here
    """Adds up what it is told; answers a question, a list, with its number, or the sum."""

    sum = 0

    def receiveMessage(self, message: object, sender: object) -> None:  # noqa: N802 - its name
        """Take a message."""
        if isinstance(message, int):
            self.sum += message
        elif isinstance(message, list):
            self.send(sender, message[0] if message else self.sum)
            self.sum = 0


def tell(system: Any, actor: Any) -> int:
    """The sum of what the actor was told."""
    for number in range(MESSAGES):
        system.tell(actor, number)
    found: int = system.ask(actor, [])
    return found


def ask(system: Any, actor: Any) -> int:
    """The sum of the answers."""
    return sum(system.ask(actor, [number]) for number in range(MESSAGES))


def main() -> None:
    """Run, and print what was found."""
    work = {"tell": tell, "ask": ask}[parameters["work"]]
    seconds, total = 0.0, 0
    system = actors.ActorSystem(parameters["base"])
    try:
        addresses = [system.createActor(Adder) for _ in range(COUNT)]
        for _ in range(2):
            gc.collect()
            begin = time.perf_counter()
            total = sum(work(system, actor) for actor in addresses)
            seconds = time.perf_counter() - begin
    finally:
        system.shutdown()
    versions = {"thespian": version("thespian")}
    print(json.dumps({"seconds": seconds, "total": total, "versions": versions}))


if __name__ == "__main__":  # its processes for actors import this file
    main()
