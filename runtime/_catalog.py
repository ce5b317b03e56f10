"""The definitions that a runtime can run, for executions that it finds in its store."""

from __future__ import annotations

from collections.abc import Iterable

from .definition import Process, ProcessDefinition
from .store import ExecutionHead


class Catalog:
    """Definitions by their content, those that they call included."""

    def __init__(self, definitions: Iterable[ProcessDefinition] = ()) -> None:
        self._by_hash: dict[str, ProcessDefinition] = {}
        for definition in definitions:
            self.add(definition)

    def __contains__(self, definition: ProcessDefinition) -> bool:
        return definition.hash in self._by_hash

    def add(self, definition: ProcessDefinition) -> None:
        """Take in a definition and all that it calls; one of the same content is replaced."""
        waiting = [definition]
        while waiting:
            each = waiting.pop()
            self._by_hash[each.hash] = each
            waiting += [
                node.kind.definition for node in each.nodes if isinstance(node.kind, Process)
            ]

    def of(self, head: ExecutionHead) -> ProcessDefinition | None:
        """The definition that an execution began with; None if it is not here."""
        return self._by_hash.get(head.hash)

    def why_missing(self, head: ExecutionHead) -> str:
        """What to tell whoever wants to run an execution whose definition is not here."""
        named = [each for each in self._by_hash.values() if each.id == head.definition]
        if any(each.version == head.version for each in named):
            return (
                f"the definition {head.definition} v{head.version} has changed since it began:"
                " give the changed one a new version, and the old one too, or migrate it"
            )
        if named:
            versions = ", ".join(f"v{each.version}" for each in named)
            return f"{head.definition} v{head.version} is not given, only {versions}"
        return f"the definition {head.definition} v{head.version} is not given"
