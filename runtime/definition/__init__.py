"""What a process is: the model, the ways to write one down, its checks and its routing map.

Owns values only; it never runs a node. Start reading at `_model`, then `_builder` and `_routing`.
"""

from ._binding import Binding, function_name
from ._builder import NodeRef, PortRef, ProcessBuilder, function_kind, join_of
from ._check import define, entry_points, faults_of
from ._context import NodeContext
from ._errors import BindingError, DefinitionError, Fault
from ._expressions import Constant, Expression, FunctionExpression, Variable, expression_of
from ._model import (
    ALL,
    ANY,
    EACH,
    ERROR,
    OUT,
    TIMEOUT,
    Case,
    Connection,
    Delay,
    Each,
    End,
    Finding,
    Function,
    Join,
    Kind,
    Node,
    Process,
    ProcessDefinition,
    Switch,
    Wait,
)
from ._routing import Exit, RoutedNode, RoutingMap

__all__ = [
    "ALL",
    "ANY",
    "EACH",
    "ERROR",
    "OUT",
    "TIMEOUT",
    "Binding",
    "BindingError",
    "Case",
    "Connection",
    "Constant",
    "DefinitionError",
    "Delay",
    "Each",
    "End",
    "Exit",
    "Expression",
    "Fault",
    "Finding",
    "Function",
    "FunctionExpression",
    "Join",
    "Kind",
    "Node",
    "NodeContext",
    "NodeRef",
    "PortRef",
    "Process",
    "ProcessBuilder",
    "ProcessDefinition",
    "RoutedNode",
    "RoutingMap",
    "Switch",
    "Variable",
    "Wait",
    "define",
    "entry_points",
    "expression_of",
    "faults_of",
    "function_kind",
    "function_name",
    "join_of",
]
