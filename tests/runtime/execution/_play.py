"""Processes in one line, and a table on which their nodes end as a test says."""

from __future__ import annotations

from processengine.actors import Message, Signal
from processengine.runtime.execution import (
    Chose,
    Completed,
    Delays,
    Due,
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

    def __init__(self, sketch: Sketch) -> None:
        super().__init__(sketch.definition(), observer=Agreement(sketch))
        self.answers: list[object] = []
        self.begin()

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

    def says(self, message: Message) -> None:
        """Let somebody send a message; its answer goes to `answers`."""
        self.post("root", message, self.answers.append)

    def signals(self, name: str, payload: object = None) -> None:
        self.says(Signal(name, payload))

    def completes(self, nodes: str, port: str = "out") -> None:
        """Let one attempt of each of these nodes return."""
        for node in nodes:
            token = self.token(node)
            self._ends(Completed(token.step, token.attempt, port, node, 0, self.now))

    def fails(self, node: str, *, retryable: bool = False) -> None:
        token = self.token(node)
        item = None if token.item is None else token.item.index
        error = ErrorContext(node, token.step, token.attempt, "Broken", "", self.now, item=item)
        self._ends(Failed(token.step, token.attempt, error, retryable, 0.5))

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

    def stops(self, nodes: str) -> None:
        """Let attempts that were told to stop have stopped."""
        for node in nodes:
            token = self.token(node)
            self._ends(Interrupted(token.step, token.attempt))

    def runs_out(self, node: str) -> None:
        """Let the timer of a node's token run out."""
        token = next(t for t in self.root.state.tokens.values() if t.node.name == node)
        due = getattr(token.phase, "due", None)
        assert isinstance(due, float)
        self.now = max(self.now, due)
        self.post("root", Due(token.step, due))

    def _ends(self, message: Message) -> None:
        execution: TableExecution = self.root
        self.outcome(execution, message)
