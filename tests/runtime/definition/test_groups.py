"""Groups of nodes, idempotence and hedging: in the builder, in documents, in dumps, in routing."""

from __future__ import annotations

from typing import Any, get_type_hints

import attrs
import pytest

from processengine.runtime.definition import (
    REJECTED,
    Each,
    Function,
    NodeTypes,
    ProcessBuilder,
    ProcessDefinition,
    RoutedNode,
    RoutingMap,
    definition_of,
    dump_definition,
    parse_definition,
)
from processengine.runtime.definition._groups import GroupOptions
from processengine.supervision import (
    BreakerPolicy,
    BudgetPolicy,
    Bulkhead,
    Group,
    Hedge,
    RatePolicy,
    Retry,
)


class Declined(Exception): ...


async def charge() -> None: ...


def pack(item: object) -> None: ...


@pytest.fixture
def types() -> NodeTypes:
    types = NodeTypes()
    types.register(charge)
    types.register(pack)
    types.register_error(Declined)
    return types


PAYMENTS = Group(
    "payments",
    breaker=BreakerPolicy(consecutive_failures=5, open_seconds=60),
    bulkhead=Bulkhead(10, 1000),
    rate=RatePolicy(100, 1),
    retry=Retry(attempts=4, initial=0.2, never=(Declined,), total=90),
    budget=BudgetPolicy(100, 0.1),
    timeout=10,
    when_open="fail",
    shared=True,
)

YAML = """
id: orders
groups:
  payments:
    breaker: {consecutive_failures: 5, open_seconds: 1m}
    bulkhead: {concurrency: 10, waiting: 1000}
    rate: {calls: 100, seconds: 1}
    retry: {attempts: 4, initial: 200ms, never: [Declined], total: 90}
    budget: {tokens: 100, ratio: 0.1}
    timeout: 10
    when_open: fail
    shared: true
nodes:
  charge: {type: charge, group: payments, idempotent: true, hedge: {after: 0.2, most: 3}}
"""

TOML = """
id = "orders"

[groups.payments]
breaker = { consecutive_failures = 5, open_seconds = 60.0 }
bulkhead = { concurrency = 10, waiting = 1000 }
rate = { calls = 100, seconds = "1s" }
retry = { attempts = 4, initial = "200ms", never = ["Declined"], total = "90s" }
budget = { tokens = 100, ratio = 0.1 }
timeout = "10s"
when_open = "fail"
shared = true

[nodes.charge]
type = "charge"
group = "payments"
idempotent = true
hedge = { after = "200ms", most = 3 }
"""


def built(group: Group = PAYMENTS) -> ProcessDefinition:
    builder = ProcessBuilder("orders")
    builder.node(charge, group=group, idempotent=True, hedge=Hedge(0.2, 3))
    return builder.build()


def group_of(types: NodeTypes, **content: Any) -> Group:
    document = {"id": "p", "groups": {"g": content}, "nodes": {"n": {"type": "charge"}}}
    return definition_of(document, types).groups[0]


# -- in the builder


def test_a_group_is_declared_by_name_and_options() -> None:
    builder = ProcessBuilder("orders")
    group = builder.group("payments", bulkhead=Bulkhead(3), timeout=5)
    assert group == Group("payments", bulkhead=Bulkhead(3), timeout=5)
    builder.node("a", charge, group="payments")
    builder.node("b", charge, group=group)
    builder.node("c", charge)
    definition = builder.build()
    assert definition.groups == (group,)
    assert [node.group for node in definition.nodes] == ["payments", "payments", "default"]


def test_a_group_that_is_made_already_is_declared_as_it_is() -> None:
    one, other = ProcessBuilder("one"), ProcessBuilder("other")
    assert one.group(PAYMENTS) is PAYMENTS
    for builder in (one, other):
        builder.node(charge, group=PAYMENTS)
    assert one.build().groups == other.build().groups == (PAYMENTS,)


def test_the_default_group_need_not_be_declared_but_may_be() -> None:
    builder = ProcessBuilder("orders")
    builder.group("default", timeout=3)
    builder.node(charge)
    builder.node("again", charge, group="default")
    assert [node.timeout for node in RoutingMap(builder.build()).nodes] == [3, 3]


def test_a_group_without_nodes_is_none_too_many() -> None:
    builder = ProcessBuilder("orders")
    builder.group("payments")
    builder.node(charge)
    assert builder.build().groups == (Group("payments"),)


def test_every_kind_of_node_may_be_of_a_group() -> None:
    builder = ProcessBuilder("orders")
    builder.group("g")
    builder.switch("a", {"x": True}, group="g")
    builder.delay("b", 1, group="g")
    builder.wait("c", group="g")
    builder.each("d", pack, over=[1], group="g", idempotent=True, hedge=Hedge(0))
    builder.end("e", group="g")
    assert {node.group for node in builder.build().nodes} == {"g"}


def test_the_options_of_the_builder_are_the_fields_of_a_group() -> None:
    fields = {field.name for field in attrs.fields(Group)} - {"name"}
    assert set(get_type_hints(GroupOptions)) == fields


def test_functions_and_each_nodes_have_a_port_for_what_their_group_refuses() -> None:
    builder = ProcessBuilder("orders")
    first, second = builder.node(charge, ports=["late"]), builder.each("e", pack, over=[1])
    last = builder.node("last", charge, join="each")
    first.on(REJECTED).then(last)
    second.on(REJECTED).then(last)
    one, other, _ = (node.kind for node in builder.build().nodes)
    assert isinstance(one, Function)
    assert isinstance(other, Each)
    assert one.ports == ("out", "error", "rejected", "late")
    assert other.ports == ("out", "error", "rejected")


# -- in documents


def test_a_document_has_its_groups_as_a_builder_has(types: NodeTypes) -> None:
    from_yaml = parse_definition(YAML, "yaml", types)
    from_toml = parse_definition(TOML, "toml", types)
    assert from_yaml.groups == from_toml.groups == (PAYMENTS,)
    assert from_yaml == from_toml == built()
    (node,) = from_yaml.nodes
    assert (node.group, node.idempotent, node.hedge) == ("payments", True, Hedge(0.2, 3))


@pytest.mark.parametrize(
    ("content", "group"),
    [
        ({}, Group("g")),
        ({"breaker": True}, Group("g", breaker=BreakerPolicy())),
        ({"breaker": {}}, Group("g", breaker=BreakerPolicy())),
        ({"budget": True}, Group("g", budget=BudgetPolicy())),
        ({"retry": {}}, Group("g", retry=Retry())),
        ({"bulkhead": {"concurrency": 2}}, Group("g", bulkhead=Bulkhead(2))),
        ({"rate": {"calls": 5, "seconds": "1m"}}, Group("g", rate=RatePolicy(5, 60))),
        ({"rate": {"calls": 5, "seconds": 2, "burst": 1}}, Group("g", rate=RatePolicy(5, 2, 1))),
        ({"timeout": "5m"}, Group("g", timeout=300)),
        ({"when_open": "park"}, Group("g")),
        ({"shared": False}, Group("g")),
    ],
)
def test_policies_in_documents(content: dict[str, Any], group: Group, types: NodeTypes) -> None:
    assert group_of(types, **content) == group


def test_a_breaker_has_all_its_fields_in_documents(types: NodeTypes) -> None:
    breaker = {
        "consecutive_failures": False,
        "failure_rate": 0.5,
        "slow_rate": 1,
        "slow_seconds": "2s",
        "minimum_calls": 20,
        "window_calls": 50,
        "window_seconds": "30s",
        "open_seconds": "5m",
        "open_multiplier": 2,
        "open_maximum": "1h",
        "open_jitter": 0.25,
        "probes": 3,
        "probe_lease": 5,
    }
    assert breaker.keys() == {field.name for field in attrs.fields(BreakerPolicy)}
    assert group_of(types, breaker=breaker).breaker == BreakerPolicy(
        consecutive_failures=None,
        failure_rate=0.5,
        slow_rate=1.0,
        slow_seconds=2,
        minimum_calls=20,
        window_calls=50,
        window_seconds=30,
        open_seconds=300,
        open_multiplier=2,
        open_maximum=3600,
        open_jitter=0.25,
        probes=3,
        probe_lease=5,
    )


@pytest.mark.parametrize(("hedge", "made"), [({"after": 0}, Hedge(0)), ({"after": "1s"}, Hedge(1))])
def test_hedges_in_documents(hedge: dict[str, Any], made: Hedge, types: NodeTypes) -> None:
    node = {"type": "charge", "idempotent": True, "hedge": hedge}
    assert definition_of({"id": "p", "nodes": {"n": node}}, types).nodes[0].hedge == made


def test_a_node_at_fault_may_be_left_by_the_port_for_refusals(types: NodeTypes) -> None:
    nodes = {"a": {"type": "chrge", "on": {"rejected": "b"}}, "b": {"type": "charge"}}
    with pytest.raises(Exception, match=r"1 fault\n  nodes\.a\.type: "):
        definition_of({"id": "p", "nodes": nodes}, types)


# -- in dumps


def test_a_dump_says_of_each_policy_what_is_not_its_default(types: NodeTypes) -> None:
    dumped = dump_definition(built(), types)
    assert dumped["groups"] == {
        "payments": {
            "breaker": {},
            "bulkhead": {"concurrency": 10, "waiting": 1000},
            "rate": {"calls": 100, "seconds": 1},
            "retry": {"initial": 0.2, "never": ["Declined"], "total": 90},
            "budget": {},
            "timeout": 10,
            "when_open": "fail",
            "shared": True,
        }
    }
    assert dumped["nodes"]["charge"] == {
        "type": "charge",
        "group": "payments",
        "idempotent": True,
        "hedge": {"after": 0.2, "most": 3},
    }
    assert definition_of(dumped, types).groups == (PAYMENTS,)


@pytest.mark.parametrize(
    "group",
    [
        Group("plain"),
        Group("default", timeout=5),
        Group("g", breaker=BreakerPolicy(consecutive_failures=None, slow_rate=0.5)),
        Group("g", retry=Retry(on=(OSError, Declined))),
    ],
)
def test_what_is_dumped_reads_back_as_the_same_group(group: Group, types: NodeTypes) -> None:
    document = dump_definition(built(group), types)
    assert definition_of(document, types).groups == (group,)


def test_a_rule_that_is_switched_off_is_written_so_that_every_format_can_say_it(
    types: NodeTypes,
) -> None:
    group = Group("g", breaker=BreakerPolicy(consecutive_failures=None))
    dumped = dump_definition(built(group), types)
    assert dumped["groups"] == {"g": {"breaker": {"consecutive_failures": False}}}


# -- in hashes


CHANGES: list[Group] = [
    Group("g"),
    Group("h"),
    Group("g", breaker=BreakerPolicy()),
    Group("g", breaker=BreakerPolicy(consecutive_failures=4)),
    Group("g", bulkhead=Bulkhead(1)),
    Group("g", bulkhead=Bulkhead(1, 5)),
    Group("g", rate=RatePolicy(1, 1)),
    Group("g", rate=RatePolicy(1, 2)),
    Group("g", retry=Retry()),
    Group("g", retry=Retry(total=5)),
    Group("g", budget=BudgetPolicy()),
    Group("g", budget=BudgetPolicy(10)),
    Group("g", timeout=5),
    Group("g", when_open="fail"),
    Group("g", shared=True),
]


def hash_of(group: str | Group = "default", **options: Any) -> str:
    builder = ProcessBuilder("orders")
    builder.node(charge, group=group, **options)
    return builder.build().hash


def test_whatever_changes_what_a_group_does_changes_the_hash() -> None:
    hashes = [hash_of(), *map(hash_of, CHANGES)]
    hashes += [hash_of(idempotent=True)]
    hashes += [hash_of(idempotent=True, hedge=hedge) for hedge in (Hedge(1), Hedge(2), Hedge(1, 3))]
    assert len(set(hashes)) == len(hashes)


def test_the_group_of_a_node_is_part_of_the_hash() -> None:
    def build(group: str) -> str:
        builder = ProcessBuilder("orders")
        builder.group("g")
        builder.node(charge, group=group)
        return builder.build().hash

    assert build("g") != build("default")


def test_neither_the_order_of_groups_nor_the_form_of_numbers_is_in_the_hash() -> None:
    def build(*groups: Group) -> str:
        builder = ProcessBuilder("orders")
        for group in groups:
            builder.group(group)
        builder.node(charge)
        return builder.build().hash

    whole = Group("a", timeout=5, rate=RatePolicy(1, 2), retry=Retry(initial=1, total=9))
    float_ = Group("a", timeout=5.0, rate=RatePolicy(1, 2.0), retry=Retry(initial=1.0, total=9.0))
    assert build(whole, Group("b")) == build(Group("b"), float_)


# -- in routing


def routed(group: Group | None, **options: Any) -> RoutedNode:
    builder = ProcessBuilder("orders")
    builder.node(charge, group="default" if group is None else group, **options)
    return RoutingMap(builder.build()).nodes[0]


def test_a_node_has_the_retry_and_timeout_of_its_group_unless_it_has_its_own() -> None:
    group = Group("g", retry=Retry(attempts=2), timeout=5)
    node = routed(group)
    assert (node.group, node.retry, node.timeout) == ("g", Retry(attempts=2), 5)
    node = routed(group, retry=Retry(attempts=7), timeout=1)
    assert (node.group, node.retry, node.timeout) == ("g", Retry(attempts=7), 1)


def test_a_node_of_a_group_that_says_nothing_has_the_defaults_of_the_runtime() -> None:
    for group in (None, Group("g")):
        node = routed(group)
        assert (node.retry, node.timeout) == (None, None)
    assert routed(None).group == "default"
