"""Ask again and again until a report is ready, waiting longer each time: a loop with two ways out.

python examples/polling/polling.py
"""

import attrs
import trio

import processengine as pe

MAKING_IT_TAKES = 7.0  # seconds; a real service would not tell
PATIENCE = 10  # questions


@attrs.frozen
class Answer:
    """What the service said, and how often it has been asked."""

    count: int
    ready: bool


NOT_ASKED = Answer(0, ready=False)


async def order_report() -> float:
    """Order the report; says when that was."""
    return trio.current_time()


async def ask(order_report: float, answer: Answer = NOT_ASKED) -> Answer:
    """Ask whether the report is ready. The default stands in until there is an answer."""
    elapsed = trio.current_time() - order_report
    ready = elapsed >= MAKING_IT_TAKES
    print(f"after {elapsed:4.1f} s: {'ready' if ready else 'not yet'}")
    return Answer(answer.count + 1, ready)


def is_ready(answer: Answer) -> bool:
    """Whether there is something to fetch."""
    return answer.ready


def is_hopeless(answer: Answer) -> bool:
    """Whether it is time to give up."""
    return answer.count >= PATIENCE


def pause(answer: Answer) -> float:
    """Seconds until the next question: twice as many each time, a minute at most."""
    return min(0.5 * 2.0**answer.count, 60.0)


async def fetch(answer: Answer) -> str:
    """Get the report."""
    return f"the report, after {answer.count} questions"


def polling_process() -> pe.ProcessDefinition:
    """Order; ask until it is ready or there is no hope; fetch."""
    polling = pe.ProcessBuilder("polling")
    ordered = polling.node(order_report)
    asked = polling.node(ask, output="answer")
    decided = polling.switch("decide", {"ready": is_ready, "hopeless": is_hopeless}, default="wait")
    waited = polling.delay("wait", pause)
    fetched = polling.node(fetch)
    gave_up = polling.end("give_up")

    ordered.then(asked).then(decided)
    decided.on("ready").then(fetched)
    decided.on("hopeless").then(gave_up)
    decided.on("wait").then(waited).then(asked)  # the way back
    return polling.build()


async def main() -> None:
    """Run it once. The delays are timers: no task waits in them."""
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(polling_process())
        outcome = await handle.result()
    print(outcome.memory.get("fetch", "gave up"))


if __name__ == "__main__":
    trio.run(main)
