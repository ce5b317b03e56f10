"""What a process is: the model, the ways to write one down, its checks and its routing map.

Owns values only; it never runs a node. Start reading at `_model`, then `_builder` and `_routing`.
"""

from typing import TYPE_CHECKING

from .._later import later
from ._binding import Binding, function_name
from ._builder import NodeRef, PortRef, ProcessBuilder
from ._check import define, entry_points
from ._context import NodeContext
from ._errors import (
    BindingError,
    DefinitionError,
    ExpressionError,
    ExtraMissing,
    Fault,
    InputError,
)
from ._expressions import (
    Constant,
    Expression,
    FunctionExpression,
    Variable,
    expression_of,
    seconds,
    truth,
)
from ._inputs import check_inputs
from ._kinds import function_kind, is_async, join_of
from ._model import (
    ALL,
    ANY,
    EACH,
    ERROR,
    OUT,
    REJECTED,
    REQUIRED,
    TIMEOUT,
    Case,
    Connection,
    Delay,
    Durability,
    Each,
    End,
    EndName,
    Finding,
    Function,
    Input,
    InputType,
    Join,
    Kind,
    Node,
    Process,
    ProcessDefinition,
    Switch,
    Wait,
)
from ._owned import owned
from ._routing import Exit, RoutedNode, RoutingMap

if TYPE_CHECKING:
    from ._cel import CelExpression, cel
    from ._critical_path import critical_path
    from ._documents import Definitions, Types, definition_of, load_definition, parse_definition
    from ._dump import dump_definition
    from ._formats import SUFFIXES, Format, is_mapping, plain_data, plain_file
    from ._node_types import NodeType, NodeTypes
    from ._wfformat import RecordedTask, load_wfformat, recorded_durations
else:  # what is for documents and recordings only
    __getattr__ = later(
        __name__,
        {
            "._cel": (
                "CelExpression",
                "cel",
            ),
            "._critical_path": ("critical_path",),
            "._documents": (
                "Definitions",
                "Types",
                "definition_of",
                "load_definition",
                "parse_definition",
            ),
            "._dump": ("dump_definition",),
            "._formats": (
                "SUFFIXES",
                "Format",
                "is_mapping",
                "plain_data",
                "plain_file",
            ),
            "._node_types": (
                "NodeType",
                "NodeTypes",
            ),
            "._wfformat": (
                "RecordedTask",
                "load_wfformat",
                "recorded_durations",
            ),
        },
    )

__all__ = [
    "ALL",
    "ANY",
    "EACH",
    "ERROR",
    "OUT",
    "REJECTED",
    "REQUIRED",
    "SUFFIXES",
    "TIMEOUT",
    "Binding",
    "BindingError",
    "Case",
    "CelExpression",
    "Connection",
    "Constant",
    "DefinitionError",
    "Definitions",
    "Delay",
    "Durability",
    "Each",
    "End",
    "EndName",
    "Exit",
    "Expression",
    "ExpressionError",
    "ExtraMissing",
    "Fault",
    "Finding",
    "Format",
    "Function",
    "FunctionExpression",
    "Input",
    "InputError",
    "InputType",
    "Join",
    "Kind",
    "Node",
    "NodeContext",
    "NodeRef",
    "NodeType",
    "NodeTypes",
    "PortRef",
    "Process",
    "ProcessBuilder",
    "ProcessDefinition",
    "RecordedTask",
    "RoutedNode",
    "RoutingMap",
    "Switch",
    "Types",
    "Variable",
    "Wait",
    "cel",
    "check_inputs",
    "critical_path",
    "define",
    "definition_of",
    "dump_definition",
    "entry_points",
    "expression_of",
    "function_kind",
    "function_name",
    "is_async",
    "is_mapping",
    "join_of",
    "load_definition",
    "load_wfformat",
    "owned",
    "parse_definition",
    "plain_data",
    "plain_file",
    "recorded_durations",
    "seconds",
    "truth",
]
