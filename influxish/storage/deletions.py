"""What the log holds of a deletion: what one statement takes away, as one record. `deleting` carries it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack

from influxish.batch import Positions
from influxish.storage.framing import pack_frame
from influxish.storage.tombstones import Extent, pack_series, unpack_series
from influxish.types import TimeRange


@dataclass(frozen=True, eq=False)
class Deletion:
    """What is deleted of one measurement, in all shards of a database.

    Attributes:
        extent: the rows.
        tombstones: (shard id, number) of the tombstones that hide those of them that are in segments.
        removed: (r,) int64 numbers of the series that have no row any more, ascending.
        forget: whether the measurement is dropped, with the types of its fields.
    """

    measurement: str
    extent: Extent
    tombstones: Sequence[tuple[int, int]]
    removed: Positions
    forget: bool = False


@dataclass(frozen=True, eq=False)
class Deletions:
    """A record of the log: what one statement deletes, which takes effect as one.

    Attributes:
        database: its id.
    """

    database: int
    parts: Sequence[Deletion]


def pack_deletions(record: Deletions) -> bytes:
    """The record as the log holds it: a mapping, where a write is a list.

    Raises:
        WriteError: it is too large for one record.
    """
    parts = [
        {
            "measurement": part.measurement,
            "series": None if part.extent.series is None else pack_series(part.extent.series),
            "start": part.extent.time_range.start,
            "stop": part.extent.time_range.stop,
            "tombstones": list(part.tombstones),
            "removed": pack_series(part.removed),
            "forget": part.forget,
        }
        for part in record.parts
    ]
    packed: bytes = msgpack.packb({"kind": "deletion", "database": record.database, "parts": parts})
    return pack_frame(packed)


def unpack_deletions(found: Mapping[str, Any]) -> Deletions:
    """The record that `pack_deletions` packed, of which the mapping is read already."""
    return Deletions(
        found["database"],
        [
            Deletion(
                part["measurement"],
                Extent(
                    None if part["series"] is None else unpack_series(part["series"]),
                    TimeRange(part["start"], part["stop"]),
                ),
                [(shard, number) for shard, number in part["tombstones"]],
                unpack_series(part["removed"]),
                part["forget"],
            )
            for part in found["parts"]
        ],
    )
