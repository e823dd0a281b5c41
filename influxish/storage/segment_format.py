"""The layout of a segment file: magic, version and the fixed-size records of its index.

    header   16 bytes: magic, version, checksum
    blocks   one per column of each row group, and one of times where they are not regular; addressed by the index
    index    three arrays of records: row groups, columns, runs; each starts at a multiple of 8 bytes
    footer   MessagePack: names of measurements and fields, and where the arrays lie, with checksums
    trailer  24 bytes: offset, length and checksum of the footer, a checksum of these, and the magic again

A measurement's row groups are neighbours, a row group's columns and runs are neighbours, so ranges address them.
"""

from __future__ import annotations

import struct

import numpy as np

from influxish.types import DataType

MAGIC = b"IFXsegm\n"
VERSION = 1

TRAILER = struct.Struct("<QIII4s")
TRAILER_MAGIC = b"IFXe"

ROW_GROUP = np.dtype(
    [
        ("rows", "<u4"),
        ("runs", "<u4"),
        ("first_run", "<u8"),
        ("first_column", "<u8"),
        ("columns", "<u4"),
        ("time_codec", "<u4"),
        ("time_offset", "<u8"),
        ("time_length", "<u4"),
        ("time_checksum", "<u4"),
        ("min_time", "<i8"),
        ("max_time", "<i8"),
    ]
)
"""One row group. Times are ns; offsets and lengths are bytes."""

COLUMN = np.dtype(
    [
        ("field", "<u4"),
        ("type", "u1"),
        ("codec", "u1"),
        ("reserved", "<u2"),
        ("offset", "<u8"),
        ("length", "<u4"),
        ("mask_length", "<u4"),
        ("checksum", "<u4"),
        ("count", "<u4"),
        ("sum", "<i8"),
        ("min", "<i8"),
        ("max", "<i8"),
        ("sum_squares", "<f8"),
        ("first", "<i8"),
        ("last", "<i8"),
        ("first_time", "<i8"),
        ("last_time", "<i8"),
    ]
)
"""One column of one row group.

A block begins with `mask_length` bytes of compressed validity bits (none when every row has a value), then the valid
values. `count` is how many there are. sum, min, max, first and last hold the bits of a value of the column's type
(sums of integers wrap); they are 0 for strings, and for booleans only first and last are kept.
"""

RUN = np.dtype([("series", "<u4"), ("first_row", "<u4"), ("first", "<i8"), ("last", "<i8")])
"""The rows of one series in a row group: its number, where they begin, and the times of the first and the last."""

TYPE_CODES = {
    DataType.FLOAT: 0,
    DataType.INTEGER: 1,
    DataType.UNSIGNED: 2,
    DataType.STRING: 3,
    DataType.BOOLEAN: 4,
}
TYPES = {code: type_ for type_, code in TYPE_CODES.items()}
