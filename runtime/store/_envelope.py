"""What is around everything stored: the format's version and a checksum.

One byte of version, four of CRC-32 (little-endian) over kind, version and body, then the body. The
kind goes into the checksum alone, so that a snapshot is not taken for a record.
"""

from __future__ import annotations

import struct
from typing import Literal
from zlib import crc32

from ._codec_errors import CorruptRecord, UnknownRecord

Kind = Literal["record", "snapshot"]

FORMAT = 1
_HEADER = struct.Struct("<BI")
HEADER_BYTES = _HEADER.size
_pack = _HEADER.pack
_KINDS: tuple[Kind, ...] = ("record", "snapshot")
_pack_plain = struct.Struct("<BBI").pack
_SEEDS: dict[Kind, int] = {kind: crc32(f"{kind} {FORMAT}".encode()) for kind in _KINDS}
_RECORD_SEED = _SEEDS["record"]


def seal(kind: Kind, body: bytes) -> bytes:
    """Put a body into its envelope."""
    return _pack(FORMAT, crc32(body, _SEEDS[kind])) + body


def seal_plain(body: bytes) -> bytes:
    """Put the body of a record into its envelope, and say before it that nothing is compressed.

    As `seal`, and `PLAIN` of `_compression` in front, made at once: a fifth of a record's cost.
    """
    return _pack_plain(0, FORMAT, crc32(body, _RECORD_SEED)) + body


def unseal(kind: Kind, data: bytes) -> bytes:
    """Take a body out of its envelope. Raises `CorruptRecord` and `UnknownRecord`."""
    if len(data) < _HEADER.size:
        raise CorruptRecord(kind, f"{len(data)} bytes are too few")
    version, checksum = _HEADER.unpack_from(data)
    if version != FORMAT:
        raise UnknownRecord(kind, f"its format is version {version}, known is {FORMAT}")
    body = data[_HEADER.size :]
    if checksum != crc32(body, _SEEDS[kind]):
        raise CorruptRecord(kind, "its checksum does not fit its content")
    return body
