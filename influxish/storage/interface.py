"""What the engine asks of storage: shards that tell their schema, scan rows, aggregate them and estimate work.

Every source of data implements `ShardSource`; nothing here knows a query language, a plan or a file format.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Protocol

from influxish.batch import BATCH_ROWS, Batch
from influxish.functions.expression import Expression
from influxish.functions.state import GroupCall, StateBatch, partial_states
from influxish.types import ALL_TIME, WEEK, DataType, FieldRequest, SeriesLimit, TimeRange, Window


@dataclass(frozen=True, slots=True)
class MeasurementSchema:
    """The columns of one measurement.

    Attributes:
        fields: name → types it has, in the order of `types.TYPE_PREFERENCE`. One shard has exactly one type a field.
        tags: tag keys, sorted.
    """

    fields: Mapping[str, tuple[DataType, ...]]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """Which rows and columns of one measurement to read from one shard.

    A row is one (series, time). It is answered if its time is in `time_range`, its series passes `series`, at least
    one of the `required` columns has a value, and `predicate` is true for it.

    Attributes:
        measurement: its name.
        fields: the field columns to deliver. They need not exist in the shard: those columns hold no value.
        tags: tag keys to deliver as columns of type TAG labelled by their key; a missing tag is an invalid place.
        dimensions: tag keys that make the groups of the batches, sorted; a missing tag is "" in the group table.
        time_range: half-open, ns.
        series: a condition over tags only (`Reference`s of type TAG), to be answered from the index; None: all.
        predicate: a condition over the delivered labels, for blocks to be skipped by and rows to be masked by.
        required: labels of fields of which at least one must have a value; () means any of `fields`.
        series_limit: only series of these groups are wanted; None: all are.
        counted: a condition over tags; a group of which no series fulfils it does not count for `series_limit`.
        limit: at most so many rows of each series are needed, the first ones in scan order; None: all.
        descending: newest rows of each series first, times within a run descending.
        part: (i, n): the i-th of n disjoint portions of about equal work, cut between series or in time; the
            portions together are the whole.
        batch_rows: about how many rows a batch shall hold.
    """

    measurement: str
    fields: tuple[FieldRequest, ...]
    tags: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    time_range: TimeRange = ALL_TIME
    series: Expression | None = None
    predicate: Expression | None = None
    required: tuple[str, ...] = ()
    series_limit: SeriesLimit | None = None
    counted: Expression | None = None
    limit: int | None = None
    descending: bool = False
    part: tuple[int, int] = (0, 1)
    batch_rows: int = BATCH_ROWS


@dataclass(frozen=True, slots=True)
class AggregateRequest:
    """Which partial states to make of the rows of a scan.

    Attributes:
        rows: the rows to reduce; its `dimensions` are the groups, its `fields` and `tags` what `calls` read.
        calls: what to compute.
        window: the buckets, None for one that takes all.
        descending: of points that are alike that of the last series is selected, not that of the first.
        place: of this source among those of the query: series of lower places count as earlier ones.
    """

    rows: ScanRequest
    calls: tuple[GroupCall, ...]
    window: Window | None = None
    descending: bool = False
    place: int = 0


@dataclass(slots=True)
class ScanStats:
    """What a scan did, counted while it runs; read by EXPLAIN ANALYZE.

    Attributes:
        rows, batches: what was handed on, be it to the engine or to an aggregation in the source.
        seconds: wall time that took.
        blocks_read, blocks_skipped: row groups decoded, and passed over thanks to the index or the statistics.
        bytes_decoded: bytes of decoded columns, uncompressed.
        bytes_read: bytes of compressed blocks read.
    """

    rows: int = 0
    batches: int = 0
    seconds: float = 0.0
    blocks_read: int = 0
    blocks_skipped: int = 0
    bytes_decoded: int = 0
    bytes_read: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a scan would cost, from the index alone: no block is read for it. Upper bounds, not promises."""

    rows: int
    series: int
    blocks: int
    bytes: int


class ShardSource(ABC):
    """A consistent, immutable view of one shard. Safe to use from several threads at once.

    Attributes:
        name: what EXPLAIN shows, unique within a query.
        time_range: the times its rows can have.
    """

    name: str
    time_range: TimeRange

    @abstractmethod
    def schema(self) -> Mapping[str, MeasurementSchema]:
        """Measurement name → its columns in this shard. Tags are those of the whole database."""

    @abstractmethod
    def scan(self, request: ScanRequest, stats: ScanStats) -> Iterator[Batch]:
        """Batches of rows: one run per series and stretch of time, series in an order of the source's own.

        Within one scan, all rows of a series come in time order, and no (series, time) comes twice. Decoding
        happens inside `next()` and releases the GIL where it can. Closing the generator gives its resources back.

        Raises:
            CorruptData: a block fails its checksum; names file and block.
            StorageError: a file cannot be read.
        """

    def aggregate(self, request: AggregateRequest, stats: ScanStats) -> Iterator[StateBatch]:
        """Partial states of the rows of `request.rows`. A (group, bucket) may come in several batches.

        This is the way that works for every source: it reads the rows. A source that knows the answer without
        reading them says so by a method of its own. Closing the generator gives its resources back.

        Raises:
            CorruptData, StorageError: as `scan`.
        """
        with closing(counted(self.scan(request.rows, stats), stats)) as batches:
            for batch in batches:
                ranked = batch.at_place(request.place)
                yield partial_states(request.calls, ranked, request.window, descending=request.descending)

    @abstractmethod
    def estimate(self, request: ScanRequest) -> Estimate:
        """What `scan(request)` would cost."""


def counted(batches: Iterator[Batch], stats: ScanStats) -> Generator[Batch]:
    """The batches that are not empty; their rows and the time they took are counted. Closes what it reads."""
    with ExitStack() as reading:
        reading.callback(getattr(batches, "close", lambda: None))
        while True:
            started = time.perf_counter()
            batch = next((batch for batch in batches if batch.rows), None)
            stats.seconds += time.perf_counter() - started
            if batch is None:
                return
            stats.rows += batch.rows
            stats.batches += 1
            yield batch


class Sink(Protocol):
    """Where the rows of a query become points; see `plan.target.Write`."""

    def add(self, rows: Batch) -> None:
        """Take rows in; column i of the answer is labelled `str(i)`. They may be written later.

        Raises:
            WriteError: points were refused; those of earlier calls, and those not refused, are written.
            NotFound: no such retention policy.
            StorageError: as `Engine.write`.
        """
        ...

    def finish(self) -> int:
        """Write what is left: how many points were written in all. Errors: as `add`."""
        ...


class Store(Protocol):
    """The databases behind a query: what the linker maps names to shards with."""

    def has_database(self, database: str) -> bool:
        """Whether there is such a database."""
        ...

    def default_policy(self, database: str) -> str:
        """Name of the default retention policy."""
        ...

    def has_policy(self, database: str, policy: str) -> bool:
        """Whether the database has such a retention policy."""
        ...

    def shards(self, database: str, policy: str, time_range: TimeRange) -> Sequence[ShardSource]:
        """The shards that overlap `time_range`, ascending in time, as snapshots of this moment."""
        ...


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long points are kept, and how they are cut into shards.

    Attributes:
        duration: ns; 0 keeps points for ever.
        shard_duration: ns of time that one shard group covers; groups are aligned as `SHARD_ORIGIN` says.
        replication: how many copies are asked for. There is one all the same.
    """

    name: str
    duration: int = 0
    shard_duration: int = WEEK
    default: bool = field(default=False, compare=False)
    replication: int = 1
