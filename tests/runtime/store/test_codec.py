"""Turns as bytes: every message and every storable value comes back as it was, or is refused."""

from __future__ import annotations

import contextlib
import pickle
import struct
import threading
import zlib
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.actors import Query, Signal
from processengine.runtime.execution import Begin, Completed, Due, Lists
from processengine.runtime.execution._transition import HANDLERS
from processengine.runtime.store._codec import RECORDED, VALUES, Codec
from processengine.runtime.store._codec_errors import (
    CorruptRecord,
    UnknownRecord,
    UnstorableValue,
)
from processengine.runtime.store._envelope import seal
from processengine.runtime.store._forms import FORMS, OCCASIONAL
from processengine.runtime.store._value_types import ValueTypes

from ._samples import ERROR, EVERY_VALUE, SAMPLES, Legacy, Money, registered, same

CODEC = Codec(registered())
GOLDEN = Path(__file__).parent / "records_of_format_1.txt"


def carried(value: object, codec: Codec = CODEC) -> Any:
    """The value after it was stored and read."""
    data = codec.encode_record(0.0, Completed(1, 1, "out", value, 0, 0.0))
    message = codec.decode_record(data).message
    assert isinstance(message, Completed)
    return message.value


# Messages


def test_every_recorded_message_is_known_and_has_a_sample() -> None:
    recorded = {cls for cls in HANDLERS if cls.recorded}
    assert recorded == set(RECORDED)
    assert recorded == {type(sample) for sample in SAMPLES.values()}


@pytest.mark.parametrize("tag", SAMPLES)
def test_a_message_comes_back_as_it_was(tag: str) -> None:
    at, message = CODEC.decode_record(CODEC.encode_record(12.25, SAMPLES[tag]))
    assert at == 12.25
    assert type(message) is type(SAMPLES[tag])
    for name in message.__struct_fields__:
        assert same(getattr(message, name), getattr(SAMPLES[tag], name)), name


def test_every_field_of_any_type_is_packed() -> None:
    for cls in RECORDED:
        open_fields = [f.name for f in msgspec.structs.fields(cls) if "Any" in str(f.type)]
        assert open_fields == ([VALUES[cls][0]] if cls in VALUES else [])


def test_encoding_leaves_the_message_alone() -> None:
    value = [(1, 2)]
    message = Completed(1, 1, "out", value, 0, 0.0)
    CODEC.encode_record(0.0, message)
    assert message.value is value
    assert same(value, [(1, 2)])


def test_a_message_that_is_not_recorded_is_refused() -> None:
    with pytest.raises(TypeError, match="Query is not a recorded message"):
        CODEC.encode_record(0.0, Query())


@pytest.mark.parametrize("line", GOLDEN.read_text().splitlines())
def test_records_of_format_1_are_still_read(line: str) -> None:
    tag, text = line.split()
    at, message = CODEC.decode_record(bytes.fromhex(text))
    assert at == 12.25
    assert message == SAMPLES[tag]


def test_the_records_of_format_1_show_every_type() -> None:
    assert {line.split()[0] for line in GOLDEN.read_text().splitlines()} == set(SAMPLES)


# Values


@pytest.mark.parametrize("name", EVERY_VALUE)
def test_a_value_comes_back_with_its_exact_types(name: str) -> None:
    assert same(carried(EVERY_VALUE[name]), EVERY_VALUE[name])


def test_every_extension_has_a_number_of_its_own() -> None:
    codes = [form.code for form in (*FORMS.values(), *OCCASIONAL)]
    assert codes == list(range(1, 18))


def money(note: object) -> Money:
    made = Money(Decimal(1))
    object.__setattr__(made, "note", note)
    return made


KEYS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.text(st.characters(categories=("Cs", "L"))),
    st.binary(),
    st.floats(allow_nan=False),
    st.dates(),
    st.uuids(),
    st.timedeltas(),
    st.fractions().map(lambda fraction: Decimal(fraction.numerator)),
    st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=2))])),
)
HASHABLE = st.recursive(
    KEYS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner), max_leaves=5
)
ANYTHING = st.recursive(
    HASHABLE | st.floats() | st.decimals() | st.binary().map(bytearray) | st.sets(HASHABLE),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.dictionaries(HASHABLE, inner)
        | inner.map(money)
    ),
    max_leaves=20,
)


@given(value=ANYTHING)
def test_any_value_comes_back_with_its_exact_types(value: object) -> None:
    assert same(carried(value), value)


def test_what_is_set_after_init_comes_back() -> None:
    assert carried(money((1, 2))).note == (1, 2)


def test_a_value_that_cannot_be_stored_is_located() -> None:
    inputs = {"order": {"lines": [1, (2, threading.Lock())]}}
    with pytest.raises(UnstorableValue) as caught:
        CODEC.encode_record(0.0, Begin(inputs))
    assert caught.value.path == "inputs['order']['lines'][1][1]"
    assert caught.value.type == "_thread.lock"


@attrs.frozen
class Stranger:
    name: str


def test_a_type_that_is_not_registered_is_told_how_to_be() -> None:
    with pytest.raises(UnstorableValue, match=r"types\.register\(Stranger, 'stranger'\)"):
        carried({"who": Stranger("x")})


def test_a_field_that_cannot_be_stored_is_located() -> None:
    with pytest.raises(UnstorableValue) as caught:
        CODEC.encode_record(0.0, Signal("go", money(Stranger("x"))))
    assert caught.value.path == "payload['note']"


def test_a_subclass_of_a_builtin_type_is_not_taken_for_it() -> None:
    class Name(str):
        __slots__ = ()

    with pytest.raises(UnstorableValue, match="Name"):
        carried([Name("x")])


@pytest.mark.parametrize("depth", [500, 100_000])
def test_a_value_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    value: object = ()
    for _ in range(depth):
        value = (value,)
    with pytest.raises(UnstorableValue, match="nested too deeply"):
        carried(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(UnstorableValue, match="contains itself"):
        carried(value)


def test_names_that_are_not_unicode_are_refused() -> None:
    with pytest.raises(UnstorableValue, match="surrogates not allowed"):
        CODEC.encode_record(0.0, Signal("\udcff"))


def test_a_number_of_a_message_that_is_too_large_is_refused() -> None:
    with pytest.raises(UnstorableValue, match="can't serialize ints"):
        CODEC.encode_record(0.0, Due(2**64, 0.0))


# The host's types


def test_a_tag_and_a_type_are_registered_once() -> None:
    types = ValueTypes()
    types.register(Money, "money")
    with pytest.raises(ValueError, match="registered already"):
        types.register(Money, "other")
    with pytest.raises(ValueError, match="registered already"):
        types.register(Stranger, "money")


def test_a_class_without_declared_fields_needs_a_converter() -> None:
    with pytest.raises(TypeError, match="give a cattrs converter"):
        ValueTypes().register(Legacy, "legacy")


def test_a_type_that_is_registered_no_more_is_named() -> None:
    data = CODEC.encode_record(0.0, Lists(1, 1, [Money(Decimal(1))]))
    with pytest.raises(UnknownRecord, match="'money'"):
        Codec().decode_record(data)


def test_fields_may_come_and_go() -> None:
    @attrs.frozen
    class Newer:
        _currency: str
        since: date | None = None

    types = ValueTypes()
    types.register(Newer, "money")
    data = CODEC.encode_record(0.0, Lists(1, 1, [Money(Decimal(1), "USD")]))
    message = Codec(types).decode_record(data).message
    assert message == Lists(1, 1, [Newer("USD")])


def test_a_class_that_refuses_what_was_stored_is_named() -> None:
    @attrs.frozen
    class Newer:
        rate: float

    types = ValueTypes()
    types.register(Newer, "money")
    data = CODEC.encode_record(0.0, Lists(1, 1, [Money(Decimal(1))]))
    with pytest.raises(UnknownRecord, match=r"Newer \(tag 'money'\)"):
        Codec(types).decode_record(data)


# Damage

DATA = {tag: CODEC.encode_record(12.25, sample) for tag, sample in SAMPLES.items()}


@given(data=st.sampled_from(list(DATA.values())), share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_record_is_corrupt(data: bytes, share: float) -> None:
    with pytest.raises(CorruptRecord):
        CODEC.decode_record(data[: int(len(data) * share)])


@given(data=st.sampled_from(list(DATA.values())), share=st.floats(0, 1, exclude_max=True))
def test_one_flipped_bit_is_found(data: bytes, share: float) -> None:
    bit = int(len(data) * 8 * share)
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises((CorruptRecord, UnknownRecord)):
        CODEC.decode_record(bytes(flipped))


@given(data=st.binary())
def test_foreign_bytes_are_found(data: bytes) -> None:
    with pytest.raises((CorruptRecord, UnknownRecord)):
        CODEC.decode_record(data)


@given(body=st.binary(), cut=st.integers(0, 400), data=st.sampled_from(list(DATA.values())))
def test_nonsense_with_a_right_checksum_is_corrupt_or_read(
    body: bytes, cut: int, data: bytes
) -> None:
    for each in (body, data[5 : 5 + cut] + body):
        with contextlib.suppress(CorruptRecord, UnknownRecord):
            assert isinstance(CODEC.decode_record(seal("record", each)).message, RECORDED)


EXTENSIONS = st.builds(
    lambda code, plain: msgspec.msgpack.Ext(code, msgspec.msgpack.encode(plain)),
    st.integers(-128, 127),
    st.recursive(
        st.none() | st.integers(-9, 9) | st.text(max_size=3) | st.binary(max_size=3),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=2),
    ),
)


@given(value=EXTENSIONS)
def test_nonsense_in_an_extension_is_corrupt_or_unknown_or_read(value: object) -> None:
    body = msgspec.msgpack.encode(
        (0.0, {"type": "lists", "step": 1, "attempt": 1, "items": [value]})
    )
    with contextlib.suppress(CorruptRecord, UnknownRecord):
        CODEC.decode_record(seal("record", body))


def test_a_message_of_a_newer_version_is_unknown() -> None:
    body = msgspec.msgpack.encode((0.0, {"type": "teleport", "step": 1}))
    with pytest.raises(UnknownRecord, match="'teleport'"):
        CODEC.decode_record(seal("record", body))


def test_a_newer_format_is_unknown() -> None:
    data = struct.pack("<BI", 2, zlib.crc32(b"")) + b""
    with pytest.raises(UnknownRecord, match="version 2"):
        CODEC.decode_record(data)


def test_a_field_that_is_not_known_yet_is_passed_over() -> None:
    body = msgspec.msgpack.encode((0.0, {"type": "due", "step": 1, "due": 2.0, "colour": 3}))
    assert CODEC.decode_record(seal("record", body)).message == Due(1, 2.0)


def test_a_snapshot_is_not_taken_for_a_record() -> None:
    body = msgspec.msgpack.encode((0.0, {"type": "due", "step": 1, "due": 2.0}))
    with pytest.raises(CorruptRecord):
        CODEC.decode_record(seal("snapshot", body))


@pytest.mark.parametrize("kind", [CorruptRecord, UnknownRecord])
def test_an_error_tells_where_if_the_caller_knows(kind: type[CorruptRecord]) -> None:
    error = kind("record", "why").located("order-17", 4)
    assert str(error).startswith("record 4 of execution 'order-17' ")
    assert isinstance(error, kind)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.seq) == (str(error), 4)


def test_an_unstorable_value_can_be_pickled() -> None:
    error = UnstorableValue("value", "a.B", "do").inside("x")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_the_error_of_an_attempt_may_stand_in_the_memory() -> None:
    assert carried({"charge": ERROR}) == {"charge": ERROR}


def test_a_datetime_of_a_foreign_time_zone_is_refused() -> None:
    class Zone(timezone.__base__):  # type: ignore[misc,name-defined]
        pass

    with pytest.raises(UnstorableValue, match="zoneinfo"):
        carried(datetime(2026, 1, 1, tzinfo=Zone()))
