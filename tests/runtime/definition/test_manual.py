"""What `docs/definitions.md` shows is what the loader takes, and says."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import attrs
import pytest

from processengine.runtime.definition import (
    DefinitionError,
    Format,
    NodeTypes,
    cel,
    parse_definition,
)
from processengine.supervision import BreakerPolicy, BudgetPolicy, Bulkhead, Hedge, Retry

DOCS = Path(__file__).parents[3] / "docs"
MANUAL = (DOCS / "definitions.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", MANUAL, re.MULTILINE | re.DOTALL)
DOCUMENTS = [(kind, text) for kind, text in BLOCKS if kind in ("json", "toml", "yaml")]


@pytest.fixture
def types() -> NodeTypes:
    types = NodeTypes()

    async def node() -> None: ...

    for name in ("reserve", "charge", "ship_line", "refund", "render", "send"):
        types.register(node, name)
    return types


@pytest.mark.parametrize(("format", "text"), DOCUMENTS)
def test_the_documents_of_the_manual_load(format: str, text: str, types: NodeTypes) -> None:
    assert parse_definition(text, cast(Format, format), types).warnings == ()


def test_the_manual_shows_documents_in_every_format() -> None:
    assert {kind for kind, _ in DOCUMENTS} == {"json", "toml", "yaml"}


def test_the_formats_say_the_same(types: NodeTypes) -> None:
    in_json, in_toml = (
        next(
            parse_definition(text, cast(Format, kind), types)
            for kind, text in DOCUMENTS
            if kind == f
        )
        for f in ("json", "toml")
    )
    assert in_json == in_toml


def test_the_expressions_of_the_manual_compile() -> None:
    (block,) = [text for kind, text in BLOCKS if not kind and "exists" in text]
    for line in block.splitlines():
        assert cel(line).reads


def test_the_faults_of_the_manual_are_those_of_the_loader(types: NodeTypes) -> None:
    (expected,) = [text for kind, text in BLOCKS if not kind and "4 faults" in text]
    document = """
        id: orders
        inputs: {order: {type: object}}
        nodes:
          charge: {type: charge, retry: {attempts: three}, then: size, on: {error: refnd}}
          size: {kind: switch, cases: [{port: big, when: ordr.total > 100}]}
          refund: {type: refund}
    """
    with pytest.raises(DefinitionError) as caught:
        parse_definition(document, "yaml", types, name="orders.yaml")
    assert str(caught.value) == expected.rstrip("\n")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module and the files that the Python of the manual speaks of."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.yaml").write_text(DOCUMENTS[0][1], encoding="utf-8")
    (tmp_path / "invoice.yaml").write_text(INVOICE, encoding="utf-8")
    shop = ModuleType("shop")
    functions, *_ = (text for kind, text in BLOCKS if kind == "python")
    exec(functions, shop.__dict__)
    monkeypatch.setitem(sys.modules, "shop", shop)
    yield shop
    vars(shop).clear()


INVOICE = "id: invoice\nnodes: {refund: {type: refund}}\n"


def test_the_python_of_the_manual_runs(shop: ModuleType) -> None:
    _, *programs = (text for kind, text in BLOCKS if kind == "python")
    names: dict[str, Any] = {}
    for program in programs:
        exec(program, names if "load_definition" in program else dict(names))
    assert names["definition"].id == "orders"
    assert names["orders"] == names["definition"]


def test_every_link_of_the_manual_leads_somewhere() -> None:
    for target, fragment in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", MANUAL):
        text = (DOCS / target).read_text(encoding="utf-8") if target else MANUAL
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert not fragment or fragment in [each.lower().replace(" ", "-") for each in headings]


def test_the_defaults_of_a_retry_are_those_of_the_manual() -> None:
    default = Retry()
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.+) \|$", MANUAL, re.MULTILINE))
    assert rows["attempts"] == str(default.attempts)
    assert rows["initial"] == f"{default.initial:g} s"
    assert rows["maximum"] == f"{default.maximum:g} s"
    assert rows["multiplier"] == f"{default.multiplier:g}"
    assert rows["jitter"] == f"`{default.jitter}`"


def test_the_defaults_of_a_breaker_are_those_of_the_manual() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.+) \|$", MANUAL, re.MULTILINE))
    for field in attrs.fields(BreakerPolicy):
        written = rows[field.name].removesuffix(" s")
        assert field.default is None or written == f"{field.default:g}"


def test_the_defaults_of_the_other_policies_are_those_of_the_manual() -> None:
    assert f"`waiting`: how many more may wait ({Bulkhead(1).waiting})" in MANUAL
    assert f"`tokens`: a failure takes one ({BudgetPolicy().tokens})" in MANUAL
    assert f"what a success gives back ({BudgetPolicy().ratio:g})" in MANUAL
    assert f"the first included, from 2 | {Hedge(1).most} |" in MANUAL
