"""Compression of what is stored: a byte says how, so that what was written elsewhere can be read.

zstandard where it is installed (extra `zstd`), zlib elsewhere, and nothing where it does not pay.
What it saves is in `docs/decisions/0012-codec.md`.
"""

from __future__ import annotations

import functools
import importlib
import zlib
from collections.abc import Callable
from typing import Any, Final

from ._codec_errors import CorruptRecord, UnknownRecord

PLAIN: Final = b"\x00"
ZLIB: Final = b"\x01"
ZSTD: Final = b"\x02"

WORTH_IT = 1_000
"""Bytes below which nothing is compressed: at 1 kB a third is saved, at 200 bytes next to none."""

LARGEST = 256 * 2**20
"""Bytes that nothing stored is larger than, unless the caller allows it."""


def compress(data: bytes) -> bytes:
    """Make data smaller if that pays; one byte longer if not."""
    if len(data) < WORTH_IT:
        return PLAIN + data
    zstandard = _zstandard()
    if zstandard is None:
        small = ZLIB + zlib.compress(data, 1)
    else:
        small = ZSTD + zstandard.ZstdCompressor(level=3).compress(data)
    return small if len(small) <= len(data) else PLAIN + data


def decompress(data: bytes, limit: int = LARGEST) -> bytes:
    """The data that `compress` was given, of at most `limit` bytes.

    Raises `CorruptRecord` if it is larger, or damaged; `UnknownRecord` if it was compressed in a
    way that this program does not know. Takes no more memory than the limit in any case.
    """
    reader = _READERS.get(data[:1])
    if reader is None:
        raise _unknown(f"header {data[:1]!r}") if data else _corrupt("it is empty")
    plain = reader(data[1:], limit)
    if len(plain) > limit:
        raise _corrupt(f"it is larger than the limit of {limit} bytes")
    return plain


def _plain(data: bytes, limit: int) -> bytes:
    return data


def _inflated(data: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(data, limit + 1)
    except zlib.error as error:
        raise _corrupt(str(error)) from error
    if len(plain) <= limit and (not inflater.eof or inflater.unused_data):
        raise _corrupt("it is not one whole zlib stream")
    return plain


@functools.cache
def _zstandard() -> Any:
    """The module, when it is first needed; None if it is not installed."""
    try:
        return importlib.import_module("zstandard")
    except ImportError:
        return None


def _unzstd(data: bytes, limit: int) -> bytes:
    zstandard = _zstandard()
    if zstandard is None:
        raise _unknown("zstandard, which is not installed: pip install processengine[zstd]")
    try:
        size = zstandard.frame_content_size(data)
        if size < 0 or size > limit:
            raise _corrupt(f"it declares {size} bytes, the limit is {limit}")
        plain: bytes = zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise _corrupt(str(error)) from error
    return plain


_READERS: dict[bytes, Callable[[bytes, int], bytes]] = {
    PLAIN: _plain,
    ZLIB: _inflated,
    ZSTD: _unzstd,
}


def _corrupt(why: str) -> CorruptRecord:
    return CorruptRecord("compressed data", why)


def _unknown(how: str) -> UnknownRecord:
    return UnknownRecord("compressed data", f"it was compressed with {how}")
