"""Building segments: from memtables, and from segments that are merged. When that is due is `flushing`'s business."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from influxish.batch import Batch
from influxish.storage.files import Files
from influxish.storage.index import MeasurementSeries
from influxish.storage.interface import ScanStats
from influxish.storage.memtable import Memtable, UnsortedRows
from influxish.storage.pieces import Layer
from influxish.storage.reading import Reader, Selection
from influxish.storage.rows import merged
from influxish.storage.segment import MemorySource, Segment
from influxish.storage.segment_writer import segment_bytes
from influxish.storage.tombstones import Tombstone
from influxish.types import DataType, FieldRequest

_MANY_TOMBSTONES = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new segment goes. `folder` None keeps it in memory."""

    files: Files
    folder: Path | None
    file: str
    place: int


def write_memtables(where: Place, tables: Sequence[Memtable]) -> Segment | None:
    """One segment of the rows of memtables, oldest first; None if all of them were deleted.

    Raises:
        StorageError: it could not be written; nothing is left behind.
    """
    views = [table.views() for table in tables]
    if not any(rows.rows().rows for view in views for rows in view.values()):
        return None
    return _write(where, _memtable_rows(views))


@dataclass(frozen=True, eq=False)
class Living:
    """Which rows of the segments of a shard still count.

    Attributes:
        series: of the database; those that were removed have none.
        tombstones: of the shard.
    """

    series: Mapping[str, MeasurementSeries]
    tombstones: Sequence[Tombstone]

    def selection(self, measurement: str) -> Selection:
        """Of the rows that the tombstones leave, those of series that are there."""
        series = self.series.get(measurement)
        return Selection(None if series is None else series.select(None))

    def layer(self, segment: Segment, measurement: str) -> Layer | None:
        """What the tombstones leave; None if no row of it counts."""
        layer, wanted = segment.layer(measurement, self.tombstones), self.selection(measurement)
        return layer if layer is not None and any(wanted.runs(piece.runs).any() for piece in layer.pieces) else None

    def rows(self, segment: Segment) -> int:
        """How many rows of a segment count."""
        found = 0
        for measurement in segment.measurements:
            layer, wanted = segment.layer(measurement, self.tombstones), self.selection(measurement)
            if layer is not None:
                found += sum(int(piece.runs.take(wanted.runs(piece.runs)).sum()) for piece in layer.pieces)
        return found


def merge_segments(where: Place, segments: Sequence[Segment], living: Living) -> Segment | None:
    """One segment of the rows that count of neighbours in age, oldest first; None if none do.

    Holds a few row groups in memory at a time.

    Raises:
        CorruptData: a block of theirs is damaged; nothing is left behind.
        StorageError: it could not be written.
    """
    merging = [
        (measurement, layers)
        for measurement in sorted({name for segment in segments for name in segment.measurements})
        if (layers := [(s, layer) for s in segments if (layer := living.layer(s, measurement)) is not None])
    ]
    return _write(where, _segment_rows(merging, living)) if merging else None


def worth_merging(segments: Sequence[Segment], least: int) -> Sequence[Segment]:
    """The newest segments, as far back as none is much larger than all after it; () if they are fewer than `least`.

    So each row is merged again only after what lies with it has about doubled.
    """
    start, size = len(segments), 0
    while start and (size == 0 or segments[start - 1].size <= 2 * size):
        start -= 1
        size += segments[start].size
    chosen = segments[start:]
    return chosen if len(chosen) >= max(least, 2) else ()


def worth_rewriting(segments: Sequence[Segment], living: Living) -> Sequence[Segment]:
    """The segments of which less than half counts; all that have tombstones if a shard has many of those.

    So what is deleted takes no more room than what is not, and a query never looks at more than some tombstones.
    """
    hiding = max((tombstone.number for tombstone in living.tombstones), default=0)
    many = len(living.tombstones) > _MANY_TOMBSTONES
    return [s for s in segments if (many and s.number < hiding) or 2 * living.rows(s) < s.rows]


def _write(where: Place, measurements: Iterator[tuple[str, Iterator[Batch]]]) -> Segment:
    parts = segment_bytes(measurements)
    if where.folder is None:
        return Segment(MemorySource(where.file, b"".join(parts)), where.place)
    where.files.make_directory(where.folder)
    path = where.folder / where.file
    where.files.write_atomically(path, parts)
    return Segment(where.files.open_read(path), where.place)


def _memtable_rows(views: Sequence[Mapping[str, UnsortedRows]]) -> Iterator[tuple[str, Iterator[Batch]]]:
    for measurement in sorted({name for view in views for name in view}):
        found = [view[measurement].rows() for view in views if measurement in view]
        parts = [part for part in found if part.rows]
        types: dict[str, DataType] = {name: column.type for part in parts for name, column in part.columns.items()}
        if parts:
            yield measurement, iter([merged(parts, types)])


def _segment_rows(
    merging: Sequence[tuple[str, Sequence[tuple[Segment, Layer]]]], living: Living
) -> Iterator[tuple[str, Iterator[Batch]]]:
    for measurement, layers in merging:
        # Only of segments with rows that count: before the measurement was dropped a field may have had another type.
        types = {name: type_ for segment, _ in layers for name, type_ in segment.types(measurement).items()}
        fields = [FieldRequest(name, name, type_) for name, type_ in types.items()]
        reader = Reader(fields, living.selection(measurement), ScanStats())
        yield measurement, reader.read([[layer for _, layer in layers]])
