"""What a node does when its turn comes: an act for every kind, ending in an outcome.

An act is awaited by a worker; it is the only place where anything is awaited on behalf of a node.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, Protocol

from ...actors import ProcessEngineError
from ...supervision import Hedge, NonRetryable, RetryLater
from ..definition import (
    OUT,
    BindingError,
    Delay,
    Each,
    End,
    ExpressionError,
    ExtraMissing,
    Function,
    InputError,
    Node,
    NodeContext,
    Process,
    RoutedNode,
    RoutingMap,
    Switch,
    Wait,
    check_inputs,
    owned,
    seconds,
    truth,
)
from ._current import CURRENT
from ._errors import NoCaseHolds, UnfitValue, UnknownPort
from ._hedge import race
from ._memory import check_memory
from ._out import Out
from ._records import (
    Calls,
    Chose,
    Completed,
    Delays,
    Ends,
    ErrorContext,
    Failed,
    Lists,
    Outcome,
    Waits,
)
from ._sizes import size_of
from ._state import ExecutionState, Token
from ._threads import run_in_process, run_in_thread


class Attempting(Protocol):
    """What an act may know of the execution it works for; it changes nothing there."""

    state: ExecutionState
    incarnation: int

    @property
    def id(self) -> str: ...
    def clock(self) -> float: ...
    def context(self, token: Token) -> NodeContext: ...
    def grace(self) -> float: ...
    def admits_hedge(self, token: Token) -> bool: ...


Act = Callable[[Attempting, Token], Awaitable[Outcome]]
Scope = Mapping[str, Any]


def compile_acts(routing: RoutingMap) -> tuple[Act, ...]:
    """One act for every node, by node number."""
    return tuple(_compile(node) for node in routing.nodes)


def _compile(node: RoutedNode) -> Act:
    return _COMPILERS[type(node.spec.kind)](node)


def _outside(execution: Attempting, token: Token) -> Scope:
    """The memory, and the error that the token brings from an error port."""
    memory = execution.state.memory
    return memory if token.error is None else {**memory, "error": token.error}


def _scope(node: Node, execution: Attempting, token: Token, item: str = "") -> Scope:
    """The variables an expression or a parameter is looked up in: as `_outside`, and what is local.

    The inputs of an each node are worked out for every item, so that they can read it.
    """
    outside = _outside(execution, token)
    if token.item is None and not node.inputs:
        return outside
    scope = dict(outside)
    if token.item is not None:
        scope[item] = token.item.value
    scope.update({name: given.evaluate(scope) for name, given in node.inputs.items()})
    return scope


def _compile_function(node: RoutedNode) -> Act:
    kind = node.spec.kind
    assert isinstance(kind, Function)
    return _function_act(node, kind, "")


def _compile_each(node: RoutedNode) -> Act:
    kind = node.spec.kind
    assert isinstance(kind, Each)
    body = _function_act(node, kind.body, kind.item)

    async def act(execution: Attempting, token: Token) -> Outcome:
        if token.item is not None:
            return await body(execution, token)
        items: Any = kind.items.evaluate(_outside(execution, token))
        if isinstance(items, _NO_LISTS) or not hasattr(items, "__iter__"):
            raise UnfitValue(node.name, "over", items, "a list of items")
        return Lists(token.step, token.attempt, list(items))

    return act


_NO_LISTS: tuple[type[Any], ...] = (str, bytes, Mapping)


def _function_act(node: RoutedNode, kind: Function, item: str) -> Act:
    run = _RUNNERS[kind.runs]
    binding, function, spec = kind.binding, kind.call, node.spec
    if spec.hedge is not None:
        run = _hedged(run, spec.hedge)

    async def act(execution: Attempting, token: Token) -> Outcome:
        started = execution.clock()
        scope = _scope(spec, execution, token, item)
        if binding.wants_context is not None:
            scope = {**scope, binding.wants_context: execution.context(token)}
        result = await run(functools.partial(binding.call, function, scope), execution, token)
        return completed(execution, token, result, started)

    return act


def completed(execution: Attempting, token: Token, result: object, started: float) -> Completed:
    """The outcome of a function that returned; raises if the port or the size is not allowed."""
    port, value = OUT, result
    if type(result) is Out:
        port, value = result.port, result.value
        if port not in token.node.spec.kind.ports:
            raise UnknownPort(token.node.name, port, token.node.spec.kind.ports)
    size = size_of(value)
    if size:
        check_memory(execution.state, {token.node.output: size})
    return Completed(token.step, token.attempt, port, value, size, started)


Call = Callable[[], Any]


async def _run_async(call: Call, execution: Attempting, token: Token) -> object:
    awaitable = call()
    if not isawaitable(awaitable):
        raise UnfitValue(token.node.name, "function", awaitable, "an awaitable (runs='async')")
    return await awaitable


async def _run_in_thread(call: Call, execution: Attempting, token: Token) -> object:
    context = execution.context(token)
    return await run_in_thread(functools.partial(_called_in, context, call), execution.grace())


def _called_in(context: NodeContext, call: Call) -> object:
    CURRENT.set(context)
    return call()


async def _run_in_process(call: Call, execution: Attempting, token: Token) -> object:
    return await run_in_process(call)


Runner = Callable[[Call, Attempting, Token], Awaitable[object]]

_RUNNERS: dict[str, Runner] = {
    "async": _run_async,
    "thread": _run_in_thread,
    "process": _run_in_process,
}


def _hedged(run: Runner, hedge: Hedge) -> Runner:
    async def run_hedged(call: Call, execution: Attempting, token: Token) -> object:
        make = functools.partial(run, call, execution, token)
        return await race(make, hedge, functools.partial(execution.admits_hedge, token))

    return run_hedged


def _compile_switch(node: RoutedNode) -> Act:
    kind = node.spec.kind
    assert isinstance(kind, Switch)

    async def act(execution: Attempting, token: Token) -> Outcome:
        scope = _scope(node.spec, execution, token)
        chosen: list[str] = []
        for case in kind.cases:
            if truth(case.when, case.when.evaluate(scope)):
                chosen.append(case.port)
                if kind.choose == "first":
                    break
        if not chosen and kind.default is None:
            raise NoCaseHolds(node.name, tuple(case.when.source for case in kind.cases))
        ports = tuple(dict.fromkeys(chosen)) or (kind.default or OUT,)
        return Chose(token.step, token.attempt, ports)

    return act


def _compile_delay(node: RoutedNode) -> Act:
    kind = node.spec.kind
    assert isinstance(kind, Delay)

    async def act(execution: Attempting, token: Token) -> Outcome:
        scope = _scope(node.spec, execution, token)
        length = seconds(kind.seconds, kind.seconds.evaluate(scope))
        return Delays(token.step, token.attempt, execution.clock() + length)

    return act


def _compile_wait(node: RoutedNode) -> Act:
    kind = node.spec.kind
    assert isinstance(kind, Wait)

    async def act(execution: Attempting, token: Token) -> Outcome:
        due = None
        if kind.timeout is not None:
            scope = _scope(node.spec, execution, token)
            due = execution.clock() + seconds(kind.timeout, kind.timeout.evaluate(scope))
        return Waits(token.step, token.attempt, due)

    return act


def _compile_process(node: RoutedNode) -> Act:
    kind = node.spec.kind
    assert isinstance(kind, Process)

    async def act(execution: Attempting, token: Token) -> Outcome:
        scope = _scope(node.spec, execution, token)
        given = check_inputs(kind.definition, {name: scope[name] for name in node.spec.inputs})
        inputs = {name: owned(value) for name, value in given.items()}
        again = f".{token.attempt}" if token.attempt > 1 else ""
        child = f"{execution.id}/{node.name}.{token.step}{again}"
        return Calls(token.step, token.attempt, child, inputs)

    return act


def _compile_end(node: RoutedNode) -> Act:
    async def act(execution: Attempting, token: Token) -> Outcome:
        return Ends(token.step, token.attempt)

    return act


_COMPILERS: dict[type, Callable[[RoutedNode], Act]] = {
    Function: _compile_function,
    Switch: _compile_switch,
    Delay: _compile_delay,
    Wait: _compile_wait,
    Each: _compile_each,
    Process: _compile_process,
    End: _compile_end,
}

_OURS = (NonRetryable, BindingError, ExpressionError, ExtraMissing, InputError)


def failed(
    token: Token, error: BaseException, now: float, draw: float, started: float | None = None
) -> Failed:
    """The outcome of an attempt that raised."""
    policy = token.node.retry
    retryable = isinstance(error, Exception) and not isinstance(error, _OURS)
    if retryable and policy is not None:
        assert isinstance(error, Exception)
        retryable = policy.is_retryable(error)
    context = error_context(token, error, now)
    after = error.after if isinstance(error, RetryLater) else None
    return Failed(token.step, token.attempt, context, retryable, draw, started, after)


def error_context(token: Token, error: BaseException, now: float) -> ErrorContext:
    """An exception as a value; the frames of the engine itself are left out."""
    name = _public_name(type(error))
    frames = tuple(
        (frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not frame.f_globals.get("__name__", "").startswith(_OWN_MODULES)
    )
    item = None if token.item is None else token.item.index
    return ErrorContext(
        token.node.name, token.step, token.attempt, name, _message(error), now, frames, item
    )


def _public_name(cls: type[BaseException]) -> str:
    """The name by which users know a class of exceptions: for ours, without our modules."""
    if cls.__module__ == "builtins":
        return cls.__qualname__
    is_ours = issubclass(cls, ProcessEngineError) and cls.__module__.startswith("processengine.")
    return f"{'processengine' if is_ours else cls.__module__}.{cls.__qualname__}"


_OWN_MODULES = ("processengine.actors", "processengine.runtime", "trio.")


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a user's exception whose __str__ is broken must not take the engine down
        return "<its message could not be formatted>"
