"""A definition made ready to run."""

from __future__ import annotations

from ..definition import ProcessDefinition, RoutingMap
from ..metrics import DefinitionCounts
from ._attempt import Act, compile_acts
from ._house import Groups, NodeGroup, Tracing
from ._lines import Line, compile_lines
from ._records import Begin, LimitParts

MOST_NAMES = 256


class Program:
    """A definition ready to run: its routing map, an act for every node, a line for bare ones.

    `begin` is what an execution without inputs is begun with; its `timeout` and `limits` are those
    of all. With `tracing` every act has a span. In `counts` its ended executions are counted. For
    `default_group` and `groups` see `Groups`.
    """

    __slots__ = (
        "acts", "begin", "counts", "default_group", "definition", "groups", "lines", "names",
        "routing",
    )  # fmt: skip

    def __init__(
        self,
        definition: ProcessDefinition,
        groups: Groups,
        counts: DefinitionCounts,
        default_timeout: float | None,
        limits: LimitParts | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.definition: ProcessDefinition = definition
        self.counts: DefinitionCounts = counts
        own = definition.timeout
        self.begin: Begin = Begin({}, {}, default_timeout if own is None else own, limits)
        self.routing: RoutingMap = RoutingMap(definition)
        self.acts: tuple[Act, ...] = compile_acts(self.routing)
        self.lines: tuple[Line | None, ...] = compile_lines(self.routing)
        if tracing is not None:
            nodes = self.routing.nodes
            self.acts = tuple(map(tracing.traced, nodes, self.acts))
            self.lines = (None,) * len(nodes)  # which have no acts
        self.names: dict[str, str] = {}
        self.default_group: NodeGroup
        self.groups: tuple[NodeGroup | None, ...]
        self.default_group, self.groups = groups(self.routing)

    def own_name(self, name: str) -> str:
        """The one text for a name that all executions share, whoever decodes it anew each time.

        Saves 63 bytes an execution and variable. Not `sys.intern`: on some Pythons it never lets go
        of what hosts may make up.
        """
        if len(self.names) < MOST_NAMES:
            return self.names.setdefault(name, name)
        return self.names.get(name, name)

    def all_groups(self) -> dict[NodeGroup, None]:
        """Every group in which nodes of the definition run, in a fixed order."""
        groups = (self.default_group, *self.groups)
        return dict.fromkeys(group for group in groups if group is not None)
