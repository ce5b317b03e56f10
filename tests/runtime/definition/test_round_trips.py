"""Random definitions: the same in every format, the same after a dump, never a stray exception."""

import contextlib
import copy
import json
import re
from collections.abc import Callable
from typing import Any, Literal

from hypothesis import example, given
from hypothesis import strategies as st

from processengine.actors import ProcessEngineError
from processengine.runtime.definition import (
    Constant,
    Format,
    Input,
    NodeRef,
    NodeTypes,
    ProcessBuilder,
    ProcessDefinition,
    Variable,
    cel,
    definition_of,
    dump_definition,
    parse_definition,
)
from processengine.runtime.definition._formats import is_list, is_mapping
from processengine.supervision import (
    BreakerPolicy,
    BudgetPolicy,
    Bulkhead,
    Group,
    Hedge,
    RatePolicy,
    Retry,
)

TYPES = NodeTypes()
DRAW = st.DrawFn


class Declined(Exception): ...


@TYPES.register
async def reserve(order: object) -> None: ...


@TYPES.register(ports=("declined", "late"))
def ship(order: object, page: int = 1) -> None: ...


@TYPES.register(name="shop.render", runs="process")
def render(page: int = 1) -> None: ...


TYPES.register_error(Declined)
FUNCTIONS: list[Callable[..., Any]] = [ship, render]

INPUTS = (
    Input("order", "map"),
    Input("lines", "list", default=[1, {"price": 2.5}]),
    Input("paid", "bool", default=False, description="by card"),
    Input("copies", "int", default=1),
    Input("note", default=None),
)
# Beyond U+FFFF, JSON's escapes are not those of TOML and YAML; the readers take such text as it is.
TEXT = st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF), max_size=8)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
FORMS = st.sampled_from(["cel", "variable", "constant", "a b", "x"])
PLAIN = st.recursive(
    st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FORMS | TEXT, inner, max_size=3),
    max_leaves=5,
)
FLAGS: st.SearchStrategy[bool] = st.booleans()
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.:#-]{0,5}", fullmatch=True)
SECONDS = st.integers(1, 10**6) | st.floats(1e-3, 1e6)
CONDITIONS = st.sampled_from(
    [Constant(True), Variable("paid"), cel("paid"), cel("order.total > copies")]
)
VALUES = st.one_of(
    PLAIN.map(Constant),
    st.sampled_from([Variable("order"), cel("order.total"), cel("[copies, 1]")]),
)
RETRIES = st.builds(
    Retry,
    attempts=st.integers(1, 9),
    initial=SECONDS,
    maximum=SECONDS,
    multiplier=st.integers(1, 9) | st.floats(1, 9),
    jitter=st.sampled_from(["full", "decorrelated", "none"]),
    on=st.sampled_from([(Exception,), (OSError, Declined)]),
    never=st.sampled_from([(), (TimeoutError,)]),
    total=st.none() | SECONDS,
)
COUNTS = st.integers(1, 10**6)
SHARES = st.none() | st.floats(0, 1, exclude_min=True)
BREAKERS = st.builds(
    BreakerPolicy,
    consecutive_failures=st.none() | COUNTS,
    failure_rate=SHARES,
    slow_rate=SHARES,
    slow_seconds=SECONDS,
    minimum_calls=COUNTS,
    window_calls=COUNTS,
    window_seconds=st.none() | SECONDS,
    open_seconds=SECONDS,
    open_multiplier=st.integers(1, 9) | st.floats(1, 9),
    open_maximum=SECONDS,
    open_jitter=st.floats(0, 9),
    probes=COUNTS,
    probe_lease=SECONDS,
)


def groups(name: str) -> st.SearchStrategy[Group]:
    return st.builds(
        Group,
        st.just(name),
        breaker=st.none() | st.just(BreakerPolicy()) | BREAKERS,
        bulkhead=st.none() | st.builds(Bulkhead, COUNTS, st.integers(0, 10**6)),
        rate=st.none() | st.builds(RatePolicy, COUNTS, SECONDS, st.none() | COUNTS),
        retry=st.none() | RETRIES,
        budget=st.none() | st.builds(BudgetPolicy, COUNTS, st.floats(0.001, 9)),
        timeout=st.none() | SECONDS,
        when_open=st.sampled_from(["park", "fail"]),
        shared=FLAGS,
    )


HEDGES = st.builds(Hedge, st.just(0) | SECONDS, st.integers(2, 9))


@st.composite
def options(draw: DRAW) -> dict[str, Any]:
    join, rest = draw(
        st.sampled_from([("all", "absorb"), ("any", "absorb"), ("each", "absorb"), (2, "cancel")])
    )
    return {
        "join": join,
        "rest": rest,
        "output": draw(st.none() | NAMES),
        "retry": draw(st.none() | RETRIES),
        "timeout": draw(st.none() | SECONDS),
        "group": draw(st.sampled_from(["default", "g"])),
        "idempotent": draw(FLAGS),
        "description": draw(TEXT),
    }


@st.composite
def hedged(draw: DRAW, chosen: dict[str, Any]) -> dict[str, Any]:
    """The options of a node that may have a hedge, with one or without."""
    return {**chosen, "hedge": draw(st.none() | HEDGES)} if chosen["idempotent"] else chosen


@st.composite
def nodes(draw: DRAW, builder: ProcessBuilder, name: str, depth: int) -> tuple[NodeRef, list[str]]:
    """Add a node of any kind; return it with the ports it may be left by."""
    chosen = draw(options())
    kind = draw(st.sampled_from(["function", "switch", "delay", "wait", "each", "process", "end"]))
    if kind == "function":
        ports = draw(
            st.lists(NAMES.filter(lambda n: n not in ("out", "error")), unique=True, max_size=2)
        )
        inputs = {"page": draw(VALUES)}
        function = draw(st.sampled_from(FUNCTIONS))
        chosen = draw(hedged(chosen))
        node = builder.node(name, function, inputs=inputs, ports=ports, **chosen)
        return node, ["out", "rejected", *ports]
    if kind == "switch":
        cases = draw(st.dictionaries(NAMES, CONDITIONS, min_size=1, max_size=3))
        default = draw(st.none() | NAMES)
        choose: Literal["first", "every"] = draw(st.sampled_from(["first", "every"]))
        switch = builder.switch(name, cases, default=default, choose=choose, **chosen)
        return switch, [*cases, *([default] if default else [])]
    if kind == "delay":
        length = draw(SECONDS.map(Constant) | st.just(cel("copies * 2")))
        return builder.delay(name, length, **chosen), ["out", "error"]
    if kind == "wait":
        within = draw(st.none() | SECONDS | st.just(Variable("copies")))
        signal = draw(st.none() | NAMES)
        return builder.wait(name, signal, within=within, **chosen), ["out", "timeout"]
    if kind == "each":
        over = draw(st.sampled_from(["lines", Constant([1, "a"]), cel("order.lines")]))
        bound = draw(st.none() | st.integers(1, 9))
        chosen = draw(hedged(chosen))
        each = builder.each(name, render, over=over, item="page", concurrency=bound, **chosen)
        return each, ["out", "error", "rejected"]
    if kind == "process" and depth > 0:
        child = draw(definitions(depth - 1))
        return builder.process(name, child, inputs={"order": Variable("order")}, **chosen), ["out"]
    return builder.end(name, terminate=draw(FLAGS), **chosen), []


@st.composite
def definitions(draw: DRAW, depth: int = 1) -> ProcessDefinition:
    """A process of a few nodes, each led to from an earlier one or a start, and some ways back."""
    builder = ProcessBuilder(
        draw(NAMES),
        draw(st.integers(1, 9)),
        inputs=INPUTS,
        timeout=draw(st.none() | SECONDS),
        description=draw(TEXT),
    )
    builder.group(draw(groups("g")))
    if draw(FLAGS):
        builder.group(draw(groups("default")))
    drawn: set[tuple[str, str, str]] = set()
    made: list[tuple[NodeRef, list[str]]] = []
    starts: list[NodeRef] = []

    def connect(source: NodeRef, port: str, target: NodeRef) -> None:
        if (source.name, port, target.name) not in drawn:
            drawn.add((source.name, port, target.name))
            source.on(port).then(target)

    for name in draw(st.lists(NAMES, min_size=1, max_size=5, unique=True)):
        node, ports = draw(nodes(builder, name, depth))
        sources = [each for each in made if each[1]]
        is_led_to = draw(FLAGS)
        if sources and is_led_to:
            source, its_ports = draw(st.sampled_from(sources))
            connect(source, draw(st.sampled_from(its_ports)), node)
        else:
            starts.append(node)
        made.append((node, ports))
        leads_on = draw(FLAGS)
        if ports and leads_on:
            connect(node, draw(st.sampled_from(ports)), draw(st.sampled_from(made))[0])
    has_handler = draw(FLAGS)
    if has_handler:
        # What may start, with a port for errors that leads nowhere: there is a failure to handle.
        builder.start(builder.node("work.er", render))
        builder.on_error(
            builder.node("hand.ler", render, join=draw(st.sampled_from(["all", "any"])))
        )
    builder.start(*starts)
    return builder.build()


def in_json(data: Any) -> str:
    return json.dumps(data)


def in_toml(data: dict[str, Any]) -> str:
    return "\n".join(f"{json.dumps(key)} = {toml_value(value)}" for key, value in data.items())


def toml_value(value: Any) -> str:
    if is_mapping(value):
        pairs = (f"{json.dumps(key)} = {toml_value(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if is_list(value):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return json.dumps(value).replace("\x7f", "\\u007f")


def in_yaml(data: Any, indent: str = "") -> str:
    """Write block style, with scalars as in JSON, of which YAML takes every one."""
    if is_mapping(data) and data:
        items = (f"\n{indent}{json.dumps(k)}:{in_yaml(v, indent + ' ')}" for k, v in data.items())
        return "".join(items)
    if is_list(data) and data:
        return "".join(f"\n{indent}-{in_yaml(item, indent + ' ')}" for item in data)
    return " " + json.dumps(data).replace("\x7f", "\\x7f")


WRITERS = {"json": in_json, "toml": in_toml, "yaml": in_yaml}


def without_null(data: Any) -> Any:
    """Leave out the one input default that TOML cannot say."""
    data = copy.deepcopy(data)
    for each in [data, *children_of(data)]:
        del each["inputs"]["note"]
    return data


def children_of(data: Any) -> list[Any]:
    return [node["definition"] for node in data["nodes"].values() if node.get("kind") == "process"]


@given(definitions())
def test_what_is_dumped_reads_back_as_the_same(definition: ProcessDefinition) -> None:
    assert definition_of(dump_definition(definition, TYPES), TYPES).hash == definition.hash


@given(definitions(), st.sampled_from(["json", "toml", "yaml"]))
def test_a_definition_is_the_same_in_every_format(
    definition: ProcessDefinition, format: Format
) -> None:
    document = without_null(dump_definition(definition, TYPES))
    text = WRITERS[format](document)
    assert parse_definition(text, format, TYPES) == definition_of(document, TYPES)


@given(definitions())
def test_the_order_of_nodes_and_connections_is_not_what_a_definition_is(
    definition: ProcessDefinition,
) -> None:
    document = dump_definition(definition, TYPES)
    document["start"] = list(definition.start)
    document["nodes"] = dict(reversed(document["nodes"].items()))
    document["connections"] = document.get("connections", [])[::-1]
    assert definition_of(document, TYPES) == definition


JUNK = st.none() | PLAIN | st.dictionaries(st.sampled_from(["cel", "type", "kind", "id"]), PLAIN)
KEYS = st.sampled_from(
    re.findall(
        r"\w+",
        "id version timeout inputs start nodes connections type kind runs ports cases default"
        " choose port when seconds signal within over item concurrency definition terminate join"
        " rest output retry attempts initial on never then from to cel variable constant"
        " groups on_error group idempotent hedge after most breaker bulkhead rate budget when_open"
        " shared consecutive_failures failure_rate open_seconds waiting calls burst tokens ratio",
    )
)


@st.composite
def mutated(draw: DRAW) -> Any:
    """A document with a few values replaced, removed or added, wherever they stand."""
    document: Any = dump_definition(draw(definitions()), TYPES)
    for _ in range(draw(st.integers(1, 3))):
        spot = document
        while True:
            keys: list[Any] = list(spot) if is_mapping(spot) else list(range(len(spot)))
            inner = [key for key in keys if isinstance(spot[key], (dict, list)) and spot[key]]
            if not inner or draw(st.integers(0, 3)) == 0:
                break
            spot = spot[draw(st.sampled_from(inner))]
        mutate(draw, spot, keys)
    return document


def mutate(draw: DRAW, spot: Any, keys: list[Any]) -> None:
    if is_mapping(spot) and (not keys or draw(FLAGS)):
        spot[draw(KEYS)] = draw(JUNK)
    elif keys:
        key = draw(st.sampled_from(keys))
        if draw(FLAGS):
            spot[key] = draw(JUNK)
        else:
            del spot[key]


@given(mutated())
def test_a_document_gone_wrong_never_raises_anything_but_our_errors(document: Any) -> None:
    with contextlib.suppress(ProcessEngineError):
        definition_of(document, TYPES)


@given(st.recursive(JUNK, lambda inner: st.dictionaries(KEYS, inner), max_leaves=20))
@example({"schemaVersion": "1.5", "workflow": None})
def test_no_plain_data_makes_the_loader_fail_in_any_other_way(data: Any) -> None:
    with contextlib.suppress(ProcessEngineError):
        definition_of(data, TYPES)


WF_KEYS = st.sampled_from(
    ["name", "workflow", "specification", "execution", "tasks", "id", "parents", "children"]
)


@given(st.recursive(JUNK, lambda inner: st.dictionaries(WF_KEYS, inner) | st.lists(inner)))
def test_no_workflow_makes_the_importer_fail_in_any_other_way(workflow: Any) -> None:
    with contextlib.suppress(ProcessEngineError):
        definition_of({"schemaVersion": "1.5", "name": "x", "workflow": workflow})
