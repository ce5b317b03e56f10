"""Processes in one line, and a table on which their nodes end as a test says."""

from __future__ import annotations

from processengine.actors import Message, Signal
from processengine.runtime.execution import (
    Calls,
    Chose,
    Completed,
    Delays,
    ErrorContext,
    Failed,
    Finished,
    Interrupted,
    Lists,
    Token,
    Waits,
)
from processengine.testing import NodeSketch, Sketch, Table, TableExecution

from ...reference import Agreement


def drawn(
    arrows: str, *, start: str = "", child: Sketch | None = None, **nodes: NodeSketch
) -> Sketch:
    """A sketch from arrows such as `a>b a.error>c`; nodes not given are tasks."""
    parts = [arrow.partition(">") for arrow in arrows.split()]
    names = sorted({*nodes, *(part for s, _, target in parts for part in (s[0], *target))})
    assert names == list("abcdefghijklmnopqrstuvwxyz"[: len(names)]), "use the first letters"
    number = {name: index for index, name in enumerate(names)}
    sketches = tuple(nodes.get(name, NodeSketch()) for name in names)
    links: list[tuple[int, str, int]] = []
    for source, _, target in parts:
        if target:
            at = number[source[0]]
            links.append((at, source[2:] or sketches[at].ports[0], number[target]))
    entered = {target for _, _, target in links}
    entries = tuple(number[name] for name in start) or tuple(
        index for index in number.values() if index not in entered
    )
    return Sketch(sketches, tuple(links), entries, child=child)


class Play(Table):
    """A table that checks itself against the reference, and names nodes instead of steps."""

    def __init__(self, sketch: Sketch, *, is_queued: bool = False) -> None:
        super().__init__(sketch.definition(), observer=Agreement(sketch))
        self.answers: list[object] = []
        if not is_queued:
            self.begin()

    @property
    def state(self) -> str:
        """The public name of the state it is in."""
        return self.root.state.name

    @property
    def memory(self) -> dict[str, object]:
        return self.root.state.memory

    @property
    def running(self) -> str:
        """The nodes with an attempt under way that still counts, in the order of their tokens."""
        tokens = self.root.state.tokens.values()
        return "".join(token.node.name for token in tokens if self._is_running(token))

    @staticmethod
    def _is_running(token: Token) -> bool:
        return type(token.phase).__name__ == "Running"

    @property
    def stopping(self) -> str:
        """The nodes whose attempts were told to stop."""
        tokens = self.root.state.tokens.values()
        return "".join(t.node.name for t in tokens if type(t.phase).__name__ == "Stopping")

    @property
    def ended(self) -> str:
        """The state it ended in, or nothing."""
        control = self.root.state.control
        return control.state if isinstance(control, Finished) else ""

    @property
    def reason(self) -> str:
        """Why it ended as it did."""
        control = self.root.state.control
        assert isinstance(control, Finished)
        return control.reason or ""

    def token(self, node: str) -> Token:
        """The oldest token at a node with an attempt under way."""
        return next(t for t in self.root.attempts.values() if t.node.name == node)

    def says(self, *messages: Message) -> None:
        """Let somebody send messages; the answers go to `answers`."""
        for message in messages:
            self.post("root", message, self.answers.append)

    def phase(self, node: str) -> str:
        """What the oldest token at a node is doing."""
        tokens = self.root.state.tokens.values()
        return next(type(token.phase).__name__ for token in tokens if token.node.name == node)

    def waits_until(self, time: float) -> None:
        """Let all timers run out that are due by then."""
        while self.next_due <= time:
            self.pass_time()
        self.now = time

    def signals(self, name: str, payload: object = None) -> None:
        self.says(Signal(name, payload))

    def completes(self, nodes: str, port: str = "out") -> None:
        """Let one attempt of each of these nodes return."""
        for node in nodes:
            token = self.token(node)
            self._ends(Completed(token.step, token.attempt, port, node, 0, self.now))

    def completes_step(self, step: int, value: object) -> None:
        token = self.root.attempts[step]
        self._ends(Completed(step, token.attempt, "out", value, 0, self.now))

    def fails(self, node: str, *, retryable: bool = False) -> None:
        self._ends(self._failed(self.token(node), retryable))

    def _failed(self, token: Token, retryable: bool) -> Failed:
        item = None if token.item is None else token.item.index
        step, attempt = token.step, token.attempt
        error = ErrorContext(token.node.name, step, attempt, "Broken", "", self.now, item=item)
        return Failed(step, attempt, error, retryable, 0.5)

    def chooses(self, node: str, *ports: str) -> None:
        token = self.token(node)
        self._ends(Chose(token.step, token.attempt, ports))

    def waits(self, node: str, due: float | None = None) -> None:
        token = self.token(node)
        self._ends(Waits(token.step, token.attempt, due))

    def delays(self, node: str, due: float) -> None:
        token = self.token(node)
        self._ends(Delays(token.step, token.attempt, due))

    def lists(self, node: str, count: int) -> None:
        token = self.token(node)
        self._ends(Lists(token.step, token.attempt, list(range(count))))

    def calls(self, node: str, child: str = "child") -> None:
        token = self.token(node)
        self._ends(Calls(token.step, token.attempt, child, {}))

    def completes_one(self, child: TableExecution) -> None:
        token = next(iter(child.attempts.values()))
        value = token.node.name
        self.outcome(child, Completed(token.step, token.attempt, "out", value, 0, self.now))

    def completes_all(self, child: TableExecution) -> None:
        while child.attempts:
            self.completes_one(child)

    def fails_child(self, child: TableExecution) -> None:
        token = next(iter(child.attempts.values()))
        self.outcome(child, self._failed(token, retryable=False))

    def ends_child(self, child: TableExecution) -> None:
        """Let whatever a child that was cancelled had in flight have stopped."""
        for token in list(child.attempts.values()):
            self.outcome(child, Interrupted(token.step, token.attempt))

    def stops(self, nodes: str) -> None:
        """Let attempts that were told to stop have stopped."""
        for node in nodes:
            token = self.token(node)
            self._ends(Interrupted(token.step, token.attempt))

    def _ends(self, message: Message) -> None:
        execution: TableExecution = self.root
        self.outcome(execution, message)
