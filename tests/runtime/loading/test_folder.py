"""A loader over a folder: by what the documents say, not by how the files are called."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

import processengine as pe


async def pack() -> str:
    return "packed"


TYPES = pe.NodeTypes()
TYPES.register(pack)


def put(folder: Path, file: str, id: str, version: int = 1, node: str = "pack") -> Path:
    """A document in YAML's subset that is JSON, or in TOML."""
    path = folder / file
    if path.suffix == ".toml":
        path.write_text(f'id = "{id}"\nversion = {version}\n[nodes.{node}]\ntype = "pack"\n')
    else:
        text = f'{{"id": "{id}", "version": {version}, "nodes": {{"{node}": {{"type": "pack"}}}}}}'
        path.write_text(text)
    return path


async def loaded(loader: pe.FolderLoader, id: str, version: int | None = None) -> str:
    return str(await loader(id, version))


async def test_documents_of_every_format_are_found_whatever_their_files_are_called(
    tmp_path: Path,
) -> None:
    put(tmp_path, "a.json", "orders", 1)
    put(tmp_path, "b.toml", "orders", 10)
    put(tmp_path, "c.yaml", "orders", 2)
    put(tmp_path, "d.txt", "orders", 11)
    loader = pe.FolderLoader(tmp_path, TYPES)
    assert await loaded(loader, "orders") == "orders v10"
    assert await loaded(loader, "orders", 2) == "orders v2"
    assert await loaded(loader, "orders", 11) == "None"
    assert await loaded(loader, "bills") == "None"


async def test_an_execution_is_spawned_from_the_folder(tmp_path: Path) -> None:
    put(tmp_path, "orders.json", "orders")
    async with pe.open_runtime(loader=pe.FolderLoader(tmp_path, TYPES)) as runtime:
        handle = await runtime.spawn("orders v1")
        assert (await handle.result()).memory == {"pack": "packed"}


async def test_new_and_changed_files_are_seen_by_the_next_load(tmp_path: Path) -> None:
    path = put(tmp_path, "orders.json", "orders", 1)
    loader = pe.FolderLoader(tmp_path, TYPES)
    assert await loaded(loader, "orders") == "orders v1"
    put(tmp_path, "later.json", "orders", 2)
    assert await loaded(loader, "orders") == "orders v2"
    put(tmp_path, "orders.json", "orders", 3)
    os.utime(path, ns=(1, 1))  # whatever the clock of the file system
    assert await loaded(loader, "orders") == "orders v3"
    path.unlink()
    assert await loaded(loader, "orders", 3) == "None"


async def test_two_files_with_the_same_definition_are_a_fault(tmp_path: Path) -> None:
    put(tmp_path, "a.json", "orders")
    put(tmp_path, "b.json", "orders")
    put(tmp_path, "c.json", "orders", 2)
    loader = pe.FolderLoader(tmp_path, TYPES)
    assert await loaded(loader, "orders") == "orders v2"
    with pytest.raises(pe.DefinitionError, match=r"not a\.json and b\.json"):
        await loader("orders", 1)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"id": 5}', '{"id": "x", "version": "1"}'])
async def test_a_file_that_cannot_be_read_matters_to_what_goes_by_its_name_only(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path, "orders.json", "orders", 1)
    put(tmp_path, "bills.json", "bills", 1)
    (tmp_path / "orders-v2.json").write_text(text)
    loader = pe.FolderLoader(tmp_path, TYPES)
    with caplog.at_level(logging.WARNING, "processengine"):
        assert await loaded(loader, "bills") == "bills v1"
        assert await loaded(loader, "orders", 1) == "orders v1"
        for version in (None, 2):
            with pytest.raises(pe.DefinitionError, match=r"orders-v2\.json"):
                await loader("orders", version)
    assert len(caplog.records) == 1  # it is read once, as long as it does not change


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(pe.DefinitionError, match="a folder that can be read"):
        await pe.FolderLoader(tmp_path / "none", TYPES)("orders", None)
