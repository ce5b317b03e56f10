"""Which definitions are known by their content, and for how long."""

from __future__ import annotations

import gc

import processengine as pe
from processengine.runtime._cache import Cache
from processengine.runtime._caches import DefinitionKey
from processengine.runtime._catalog import Catalog
from processengine.runtime._library import Library
from processengine.runtime.definition import Process
from processengine.runtime.store import ExecutionHead


def calling(version: int = 1) -> pe.ProcessDefinition:
    child = pe.ProcessBuilder("child", version)
    child.wait("go")
    builder = pe.ProcessBuilder("calling", version)
    builder.process("child", child.build())
    return builder.build()


def head_of(definition: pe.ProcessDefinition) -> ExecutionHead:
    name, version, hash = definition.id, definition.version, definition.hash
    return ExecutionHead("one", name, version, hash, "running", 1, 0, 0.0, 0.0)


def empty() -> Catalog:
    cache = Cache[DefinitionKey, pe.ProcessDefinition](1, lambda: 0.0)
    return Catalog((), Library("runtime", None, cache, (), lambda _: None))


def test_what_was_given_stays() -> None:
    catalog = empty()
    catalog.add(calling())
    gc.collect()
    found = catalog.of(head_of(calling()))
    assert found == calling()
    assert calling() in catalog


def test_what_was_loaded_stays_while_anybody_has_it() -> None:
    catalog, loaded = empty(), calling()
    hashes = catalog.add_loaded(loaded)
    child = loaded.nodes[0].kind
    assert isinstance(child, Process)
    assert hashes == {loaded.hash, child.definition.hash}
    assert catalog.of(head_of(child.definition)) is child.definition
    assert loaded in catalog
    head = head_of(loaded)
    del loaded, child
    gc.collect()
    assert catalog.of(head) is None


def test_a_given_definition_of_the_same_content_is_not_taken_for_the_loaded_one() -> None:
    catalog, loaded = empty(), calling()
    catalog.add_loaded(loaded)
    assert calling() not in catalog
