"""Codecs: one column's values to bytes and back. The encoder tries what suits the type and keeps what is smallest.

Bytes reach `decode` only after their checksum was found right, so it may trust their lengths.
"""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum

import msgpack
import numpy as np
from pcodec import ChunkConfig, standalone

from influxish.batch import object_array
from influxish.types import Array, DataType


class Codec(IntEnum):
    """How a block's bytes are to be read. The numbers are part of the file format."""

    RAW = 0  # little-endian values
    CONSTANT = 1  # one value, repeated
    PCO = 2  # pcodec's standalone format
    BITS = 3  # booleans, eight a byte
    DICTIONARY = 4  # distinct strings, and a code per value
    TEXT = 5  # strings one after another
    REGULAR = 6  # times from start, stop and count of each run: no bytes at all


_LENGTH = struct.Struct("<I")
_LEVEL = 8  # pcodec's own default; higher ones gain under 1 % on metrics


def encode(values: Array, type_: DataType) -> tuple[Codec, bytes]:
    """The values (n,), n > 0, all valid, as bytes."""
    if type_ is DataType.STRING:
        return _encode_strings(values.tolist())
    if type_ is DataType.BOOLEAN:
        if values.all() or not values.any():
            return Codec.CONSTANT, values[:1].tobytes()
        return Codec.BITS, np.packbits(values).tobytes()
    bits = np.ascontiguousarray(values).view(np.uint64)  # by bits: 0.0 and -0.0 are not the same value
    if (bits == bits[0]).all():
        return Codec.CONSTANT, values[:1].tobytes()
    compressed: bytes = standalone.simple_compress(np.ascontiguousarray(values), ChunkConfig(compression_level=_LEVEL))
    return (Codec.PCO, compressed) if len(compressed) < values.nbytes else (Codec.RAW, values.tobytes())


def decode(codec: int, data: bytes, count: int, type_: DataType) -> Array:
    """The `count` values that `encode` made `data` from; a numeric result may be read-only.

    Raises:
        ValueError: the bytes are not of that codec.
    """
    match codec:
        case Codec.RAW:
            return _exactly(np.frombuffer(data, type_.dtype), count)
        case Codec.CONSTANT if type_ is DataType.STRING:
            values = np.empty(count, object)
            values[:] = data.decode()
            return values
        case Codec.CONSTANT:
            return np.repeat(_exactly(np.frombuffer(data, type_.dtype), 1), count)
        case Codec.PCO:
            return _decode_numbers(data, count, type_.dtype)
        case Codec.BITS:
            return np.unpackbits(np.frombuffer(data, np.uint8), count=count).astype(np.bool_)
        case Codec.DICTIONARY:
            (size,) = _LENGTH.unpack_from(data)
            distinct = object_array(_decode_texts(data[_LENGTH.size : _LENGTH.size + size]))
            codes = _decode_numbers(data[_LENGTH.size + size :], count, np.dtype(np.uint32))
            return distinct[codes]
        case Codec.TEXT:
            return _exactly(object_array(_decode_texts(data)), count)
    raise ValueError(f"unknown codec {codec}")


def _encode_strings(values: list[str]) -> tuple[Codec, bytes]:
    codes: dict[str, int] = {}
    coded = np.fromiter((codes.setdefault(value, len(codes)) for value in values), np.uint32, len(values))
    if len(codes) == 1:
        return Codec.CONSTANT, values[0].encode()
    if len(codes) * 2 > len(values):
        return Codec.TEXT, _encode_texts(values)
    texts = _encode_texts(list(codes))
    return Codec.DICTIONARY, _LENGTH.pack(len(texts)) + texts + standalone.simple_compress(coded, ChunkConfig())


def _encode_texts(values: list[str]) -> bytes:
    packed: bytes = msgpack.packb(values)
    return zlib.compress(packed, 6)


def _decode_texts(data: bytes) -> list[str]:
    texts: list[str] = msgpack.unpackb(zlib.decompress(data), max_str_len=1 << 31, max_array_len=1 << 31)
    return texts


def _decode_numbers(data: bytes, count: int, dtype: np.dtype[np.generic]) -> Array:
    values = np.empty(count, dtype)
    try:
        progress = standalone.simple_decompress_into(data, values)
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    if progress.n_processed != count or not progress.finished:
        raise ValueError(f"expected {count} values, found {progress.n_processed}")
    return values


def _exactly(values: Array, count: int) -> Array:
    if len(values) != count:
        raise ValueError(f"expected {count} values, found {len(values)}")
    return values
