import contextlib
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.actors import ProcessEngineError
from processengine.runtime.definition import DefinitionError, ExtraMissing, Format
from processengine.runtime.definition._formats import plain_data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("12", 12),
        ("-12", -12),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("2024-01-31", "2024-01-31"),
        ('"12"', "12"),
        ("'true'", "true"),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("text", "text"),
        ("=", "="),
        ("|\n  two\n  lines", "two\nlines"),
    ],
)
def test_yaml_is_read_by_its_core_schema(text: str, value: object) -> None:
    found = plain_data(f"x: {text}", "yaml", "test")["x"]
    assert found == value
    assert type(found) is type(value)


def test_yaml_keys_may_be_words_that_mean_something_elsewhere() -> None:
    assert plain_data("on: {error: a}\ny: 1", "yaml", "test") == {"on": {"error": "a"}, "y": 1}


def test_yaml_aliases_repeat_a_value() -> None:
    text = "patient: &patient {attempts: 9}\na: *patient\nb: [*patient, &two 2, *two]"
    assert plain_data(text, "yaml", "test") == {
        "patient": {"attempts": 9},
        "a": {"attempts": 9},
        "b": [{"attempts": 9}, 2, 2],
    }


@pytest.mark.parametrize(
    "text", ["x: !!binary aGk=", "x: !!set {a}", "x: !point [1]", "? [a]\n: 1", "? {a: 1}\n: 1"]
)
def test_yaml_beyond_plain_data_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError, match=r"line 1, column \d+: expected YAML"):
        plain_data(text, "yaml", "test")


def test_an_alias_as_a_key_must_be_text() -> None:
    assert plain_data("a: &k word\n*k : 1", "yaml", "test") == {"a": "word", "word": 1}
    with pytest.raises(DefinitionError, match="text as a key"):
        plain_data("a: &k [1]\n*k : 1", "yaml", "test")


def test_a_missing_yaml_package_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ExtraMissing) as caught:
        plain_data("a: 1", "yaml", "test")
    assert str(caught.value) == (
        "a YAML document needs the package pyyaml: pip install 'processengine[documents]'"
    )


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("json", '{"a": {"b": 1, "c": 2, "b": 3}}'),
        ("yaml", "a: {b: 1, c: 2, b: 3}"),
    ],
)
def test_a_key_that_comes_twice_is_placed(format: Format, text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        plain_data(text, format, "test")
    assert str(caught.value) == "test: 1 fault\n  a: expected each key once, got 'b'"


@given(st.text(), st.sampled_from(["json", "toml", "yaml"]))
def test_no_text_makes_a_reader_fail_in_any_other_way(text: str, format: Format) -> None:
    with contextlib.suppress(ProcessEngineError):
        plain_data(text, format, "test")


SNIPPETS = [
    "[",
    "]",
    "{",
    "}",
    ":",
    " ",
    "\n",
    "- ",
    "a",
    "'",
    '"',
    "&x ",
    "*x",
    "#",
    "|",
    "1",
    "? ",
]


@given(st.lists(st.sampled_from(SNIPPETS), max_size=30).map("".join))
def test_nothing_like_yaml_makes_its_reader_fail_in_any_other_way(text: str) -> None:
    with contextlib.suppress(ProcessEngineError):
        plain_data(text, "yaml", "test")


TEXT = st.text(st.characters(codec="utf-8"))
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
PLAIN = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20
)


@given(PLAIN)
def test_plain_data_in_json_is_read_as_it_was(data: Any) -> None:
    assert plain_data(json.dumps(data), "json", "test") == data
