"""Which groups there are in a runtime, by definition and name, and who supervises each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from ..supervision import DEFAULT_GROUP, Child, Group, Supervisor
from ._errors import GroupConflict, UnknownGroup
from ._groups import GroupHouse, NodeGroup
from .definition import Each, Function, ProcessDefinition, RoutedNode, RoutingMap

Key = tuple[str, Group]


class GroupRegistry:
    """Makes groups when a definition first needs them, and lets go those of forgotten ones.

    A group of one definition is known by that (id and version) and its policy; a shared one by its
    name alone, so its policy has to be the same wherever it is declared. Groups made while it is
    `in_doubt` how calls fared until now try with probes first.
    """

    def __init__(self, house: GroupHouse, supervisor: Supervisor) -> None:
        self._house = house
        self._supervisor = supervisor
        self._groups: dict[Key, NodeGroup] = {}
        self._shared: dict[str, NodeGroup] = {}
        self._children: dict[NodeGroup, str] = {}
        self._numbers: dict[str, int] = {}
        self.in_doubt: bool = False

    def __len__(self) -> int:
        return len(self._groups) + len(self._shared)

    def __iter__(self) -> Iterator[NodeGroup]:
        yield from self._shared.values()
        yield from self._groups.values()

    def of(self, routing: RoutingMap) -> tuple[NodeGroup, tuple[NodeGroup | None, ...]]:
        """The default group of a definition, and that of each of its nodes, by number.

        Raises `GroupConflict`, having made no group.
        """
        definition = routing.definition
        policies = {DEFAULT_GROUP: Group(DEFAULT_GROUP)} | {g.name: g for g in definition.groups}
        for policy in policies.values():
            self._check(policy)
        used = {DEFAULT_GROUP, *(node.group for node in routing.nodes)}
        groups = {name: self._find(definition, policies[name]) for name in used}
        return groups[DEFAULT_GROUP], tuple(_place(node, groups) for node in routing.nodes)

    def _check(self, policy: Group) -> None:
        shared = self._shared.get(policy.name) if policy.shared else None
        if shared is not None and shared.policy != policy:
            raise GroupConflict(policy.name, shared.policy, policy)

    def _find(self, definition: ProcessDefinition, policy: Group) -> NodeGroup:
        if policy.shared:
            return self._shared.get(policy.name) or self._make(policy.name, policy, self._share)
        key = (str(definition), policy)
        name = f"{definition}/{policy.name}"
        return self._groups.get(key) or self._make(name, policy, lambda new: self._keep(key, new))

    def _share(self, group: NodeGroup) -> None:
        self._shared[group.name] = group

    def _keep(self, key: Key, group: NodeGroup) -> None:
        self._groups[key] = group

    def _make(self, name: str, policy: Group, keep: Callable[[NodeGroup], None]) -> NodeGroup:
        group = NodeGroup(name, policy, self._house)
        keep(group)
        if self.in_doubt:
            group.doubt()
        self._numbers[name] = number = self._numbers.get(name, 0) + 1
        child = self._children[group] = name if number == 1 else f"{name}#{number}"
        workers = Child("workers", group.dispatcher.serve)
        self._supervisor.add(Child(child, Supervisor(child, [workers])))
        return group

    def keep_only(self, used: Collection[object]) -> None:
        """Let all groups go that are not used, but for the shared ones."""
        for key, group in list(self._groups.items()):
            if group not in used:
                del self._groups[key]
                self._supervisor.remove(self._children.pop(group))

    def named(self, name: str, definition: str | None) -> NodeGroup:
        """The group of that name: a shared one, or that of a definition (`id v1`, or its id).

        Raises `UnknownGroup`, also where a name alone could mean several.
        """
        found = [group for group in self if _is_meant(group, name, definition)]
        if len(found) != 1:
            raise UnknownGroup(name, definition, tuple(sorted(group.name for group in self)))
        return found[0]


def _place(node: RoutedNode, groups: dict[str, NodeGroup]) -> NodeGroup | None:
    is_call = isinstance(node.spec.kind, (Function, Each))
    return groups[node.group] if is_call else None


def _is_meant(group: NodeGroup, name: str, definition: str | None) -> bool:
    owner, _, own_name = group.name.rpartition("/")
    if definition is None:
        return name in (group.name, own_name)
    return name == own_name and definition in (owner, owner.rpartition(" v")[0])
