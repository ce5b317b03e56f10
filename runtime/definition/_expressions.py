"""Values that a node works out from the memory when it runs: constants, variables, functions, CEL.

CEL itself is in `_cel`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

import attrs

from ._binding import Binding
from ._errors import ExpressionError


class Expression(ABC):
    """A value computed from the variables of an execution; free of side effects."""

    is_strict: ClassVar[bool] = False  # whether a condition must be true or false and nothing else

    @property
    @abstractmethod
    def source(self) -> str:
        """What a reader would call it: the text of the expression or the name of the function."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The variables it cannot do without, as far as they can be told beforehand."""
        return ()

    @abstractmethod
    def evaluate(self, scope: Mapping[str, object]) -> object:
        """Compute the value; raises what the expression raises, for its node to fail with."""

    def holds(self, scope: Mapping[str, object]) -> bool:
        """Whether the value, taken as a condition, is true."""
        return bool(self.evaluate(scope))


@attrs.frozen
class Constant(Expression):
    """The same value every time."""

    value: object

    @property
    def source(self) -> str:
        return repr(self.value)

    def evaluate(self, scope: Mapping[str, object]) -> object:
        return self.value


@attrs.frozen
class Variable(Expression):
    """The value of one variable."""

    name: str

    @property
    def source(self) -> str:
        return self.name

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.name,)

    def evaluate(self, scope: Mapping[str, object]) -> object:
        try:
            return scope[self.name]
        except KeyError:
            raise missing_variable(self.name, self.name, scope) from None


@attrs.frozen
class FunctionExpression(Expression):
    """A plain function whose parameters are bound by name, as those of a node function are."""

    function: Callable[..., object]
    binding: Binding = attrs.field(repr=False)

    @property
    def source(self) -> str:
        return self.binding.function_name

    @property
    def reads(self) -> tuple[str, ...]:
        return self.binding.required

    def evaluate(self, scope: Mapping[str, object]) -> object:
        return self.binding.call(self.function, scope)


def expression_of(value: Any) -> Expression:
    """Take an expression as it is, wrap a function, and hold anything else constant."""
    if isinstance(value, Expression):
        return value
    if callable(value):
        return FunctionExpression(value, Binding.of(value))
    return Constant(value)


def truth(expression: Expression, value: object) -> bool:
    """Whether a condition that gave `value` holds.

    What a Python function returns counts as Python counts it; CEL must give true or false, else
    `ExpressionError` is raised.
    """
    if expression.is_strict and not isinstance(value, bool):
        detail = f"a condition must be true or false, not {value!r:.100}"
        raise ExpressionError(expression.source, detail)
    return bool(value)


def seconds(expression: Expression, value: object) -> float:
    """The length of time behind `value`: a number of seconds from 0, or a `timedelta`.

    Raises `ExpressionError` for anything else.
    """
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf:
        return value
    detail = f"a length of time must be a number of seconds from 0, not {value!r:.100}"
    raise ExpressionError(expression.source, detail)


def missing_variable(source: str, name: str, scope: Mapping[str, object]) -> ExpressionError:
    """The error of an expression that read a variable which is not there."""
    present = ", ".join(sorted(scope)) or "no variables"
    return ExpressionError(source, f"there is no variable {name!r}; the memory has {present}")
