"""The definitions that a runtime can run, for executions that it finds in its store."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from weakref import WeakValueDictionary

from ..actors import Reply
from ._caches import DefinitionKey
from ._errors import UnknownDefinition
from ._library import Library
from .definition import Process, ProcessDefinition
from .store import ExecutionHead


class Catalog:
    """Definitions by their content, those that they call included.

    Those that were given are kept. Those that were loaded are known for as long as anybody has
    them: the cache, or an execution. After that the loader can be asked again.
    """

    def __init__(self, definitions: Iterable[ProcessDefinition], library: Library) -> None:
        self._given: dict[str, ProcessDefinition] = {}
        self._loaded: WeakValueDictionary[str, ProcessDefinition] = WeakValueDictionary()
        self._library = library
        self._troubles: dict[DefinitionKey, Exception] = {}
        for definition in definitions:
            self.add(definition)

    def __contains__(self, definition: ProcessDefinition) -> bool:
        hash = definition.hash
        return hash in self._given or self._loaded.get(hash) is definition

    def add(self, definition: ProcessDefinition) -> set[str]:
        """Take in a definition and all that it calls; one of the same content is replaced.

        Returns the hashes of all.
        """
        family = _family(definition)
        self._given.update(family)
        return {*family}

    def add_loaded(self, definition: ProcessDefinition) -> set[str]:
        """As `add`, for as long as somebody else has the definition."""
        family = _family(definition)
        self._loaded.update(family)
        return {*family}

    def of(self, head: ExecutionHead) -> ProcessDefinition | None:
        """The definition that an execution began with; None if it is not here."""
        return self._given.get(head.hash) or self._loaded.get(head.hash)

    def load(self, head: ExecutionHead) -> Reply[ProcessDefinition] | None:
        """Ask the loader for the definition of an execution; None if there is nobody to ask.

        Whether what it gives is of the same content, `of` tells: while the reply is kept.
        """
        if not self._library.has_loader:
            return None
        load = self._library.load(head.definition, head.version)
        load.when_done(partial(self._note, (head.definition, head.version), load))
        return load

    def _note(self, key: DefinitionKey, load: Reply[ProcessDefinition]) -> None:
        self._troubles.pop(key, None)
        try:
            load.wait()
        except Exception as error:  # noqa: BLE001 - the host's loader; told by `why_missing`
            self._troubles[key] = error

    def why_missing(self, head: ExecutionHead) -> str:
        """What to tell whoever wants to run an execution whose definition is not here."""
        trouble = self._troubles.get((head.definition, head.version))
        if trouble is not None and not isinstance(trouble, UnknownDefinition):
            return f"the definition {head.definition} v{head.version} was not loaded: {trouble!r}"
        known = (*self._given.values(), *self._loaded.values())
        named = {each.version for each in known if each.id == head.definition}
        if head.version in named:
            return (
                f"the definition {head.definition} v{head.version} has changed since it began:"
                " give the changed one a new version, and the old one too, or migrate it"
            )
        given = "given" if trouble is None else "given, and the loader does not know it"
        if named:
            versions = ", ".join(f"v{version}" for version in sorted(named))
            return f"{head.definition} v{head.version} is not {given}, only {versions}"
        return f"the definition {head.definition} v{head.version} is not {given}"


def _family(definition: ProcessDefinition) -> dict[str, ProcessDefinition]:
    """A definition and all that it calls, by their hashes."""
    family: dict[str, ProcessDefinition] = {}
    waiting = [definition]
    while waiting:
        each = waiting.pop()
        family[each.hash] = each
        waiting += [node.kind.definition for node in each.nodes if isinstance(node.kind, Process)]
    return family
