"""Building segments: from memtables, and from segments that are merged. When that is due is `flushing`'s business."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from influxish.batch import Batch
from influxish.storage.files import Files
from influxish.storage.interface import ScanStats
from influxish.storage.memtable import Memtable
from influxish.storage.pieces import Layer
from influxish.storage.reading import Reader, Selection
from influxish.storage.rows import merged
from influxish.storage.segment import MemorySource, Segment
from influxish.storage.segment_writer import segment_bytes
from influxish.types import DataType, FieldRequest


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new segment goes. `folder` None keeps it in memory."""

    files: Files
    folder: Path | None
    file: str
    place: int


def write_memtables(where: Place, tables: Sequence[Memtable]) -> Segment:
    """One segment of the rows of memtables, oldest first.

    Raises:
        StorageError: it could not be written; nothing is left behind.
    """
    return _write(where, _memtable_rows(tables))


def merge_segments(where: Place, segments: Sequence[Segment]) -> Segment:
    """One segment of the rows of neighbours in age, oldest first. Holds a few row groups in memory at a time.

    Raises:
        CorruptData: a block of theirs is damaged; nothing is left behind.
        StorageError: it could not be written.
    """
    return _write(where, _segment_rows(segments))


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


def _write(where: Place, measurements: Iterator[tuple[str, Iterator[Batch]]]) -> Segment:
    parts = segment_bytes(measurements)
    if where.folder is None:
        return Segment(MemorySource(where.file, b"".join(parts)), where.place)
    where.files.make_directory(where.folder)
    path = where.folder / where.file
    where.files.write_atomically(path, parts)
    return Segment(where.files.open_read(path), where.place)


def _memtable_rows(tables: Sequence[Memtable]) -> Iterator[tuple[str, Iterator[Batch]]]:
    views = [table.views() for table in tables]
    for measurement in sorted({name for view in views for name in view}):
        parts = [view[measurement].rows() for view in views if measurement in view]
        types: dict[str, DataType] = {name: column.type for part in parts for name, column in part.columns.items()}
        yield measurement, iter([merged(parts, types)])


def _segment_rows(segments: Sequence[Segment]) -> Iterator[tuple[str, Iterator[Batch]]]:
    for measurement in sorted({name for segment in segments for name in segment.measurements}):
        holders = [segment for segment in segments if measurement in segment.measurements]
        types = {name: type_ for segment in holders for name, type_ in segment.types(measurement).items()}
        fields = [FieldRequest(name, name, type_) for name, type_ in types.items()]
        layers: list[Layer] = [layer for segment in holders if (layer := segment.layer(measurement)) is not None]
        yield measurement, Reader(fields, Selection(), ScanStats()).read([layers])
