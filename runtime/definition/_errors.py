"""What can be wrong with a definition, and with binding it to a memory."""

from enum import Enum

import attrs

from ...actors import ProcessEngineError


class Unshown(Enum):
    """Stands in a fault for a value that is not there, or that is too much to show."""

    NOTHING = "nothing"
    MORE = "more"

    def __repr__(self) -> str:
        return self.value


NOTHING, MORE = Unshown.NOTHING, Unshown.MORE


@attrs.frozen
class Fault:
    """One thing wrong: its place (`nodes.charge.timeout`), the value there, what was expected."""

    place: str
    value: object
    expected: str

    def __str__(self) -> str:
        return f"{self.place}: expected {self.expected}, got {self.value!r:.120}"


@attrs.define(eq=False, repr=False, str=False)
class DefinitionError(ProcessEngineError):
    """A definition cannot be used; `faults` lists everything wrong with it, not only the first."""

    definition: str
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        return _listed(self.definition, self.faults)


@attrs.define(eq=False, repr=False, str=False)
class BindingError(ProcessEngineError):
    """A parameter of a node function has no value, or one that does not fit; never retried."""

    function: str
    parameter: str
    detail: str

    def __str__(self) -> str:
        return f"parameter {self.parameter!r} of {self.function}: {self.detail}"


@attrs.define(eq=False, repr=False, str=False)
class ExpressionError(ProcessEngineError):
    """An expression has no value for this memory; its node fails, and may be retried."""

    expression: str
    detail: str

    def __str__(self) -> str:
        return f"expression {self.expression!r}: {self.detail}"


@attrs.define(eq=False, repr=False, str=False)
class InputError(ProcessEngineError):
    """An execution was given other variables than its definition declares, and did not start."""

    definition: str
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        return _listed(f"inputs of {self.definition}", self.faults)


@attrs.define(eq=False, repr=False, str=False)
class ExtraMissing(ProcessEngineError):
    """An optional package is not installed; the message says what to install."""

    extra: str
    package: str
    purpose: str

    def __str__(self) -> str:
        return (
            f"{self.purpose} needs the package {self.package}:"
            f" pip install 'processengine[{self.extra}]'"
        )


def _listed(heading: str, faults: tuple[Fault, ...]) -> str:
    lines = "".join(f"\n  {fault}" for fault in faults)
    return f"{heading}: {len(faults)} fault{'s' if len(faults) != 1 else ''}{lines}"
