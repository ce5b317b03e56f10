"""What can be set for a runtime: the specification's names and defaults, and a few of our own."""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import attrs

from ..supervision import Retry
from ._errors import OptionError
from .definition import Durability
from .store import LARGEST

ENVIRONMENT_PREFIX = "PROCESSENGINE_"

_NOT_SO_LARGE = "a number below 2**63"


def _whole(default: int | None, least: int, most: float = LARGEST) -> Any:
    return attrs.field(
        default=default,
        validator=_check,
        metadata={
            "fits": functools.partial(_is_whole, least, most),
            "expects": f"a whole number from {least}",
            "optional": default is None,
        },
    )


def _seconds(default: float, optional: bool = False) -> Any:
    return attrs.field(
        default=default,
        validator=_check,
        metadata={
            "fits": _is_duration,
            "expects": "a number of seconds above 0",
            "optional": optional,
        },
    )


def _choice(default: str, choices: tuple[str, ...]) -> Any:
    return attrs.field(
        default=default,
        validator=_check,
        metadata={
            "fits": choices.__contains__,
            "expects": f"one of {', '.join(choices)}",
            "optional": False,
        },
    )


def _is_whole(least: int, most: float, value: object) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and least <= cast(int, value) <= most


def _is_duration(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 < value <= sys.float_info.max


def _check(options: object, field: attrs.Attribute[Any], value: object) -> None:
    meta = field.metadata
    if meta["fits"](value) or (value is None and meta["optional"]):
        return
    is_too_large = isinstance(value, int) and value > LARGEST
    expects = _NOT_SO_LARGE if is_too_large else meta["expects"]
    expects += " or None" if meta["optional"] else ""
    raise OptionError("options", {field.name: f"expected {expects}, got {value!r:.80}"})


@attrs.frozen(kw_only=True)
class Options:
    """Options of a runtime. Durations are in seconds unless the name says otherwise.

    From the specification: `max_concurrent_executions` (busy at once), `execution_timeout` (None:
    none), `default_max_retries` with `retry_initial_delay_ms` and `retry_max_delay_ms` (for nodes
    without a retry of their own), `max_memory_per_execution` (bytes),
    `thread_definition_cache_size_limit` (loaded definitions), with
    `thread_definition_cache_expiry` (since they were loaded) and
    `thread_definition_cache_sliding_expiry` (since their last use), `routing_cache_size_limit`
    (compiled definitions), with `routing_cache_expiry` (None of an expiry: never).

    Our own: `admission_queue_limit` (executions that may wait to begin), `worker_pool_size`
    (attempts at once; None: no bound), `cancel_grace` (for attempts to clean up in),
    `block_warning` (of the event loop being blocked; None: never), `alert_interval` (between two
    looks at what alerts watch),
    `mailbox_capacity` (user messages that may wait at one execution), `history_limit` (records kept
    of one execution; 0: none), `keep_ended` (outcomes kept for `get` and `result`), `seed` (of all
    randomness; None: new).

    With a store: `durability` (of processes that do not say themselves: `step`, `lazy` or `off`),
    `lazy_lag` (for which a turn of mode `lazy` may go unstored), `passivate_after` (of rest, before
    an execution leaves memory; None: never), and from the specification `state_retention_days` (of
    ended executions; None: for ever) and `state_cleanup_interval_minutes`.

    Raises `OptionError` for a value that does not fit.
    """

    max_concurrent_executions: int = _whole(100, 1)
    execution_timeout: float | None = _seconds(1800.0, optional=True)
    default_max_retries: int = _whole(3, 0)
    retry_initial_delay_ms: int = _whole(1000, 0)
    retry_max_delay_ms: int = _whole(30_000, 0)
    max_memory_per_execution: int = _whole(100 * 1024 * 1024, 1)
    thread_definition_cache_size_limit: int = _whole(1000, 1)
    thread_definition_cache_expiry: float | None = _seconds(3600.0, optional=True)
    thread_definition_cache_sliding_expiry: float | None = _seconds(600.0, optional=True)
    routing_cache_size_limit: int = _whole(500, 1)
    routing_cache_expiry: float | None = _seconds(3600.0, optional=True)
    admission_queue_limit: int = _whole(10_000, 0)
    worker_pool_size: int | None = _whole(None, 1)
    cancel_grace: float = _seconds(5.0)
    block_warning: float | None = _seconds(1.0, optional=True)
    alert_interval: float = _seconds(5.0)
    mailbox_capacity: int = _whole(10_000, 1)
    history_limit: int = _whole(10_000, 0)
    keep_ended: int = _whole(10_000, 0)
    seed: int | None = _whole(None, 0, math.inf)
    durability: Durability = _choice("step", ("step", "lazy", "off"))  # noqa: RUF009 - a field
    lazy_lag: float = _seconds(1.0)
    passivate_after: float | None = _seconds(60.0, optional=True)
    state_retention_days: float | None = _seconds(30.0, optional=True)
    state_cleanup_interval_minutes: float = _seconds(60.0)

    @property
    def retry(self) -> Retry:
        """The retry policy of nodes that have none of their own."""
        return Retry(
            attempts=self.default_max_retries + 1,
            initial=self.retry_initial_delay_ms / 1000,
            maximum=self.retry_max_delay_ms / 1000,
        )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str = "options") -> Options:
        """Build options from plain data; raises `OptionError` naming every option at fault."""
        return _structure(values, source, lambda _, value: value)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Options:
        """Build options from variables such as `PROCESSENGINE_CANCEL_GRACE=2.5` (empty: None)."""
        values = {
            name.removeprefix(ENVIRONMENT_PREFIX).lower(): text
            for name, text in environment.items()
            if name.startswith(ENVIRONMENT_PREFIX)
        }
        return _structure(values, "environment", _from_text)

    @classmethod
    def from_toml(cls, path: str | Path, table: str = "processengine") -> Options:
        """Build options from a table of a TOML file (of `[tool]` too, as in pyproject.toml)."""
        import tomllib

        try:
            data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OptionError(str(path), {"file": str(error)}) from error
        tools: Any = data.get("tool")
        places: list[Any] = [data, tools]
        for place in places:
            if isinstance(place, dict) and isinstance(found := cast(Any, place).get(table), dict):
                return cls.from_mapping(cast(dict[str, Any], found), f"{path} [{table}]")
        raise OptionError(str(path), {table: "expected a table of this name"})


def _from_text(type: Any, text: object) -> object:
    if text == "":
        return None
    if "Literal" in str(type):
        return text
    import cattrs  # nobody waits for it who gives options as arguments

    return cattrs.structure(text, float if "float" in str(type) else int)


def _structure(
    values: Mapping[str, Any], source: str, read: Callable[[Any, object], object]
) -> Options:
    known = {field.name: field for field in attrs.fields(Options)}
    faults: dict[str, str] = {}
    good: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            faults[name] = f"unknown option{_suggestion(name, known)}"
            continue
        try:
            good[name] = read(known[name].type, value)
            Options(**{name: good[name]})
        except OptionError as error:
            faults.update(error.faults)
        except ValueError:
            faults[name] = f"expected {known[name].metadata['expects']}, got {value!r:.80}"
    if faults:
        raise OptionError(source, faults)
    return Options(**good)


def _suggestion(name: str, known: Mapping[str, object]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {close[0]!r}?" if close else ""
