"""A loader over documents: from whoever fetches them, with the definitions that they call."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import processengine as pe

Document = dict[str, Any]


async def pack(order: str) -> str:
    return f"{order}, packed"


TYPES = pe.NodeTypes()
TYPES.register(pack)


def packing(version: int = 1) -> Document:
    return {"id": "packing", "version": version, "nodes": {"pack": {"type": "pack"}}}


def calling(id: str, *called: Document) -> Document:
    nodes = {f"call-{n}": {"kind": "process", **each} for n, each in enumerate(called)}
    return {"id": id, "nodes": nodes}


class Desk:
    """Fetches documents, and remembers what it was asked for."""

    def __init__(self, *documents: Document) -> None:
        self.documents = documents
        self.asked: list[tuple[str, int | None]] = []

    async def __call__(self, id: str, version: int | None) -> Document | None:
        self.asked.append((id, version))
        fitting = [each for each in self.documents if each["id"] == id]
        if version is not None:
            fitting = [each for each in fitting if each.get("version", 1) == version]
        return max(fitting, key=lambda each: each.get("version", 1), default=None)


async def test_a_document_is_fetched_read_and_run() -> None:
    loader = pe.DocumentLoader(Desk(packing(1), packing(2)), TYPES)
    async with pe.open_runtime(loader=loader) as runtime:
        outcome = await (await runtime.spawn("packing", {"order": "tea"})).result()
        assert outcome.memory["pack"] == "tea, packed"
        assert str(outcome.process) == "packing v2"
        with pytest.raises(pe.UnknownDefinition):
            await runtime.spawn("packing v3")


async def test_what_a_document_calls_by_id_is_fetched_too_and_once() -> None:
    one, newest = {"definition": "packing", "version": 1}, {"definition": "packing"}
    desk = Desk(packing(1), packing(2), calling("all", one, newest, one))
    definition = await pe.DocumentLoader(desk, TYPES)("all", None)
    assert definition is not None
    assert desk.asked == [("all", None), ("packing", 1), ("packing", None)]
    names = [str(getattr(node.kind, "definition", None)) for node in definition.nodes]
    assert names == ["packing v1", "packing v2", "packing v1"]


async def test_faults_are_told_under_the_name_that_was_asked_for() -> None:
    desk = Desk({"id": "bad", "nodes": {"pack": {"type": "back"}}})
    with pytest.raises(pe.DefinitionError, match=r"bad v1: 1 fault\n.*nodes\.pack\.type"):
        await pe.DocumentLoader(desk, TYPES)("bad", 1)


@pytest.mark.parametrize("circle", [["a"], ["b", "a"], ["b", "c", "a"]])
async def test_a_definition_that_calls_itself_is_a_fault(circle: list[str]) -> None:
    links = itertools.pairwise(["a", *circle])
    desk = Desk(*(calling(id, {"definition": called}) for id, called in links))
    with pytest.raises(pe.DefinitionError, match=r"nodes\.call-0\.definition"):
        await pe.DocumentLoader(desk, TYPES)("a", None)
    assert len(desk.asked) == len(circle)


async def test_a_called_definition_that_nobody_has_is_a_fault() -> None:
    desk = Desk(calling("all", {"definition": "packing"}))
    with pytest.raises(pe.DefinitionError, match="the id of a definition given to the loader"):
        await pe.DocumentLoader(desk, TYPES)("all", None)
