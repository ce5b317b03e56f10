# /// script
# dependencies = ["pykka==4.5.0"]
# [tool.bench.tell]
# "Pykka" = {}
# [tool.bench.ask]
# "Pykka" = {}
# ///
"""Messages to actors of Pykka by `ActorRef.tell` and `ActorRef.ask`.

Its actors are threads, each with a queue. Calls by proxy are not measured: a proxy makes a message
of each call, and sends it by these two.
"""

import gc
import json
import sys
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

# The types of what is not installed where types are checked are not known.
pykka: Any = import_module("pykka")

parameters = json.loads(sys.argv[1])
COUNT: int = parameters["executions"]
MESSAGES: int = parameters["steps"]


class Adder(pykka.ThreadingActor):  # type: ignore[misc]  # not installed here
    """Adds up what it is told; answers a number with itself, None with the sum since the last."""

    sum = 0

    def on_receive(self, message: int | None) -> int:
        """Take a message."""
        if message is None:
            found, self.sum = self.sum, 0
            return found
        self.sum += message
        return message


def tell(actor: Any) -> int:
    """The sum of what the actor was told."""
    for number in range(MESSAGES):
        actor.tell(number)
    found: int = actor.ask(None)
    return found


def ask(actor: Any) -> int:
    """The sum of the answers."""
    return sum(actor.ask(number) for number in range(MESSAGES))


work = {"tell": tell, "ask": ask}[parameters["work"]]
actors = [Adder.start() for _ in range(COUNT)]
seconds, total = 0.0, 0
for _ in range(2):
    gc.collect()
    begin = time.perf_counter()
    total = sum(map(work, actors))
    seconds = time.perf_counter() - begin
pykka.ActorRegistry.stop_all()
print(json.dumps({"seconds": seconds, "total": total, "versions": {"pykka": version("pykka")}}))
