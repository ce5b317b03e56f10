"""Every way to get a document wrong that we could think of, and the exact words of the answer."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from processengine.actors import ProcessEngineError
from processengine.runtime.definition import (
    Input,
    NodeTypes,
    ProcessBuilder,
    ProcessDefinition,
    definition_of,
    load_definition,
    load_wfformat,
    parse_definition,
)

Row = dict[str, Any]


def rows(file: str) -> list[Any]:
    table: list[Row] = yaml.safe_load((Path(__file__).parent / file).read_text(encoding="utf-8"))
    return [pytest.param(row, id=row["name"]) for row in table]


def matches(expected: str, message: str) -> bool:
    pattern = ".*".join(map(re.escape, expected.rstrip("\n").split("…")))
    return re.fullmatch(pattern, message) is not None


@pytest.fixture
def types() -> NodeTypes:
    types = NodeTypes()

    @types.register
    async def reserve(order: object) -> None: ...

    @types.register
    async def charge(order: object, amount: object) -> None: ...

    @types.register(ports=("declined",))
    async def ship(order: object) -> None: ...

    @types.register
    def render(page: int = 1) -> None: ...

    return types


@pytest.fixture
def invoice() -> ProcessDefinition:
    builder = ProcessBuilder(
        "invoice", version=3, inputs=["amount", Input("note", "string", default="")]
    )
    builder.wait("paid")
    return builder.build()


@pytest.mark.parametrize("row", rows("documents.yaml"))
def test_a_broken_document_is_told_all_that_is_wrong_with_it(
    row: Row, types: NodeTypes, invoice: ProcessDefinition
) -> None:
    name = f"orders.{row['format']}"
    with pytest.raises(ProcessEngineError) as caught:
        parse_definition(
            row["document"], row["format"], types, definitions={"invoice": invoice}, name=name
        )
    assert matches(row["message"], str(caught.value))


@pytest.mark.parametrize("row", rows("wfformat.yaml"))
def test_a_broken_workflow_is_told_all_that_is_wrong_with_it(row: Row) -> None:
    with pytest.raises(ProcessEngineError) as caught:
        parse_definition(row["document"], row["format"], name="sky.yaml")
    assert matches(row["message"], str(caught.value))


TOO_LONG = "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits"
BOMBS = [
    ("json", "[" * 100_000, "document: expected nesting of at most 64 levels, got more"),
    ("toml", "a = " + "[" * 100_000, "document: expected nesting of at most 64 levels, got more"),
    (
        "yaml",
        "[" * 100_000,
        f"line 1, column 65: expected YAML (nesting of at most 64 levels), got '{'[' * 119}",
    ),
    (
        "yaml",
        "- " * 100_000,
        f"line 1, column 129: expected YAML (nesting of at most 64 levels), got '{'- ' * 59}-",
    ),
    (
        "toml",
        ".".join("a" * 1000) + " = 1",
        f"{'.'.join('a' * 64)}: expected nesting of at most 64 levels, got more",
    ),
    (
        "json",
        '{"page": ' + "1" * 5000 + "}",
        f"document: expected JSON ({TOO_LONG}), got more",
    ),
]


@pytest.mark.parametrize(("format", "text", "line"), BOMBS)
def test_a_document_made_to_break_the_reader_is_refused_in_a_line(
    format: Any, text: str, line: str
) -> None:
    with pytest.raises(ProcessEngineError) as caught:
        parse_definition(text, format, name="bomb")
    assert str(caught.value) == f"bomb: 1 fault\n  {line}"


def test_aliases_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(ProcessEngineError) as caught:
        parse_definition("\n".join(lines), "yaml", name="laughs")
    assert str(caught.value) == (
        "laughs: 1 fault\n"
        "  document: expected at most 5000000 values, aliases written out, got more"
    )


def test_an_expression_nested_too_deeply_is_refused() -> None:
    node = {"kind": "delay", "seconds": {"cel": "(" * 100 + "1" + ")" * 100}}
    with pytest.raises(ProcessEngineError) as caught:
        definition_of({"id": "p", "nodes": {"a": node}})
    assert str(caught.value) == (
        "document: 1 fault\n  nodes.a.seconds.cel: expected a CEL expression (line 1, column 1:"
        f" Expression recursion limit exceeded. limit: 32), got '{'(' * 100}1{')' * 18}"
    )


def test_values_of_python_are_no_document() -> None:
    with pytest.raises(ProcessEngineError) as caught:
        definition_of({"id": "p", "nodes": {"a": {"type": "f", "inputs": {"x": (1, 2)}}}})
    assert str(caught.value) == (
        "document: 1 fault\n  nodes.a.inputs.x: expected text, a number, true or false, null,"
        " a list or a mapping, got (1, 2)"
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "content", "line"),
    [
        (
            "none.yaml",
            None,
            "file: expected a file that can be read, got 'No such file or directory'",
        ),
        (
            "orders.txt",
            b"",
            "file: expected a name that ends in .json, .toml, .yaml, .yml, got '.txt'",
        ),
        ("orders", b"", "file: expected a name that ends in .json, .toml, .yaml, .yml, got ''"),
        ("orders.json", b'{"id": "\xff"}', r"byte 8: expected text in UTF-8, got b'\xff'"),
        (
            "orders.yaml",
            b"id: \x00",
            "line 1, column 1: expected YAML (control characters are not allowed), got 'id: \\x00'",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_of_ours(
    folder: Path, file: str, content: bytes | None, line: str
) -> None:
    if content is not None:
        (folder / file).write_bytes(content)
    with pytest.raises(ProcessEngineError) as caught:
        load_definition(file)
    assert str(caught.value) == f"{file}: 1 fault\n  {line}"


def test_a_folder_is_no_file(folder: Path) -> None:
    (folder / "orders.json").mkdir()
    with pytest.raises(ProcessEngineError, match="expected a file that can be read, got"):
        load_definition("orders.json")


def test_the_importer_takes_nothing_but_recorded_workflows(folder: Path) -> None:
    (folder / "orders.json").write_text('{"id": "orders"}', encoding="utf-8")
    with pytest.raises(ProcessEngineError) as caught:
        load_wfformat("orders.json")
    assert str(caught.value) == (
        "orders.json: 1 fault\n  document: expected a workflow in WfFormat"
        " ('schemaVersion' and 'workflow'), got {'id': 'orders'}"
    )
