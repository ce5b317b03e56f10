"""Options: the specification's defaults, three ways in, and what is said about bad ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import processengine as pe


def test_defaults_are_those_of_the_specification() -> None:
    options = pe.Options()
    assert options.max_concurrent_executions == 100
    assert options.execution_timeout == 30 * 60
    assert options.default_max_retries == 3
    assert options.retry_initial_delay_ms == 1000
    assert options.retry_max_delay_ms == 30_000
    assert options.max_memory_per_execution == 100 * 1024 * 1024
    assert options.thread_definition_cache_size_limit == 1000
    assert options.thread_definition_cache_expiry == 60 * 60
    assert options.thread_definition_cache_sliding_expiry == 10 * 60
    assert options.routing_cache_size_limit == 500
    assert options.routing_cache_expiry == 60 * 60


def test_the_default_retry_counts_the_first_try_as_an_attempt() -> None:
    assert pe.Options().retry == pe.Retry(attempts=4, initial=1.0, maximum=30.0)


def test_options_come_from_a_mapping() -> None:
    options = pe.Options.from_mapping({"cancel_grace": 2, "worker_pool_size": 8})
    assert options == pe.Options(cancel_grace=2, worker_pool_size=8)


def test_options_come_from_the_environment() -> None:
    environment = {
        "PROCESSENGINE_MAX_CONCURRENT_EXECUTIONS": "7",
        "PROCESSENGINE_CANCEL_GRACE": "2.5",
        "PROCESSENGINE_EXECUTION_TIMEOUT": "",
        "HOME": "/nowhere",
    }
    assert pe.Options.from_environment(environment) == pe.Options(
        max_concurrent_executions=7, cancel_grace=2.5, execution_timeout=None
    )


@pytest.mark.parametrize(
    "text",
    ["[processengine]\nkeep_ended = 5\n", "[tool.processengine]\nkeep_ended = 5\n"],
    ids=["own table", "tool table"],
)
def test_options_come_from_a_toml_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    assert pe.Options.from_toml(path) == pe.Options(keep_ended=5)


BAD: list[tuple[dict[str, Any], str]] = [
    (
        {"max_concurrent_executions": 0},
        "max_concurrent_executions: expected a whole number from 1, got 0",
    ),
    (
        {"max_concurrent_executions": "many"},
        "max_concurrent_executions: expected a whole number from 1, got 'many'",
    ),
    (
        {"max_concurrent_executions": True},
        "max_concurrent_executions: expected a whole number from 1, got True",
    ),
    (
        {"max_concurrent_executions": None},
        "max_concurrent_executions: expected a whole number from 1, got None",
    ),
    (
        {"execution_timeout": -1},
        "execution_timeout: expected a number of seconds above 0 or None, got -1",
    ),
    (
        {"execution_timeout": float("nan")},
        "execution_timeout: expected a number of seconds above 0 or None, got nan",
    ),
    (
        {"execution_timeout": "30 min"},
        "execution_timeout: expected a number of seconds above 0 or None, got '30 min'",
    ),
    (
        {"cancel_grace": 0},
        "cancel_grace: expected a number of seconds above 0, got 0",
    ),
    (
        {"cancel_grace": float("inf")},
        "cancel_grace: expected a number of seconds above 0, got inf",
    ),
    (
        {"default_max_retries": -1},
        "default_max_retries: expected a whole number from 0, got -1",
    ),
    (
        {"default_max_retries": 1.5},
        "default_max_retries: expected a whole number from 0, got 1.5",
    ),
    (
        {"default_max_retries": 2**63},
        "default_max_retries: expected a number below 2**63, got 9223372036854775808",
    ),
    (
        {"worker_pool_size": 10**20},
        "worker_pool_size: expected a number below 2**63 or None, got 100000000000000000000",
    ),
    (
        {"state_retention_days": 10**400},
        f"state_retention_days: expected a number below 2**63 or None, got 1{79 * '0'}",
    ),
    (
        {"worker_pool_size": 0},
        "worker_pool_size: expected a whole number from 1 or None, got 0",
    ),
    (
        {"history_limit": [1]},
        "history_limit: expected a whole number from 0, got [1]",
    ),
    (
        {"seed": "lucky"},
        "seed: expected a whole number from 0 or None, got 'lucky'",
    ),
    (
        {"max_concurent_executions": 5},
        "max_concurent_executions: unknown option; did you mean 'max_concurrent_executions'?",
    ),
    ({"colour": "red"}, "colour: unknown option"),
]


@pytest.mark.parametrize(("values", "message"), BAD, ids=[line for _, line in BAD])
def test_a_bad_option_is_named_with_its_value_and_what_was_expected(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(pe.OptionError) as caught:
        pe.Options.from_mapping(values)
    assert str(caught.value) == f"options: 1 bad option\n  {message}"


def test_all_bad_options_are_told_at_once() -> None:
    with pytest.raises(pe.OptionError) as caught:
        pe.Options.from_mapping({"cancel_grace": 0, "colour": 1, "keep_ended": 3, "seed": -1})
    assert list(caught.value.faults) == ["cancel_grace", "colour", "seed"]
    assert str(caught.value).startswith("options: 3 bad options\n")


def test_the_constructor_checks_too() -> None:
    with pytest.raises(pe.OptionError, match="keep_ended: expected a whole number from 0, got -1"):
        pe.Options(keep_ended=-1)


def test_text_from_the_environment_that_is_no_number_is_told() -> None:
    with pytest.raises(pe.OptionError) as caught:
        pe.Options.from_environment({"PROCESSENGINE_CANCEL_GRACE": "soon"})
    assert str(caught.value) == (
        "environment: 1 bad option\n"
        "  cancel_grace: expected a number of seconds above 0, got 'soon'"
    )


def test_an_unknown_variable_of_the_environment_is_told() -> None:
    with pytest.raises(pe.OptionError, match="cancel_grce: unknown option; did you mean 'cancel_"):
        pe.Options.from_environment({"PROCESSENGINE_CANCEL_GRCE": "1"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keep_ended = 5\n", "processengine: expected a table of this name"),
        ("[processengine]\nkeep_ended = 'x'\n", "keep_ended: expected a whole number from 0"),
        ("[processengine\n", "file: "),
    ],
    ids=["no table", "bad value", "bad toml"],
)
def test_a_bad_toml_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(pe.OptionError) as caught:
        pe.Options.from_toml(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_a_missing_toml_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(pe.OptionError, match=r"nowhere\.toml: 1 bad option"):
        pe.Options.from_toml(tmp_path / "nowhere.toml")


def test_open_runtime_takes_single_options_and_checks_them() -> None:
    assert pe.open_runtime(pe.Options(keep_ended=5), seed=3).options == pe.Options(
        keep_ended=5, seed=3
    )
    with pytest.raises(pe.OptionError, match="sed: unknown option; did you mean 'seed'"):
        pe.open_runtime(sed=3)
