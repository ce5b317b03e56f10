"""Compression: never larger by more than a byte, never trusted with the memory."""

from __future__ import annotations

import contextlib
import zlib
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.actors import Update
from processengine.runtime.store._codec import Codec
from processengine.runtime.store._codec_errors import CorruptRecord, UnknownRecord
from processengine.runtime.store._compression import (
    PLAIN,
    WORTH_IT,
    ZLIB,
    ZSTD,
    compress,
    decompress,
)

from ._samples import registered

TEXT = b"an order, a receipt, an invoice; " * 100
WAYS = ["zlib"] if find_spec("zstandard") is None else ["zstd", "zlib"]


@pytest.fixture(autouse=True, params=WAYS)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "zlib":
        monkeypatch.setattr("processengine.runtime.store._compression._zstandard", lambda: None)


def test_small_data_is_left_alone() -> None:
    data = b"x" * (WORTH_IT - 1)
    assert compress(data) == PLAIN + data


def test_large_data_becomes_smaller_and_comes_back() -> None:
    assert len(compress(TEXT)) < len(TEXT) / 10
    assert decompress(compress(TEXT)) == TEXT


def test_data_that_does_not_become_smaller_is_left_alone() -> None:
    data = zlib.compress(b"".join(zlib.compress(bytes([n])) for n in range(256)), 9)
    data = data * (1 + WORTH_IT // len(data)) if len(data) < WORTH_IT else data
    assert len(compress(data)) <= len(data) + 1
    assert decompress(compress(data)) == data


@given(data=st.binary(max_size=3_000))
def test_any_data_comes_back(data: bytes) -> None:
    assert decompress(compress(data), limit=3_000) == data
    assert len(compress(data)) <= len(data) + 1


@pytest.mark.parametrize("bomb", [ZLIB + zlib.compress(bytes(10**7)), PLAIN + bytes(101)])
def test_what_is_larger_than_the_limit_is_refused(bomb: bytes) -> None:
    with pytest.raises(CorruptRecord, match="limit of 100 bytes"):
        decompress(bomb, limit=100)


def test_a_bomb_of_our_own_making_is_refused() -> None:
    bomb = compress(bytes(10**7))
    with pytest.raises(CorruptRecord, match="limit"):
        decompress(bomb, limit=10**7 - 1)
    assert len(decompress(bomb, limit=10**7)) == 10**7


def test_an_unknown_header_is_unknown() -> None:
    with pytest.raises(UnknownRecord, match="header"):
        decompress(b"\x09abc")


def test_no_data_is_corrupt() -> None:
    with pytest.raises(CorruptRecord, match="empty"):
        decompress(b"")


def test_zstandard_data_names_the_extra_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("processengine.runtime.store._compression._zstandard", lambda: None)
    with pytest.raises(UnknownRecord, match=r"processengine\[zstd\]"):
        decompress(ZSTD + b"abc")


@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated_data_is_corrupt(share: float) -> None:
    data = compress(TEXT)
    with pytest.raises(CorruptRecord):
        decompress(data[: int(len(data) * share)])


@given(data=st.binary())
def test_foreign_data_is_read_or_found(data: bytes) -> None:
    for header in (b"", PLAIN, ZLIB, ZSTD):
        with contextlib.suppress(CorruptRecord, UnknownRecord):
            assert len(decompress(header + data, limit=10_000)) <= 10_000


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_flipped_bit_in_a_compressed_record_is_found_or_means_nothing(share: float) -> None:
    # The last byte of a zlib stream has bits that nobody reads.
    codec = Codec(registered())
    message = Update({"text": TEXT.decode()})
    data = bytearray(compress(codec.encode_record(0.0, message)))
    bit = int(len(data) * 8 * share)
    data[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(CorruptRecord, UnknownRecord):
        assert codec.decode_record(decompress(bytes(data))) == (0.0, message)
