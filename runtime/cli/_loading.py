"""From the file that was named to a definition, with functions or with placeholders for them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from types import ModuleType

import attrs

from ..definition import (
    DefinitionError,
    NodeType,
    NodeTypes,
    ProcessDefinition,
    function_kind,
    load_definition,
)
from ._misuse import Misuse

SUFFIXES = (".json", ".toml", ".yaml", ".yml")


def load(file: str, modules: Sequence[str]) -> ProcessDefinition:
    """The definition in a file, its functions taken from these modules and those it names itself.

    Raises `Misuse` for modules that cannot be imported, `DefinitionError` for what they or the file
    hold.
    """
    return _Shelf(types_of(modules, "--nodes", Path())).load(file)


def load_with_types(file: str, modules: Sequence[str]) -> tuple[ProcessDefinition, NodeTypes]:
    """As `load`, and all functions that the files on the way were read with."""
    shelf = _Shelf(types_of(modules, "--nodes", Path()))
    return shelf.load(file), shelf.types


def load_to_draw(file: str, modules: Sequence[str]) -> ProcessDefinition:
    """The definition in a file; without modules, functions and their ports are taken on trust."""
    return load(file, modules) if modules else _Shelf(_Placeholders()).load_on_trust(file)


def types_of(modules: Sequence[str], named_by: str, folder: Path) -> NodeTypes:
    """The functions of all these modules; paths of files begin at `folder`."""
    found = [NodeTypes.of_module(_module(name, named_by, folder)) for name in modules]
    return reduce(NodeTypes.merged, found, NodeTypes())


class _Shelf:
    """Loads files; a definition that one names by id is looked for in the files beside it."""

    def __init__(self, types: NodeTypes) -> None:
        self._types = types
        self._open: list[Path] = []
        self.types: NodeTypes = types

    def load(self, file: str | Path) -> ProcessDefinition:
        path = Path(file)
        if path.is_dir():
            raise Misuse(f"{file}: is a folder; name a file in it")
        if not path.is_file():
            raise Misuse(f"{file}: there is no such file")
        self._open.append(path)
        try:
            return load_definition(file, self._types_for(path), definitions=self._beside(path))
        except DefinitionError as error:
            raise _hinted(error) from None
        finally:
            self._open.pop()

    def _types_for(self, path: Path) -> NodeTypes | Callable[[Sequence[str]], NodeTypes]:
        if isinstance(self._types, _Placeholders):
            return self._types

        def types(modules: Sequence[str]) -> NodeTypes:
            own = types_of(modules, f"{path}: modules:", path.parent)
            self.types = self.types.merged(own)
            return self._types.merged(own)

        return types

    def _beside(self, path: Path) -> Callable[[str, int | None], ProcessDefinition | None]:
        def find(id: str, version: int | None) -> ProcessDefinition | None:
            for suffix in SUFFIXES:
                file = path.with_name(id + suffix)
                if file.is_file() and file not in self._open:
                    return self.load(file)
            return None

        return find

    def load_on_trust(self, file: str) -> ProcessDefinition:
        """Load again, with the ports that were missed, for as long as there are new ones."""
        while True:
            try:
                return self.load(file)
            except DefinitionError as error:
                missed = {fault.value for fault in error.faults if isinstance(fault.value, str)}
                if not isinstance(self._types, _Placeholders) or not self._types.learn(missed):
                    raise


@attrs.define(eq=False, repr=False, str=False)
class FunctionsMissing(DefinitionError):
    """A document names functions, and nobody has said where they are."""

    def __str__(self) -> str:
        hint = "say where the functions are: --nodes MODULE, or `modules` in the file"
        return f"{DefinitionError.__str__(self)}\n  {hint}"


_NO_TYPES = NodeTypes().expectation(None)


def _hinted(error: DefinitionError) -> DefinitionError:
    """The error, with a word about `--nodes` where there are no functions to be had at all."""
    if any(fault.expected == _NO_TYPES for fault in error.faults):
        return FunctionsMissing(error.definition, error.faults)
    return error


class _Placeholders(NodeTypes):
    """Knows a function by any name, with all the ports that anything was found to leave by."""

    def __init__(self) -> None:
        super().__init__()
        self._ports: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return True

    def learn(self, ports: set[str]) -> bool:
        """Offer these ports too; whether any is new."""
        new = sorted(ports - {*self._ports, "out", "error", "rejected"})
        self._ports += tuple(new)
        return bool(new)

    def find(self, name: str) -> NodeType:
        def placeholder() -> None: ...

        placeholder.__name__ = placeholder.__qualname__ = name
        return NodeType(name, function_kind(placeholder, None, self._ports))

    def find_error(self, name: str) -> type[Exception]:
        return super().find_error(name) or Exception


def _module(name: str, named_by: str, folder: Path) -> ModuleType:
    try:
        return _module_of_file(folder / name) if name.endswith(".py") else _module_of_name(name)
    except _NoSuchModule as error:
        raise Misuse(f"{named_by} {name}: {error}") from None
    except SyntaxError as error:
        place = f"{error.filename}, line {error.lineno}"
        raise Misuse(f"{named_by} {name}: {error.msg} ({place})") from error
    except (Exception, SystemExit) as error:  # whatever a module does when it is imported
        last = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error}"
        place = f"{last.filename}, line {last.lineno}"
        raise Misuse(f"{named_by} {name}: {what} ({place})") from error


class _NoSuchModule(Exception):
    """There is nothing to import."""


def _module_of_name(name: str) -> ModuleType:
    _look_in(Path.cwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise _NoSuchModule(f"there is no module {error.name!r}") from None


def _module_of_file(file: Path) -> ModuleType:
    """Run a file as a module of its name, so that worker processes find its functions again."""
    if not file.is_file():
        raise _NoSuchModule("there is no such file")
    file = file.resolve()
    for known in tuple(sys.modules.values()):
        if getattr(known, "__file__", None) == str(file):
            return known
    _look_in(file.parent)
    name = file.stem if file.stem not in sys.modules else f"nodes_of_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _look_in(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
