"""The kinds of node. Each says in its docstring what it reads and what it writes; none of them runs.

Columns are known by labels. A label is text that says what the column is, so equal columns have equal labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from influxish.errors import PlanBug
from influxish.functions.expression import Expression
from influxish.functions.registry import Arguments, WalkFunction
from influxish.functions.state import GroupCall
from influxish.plan.node import Node
from influxish.plan.wording import during, limit_clauses, listed
from influxish.types import ALL_TIME, DataType, FieldRequest, SeriesLimit, TimeRange, Window


@dataclass(frozen=True, eq=False, kw_only=True)
class Table(Node):
    """A name of FROM that nobody has looked up yet: a symbol. The linker puts scans in its place.

    Attributes:
        database, policy: "" for the default.
        measurement: its name, or the pattern of a regular expression if `is_pattern`.
        dimensions: tag keys grouped by, as written; patterns in slashes, `*` for all.
    """

    measurement: str
    is_pattern: bool = False
    database: str = ""
    policy: str = ""
    dimensions: tuple[str, ...] = ()
    time_range: TimeRange = ALL_TIME

    def describe(self) -> str:
        name = f"/{self.measurement}/" if self.is_pattern else self.measurement
        path = ".".join(part for part in (self.database, self.policy) if part)
        by = f" by {', '.join(self.dimensions)}" if self.dimensions else ""
        return f"table {path + '.' if path else ''}{name}{by}{during(self.time_range)}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Open(Node):
    """A selected field that cannot be compiled before the schema is known: a wildcard. The linker expands it."""

    field: str

    def describe(self) -> str:
        return f"open {self.field}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Nothing(Node):
    """No rows at all."""

    def describe(self) -> str:
        return "nothing"


@dataclass(frozen=True, eq=False, kw_only=True)
class Scan(Node):
    """Rows of one measurement in one shard, by series; see `storage.interface.ScanRequest` for each attribute.

    Writes: batches with one run per series and stretch of time.

    Attributes:
        shard: name of the snapshot to read.
        place: of its source in FROM, which orders the rows of one group and time before their series does.
    """

    shard: str
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
    place: int = 0

    def describe(self) -> str:
        labels = [field.label for field in self.fields]
        columns = labels[0] if len(labels) == 1 else f"{{{listed(labels)}}}"
        words = [f"scan {self.measurement}.{columns} [{self.shard}{self._part()}]"]
        if self.tags:
            words.append(f"tags {listed(self.tags)}")
        if self.dimensions:
            words.append(f"by {', '.join(self.dimensions)}")
        if self.series_limit is not None:
            words.append(str(self.series_limit))
        if self.series is not None:
            words.append(f"series {self.series}")
        if self.predicate is not None:
            words.append(f"where {self.predicate}")
        if self.limit is not None:
            words.append(f"limit {self.limit}")
        if self.descending:
            words.append("newest first")
        return " ".join(words) + during(self.time_range)

    def _part(self) -> str:
        return "" if self.part == (0, 1) else f", part {self.part[0] + 1}/{self.part[1]}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Merge(Node):
    """All rows of all inputs, in no particular order among them.

    Attributes:
        workers: how many inputs are worked on at the same time; 1 reads one after the other on the caller's thread.
    """

    workers: int = 1

    def describe(self) -> str:
        return "merge" if self.workers == 1 else f"merge [{self.workers} workers]"


@dataclass(frozen=True, eq=False, kw_only=True)
class Filter(Node):
    """The rows for which `condition` is true."""

    condition: Expression

    def describe(self) -> str:
        return f"filter {self.condition}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Sort(Node):
    """Rows by group, and by time within a group.

    Attributes:
        by_time: False leaves the rows of each series in the order they come, one series after the other.
        window: where rows are not by time, each bucket of it has its own turn of all series; None: there is one turn.
        descending: groups, times and buckets fall instead of rise. Series in a bucket rise all the same.
        limit: at most so many first rows of each group are needed; None: all.
    """

    by_time: bool = True
    window: Window | None = None
    descending: bool = False
    limit: int | None = None

    def describe(self) -> str:
        keys = "group, time" if self.by_time else "group, series" if self.window is None else "group, bucket, series"
        limit = "" if self.limit is None else f" limit {self.limit}"
        return f"sort by {keys}{' descending' if self.descending else ''}{limit}"


class Stage(Enum):
    """Which part of an aggregation a node does."""

    WHOLE = "whole"  # rows in, results out
    SHARD = "per shard"  # rows in, partial states out
    FINAL = "final"  # partial states in, results out


@dataclass(frozen=True, eq=False, kw_only=True)
class Aggregate(Node):
    """Reduce the rows of each (group, bucket): one row for each bucket that holds any, sorted by group, then time.

    Reads: rows in any order (WHOLE, SHARD) or partial states (FINAL). Several calls share one pass over the rows;
    a place where a call saw no row is invalid.

    Attributes:
        calls: what to compute; each adds its output columns.
        window: the buckets, or None for one bucket that takes all.
        time_range: its start is the time of the rows where there are no buckets.
        point_times: rows carry the time of the selected point instead of the bucket's start.
        descending: rows come out by falling group and time.
    """

    calls: tuple[GroupCall, ...]
    window: Window | None = None
    time_range: TimeRange = ALL_TIME
    point_times: bool = False
    descending: bool = False
    stage: Stage = Stage.WHOLE

    def describe(self) -> str:
        stage = "" if self.stage is Stage.WHOLE else f" [{self.stage.value}]"
        names = (_final_name(call) if self.stage is Stage.FINAL else call.label for call in self.calls)
        return f"{', '.join(names)}{stage}"

    def check(self) -> None:
        """Partial states are read where their calls are finished, and nowhere else: they carry no labels."""
        if self.stage is Stage.SHARD:
            for reader in _through_merges(self, lambda node: node.readers):
                if not (isinstance(reader, Aggregate) and reader.stage is Stage.FINAL):
                    raise PlanBug(f"the partial states of {self.describe()} are read by {reader.describe()}")
        if self.stage is Stage.FINAL:
            for source in _through_merges(self, lambda node: node.sources):
                if not isinstance(source, Nothing) and not self._finishes(source):
                    raise PlanBug(
                        f"{self.describe()} reads {source.describe()}, which has no partial states of its calls"
                    )

    def _finishes(self, source: Node) -> bool:
        """Whether `source` makes the partial states of the same calls, in the same order, over the same buckets."""
        partial = isinstance(source, Aggregate) and source.stage is Stage.SHARD
        return partial and {**source.settings, "stage": None} == {**self.settings, "stage": None}


class FillOption(Enum):
    """What stands in a bucket without a value."""

    NULL = "null"
    PREVIOUS = "previous"
    LINEAR = "linear"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class FillColumn:
    """How one column is filled.

    Attributes:
        label, type: of the column.
        option: what to put in.
        value: for NUMBER; and for NULL where a function has a value for nothing, as count has 0.
        of: label of the call's own column, which tells by its validity the buckets that are empty.
        stops: label of the column that tells how often the call's stream stops; "" without.
    """

    label: str
    type: DataType
    option: FillOption
    value: float | int | None = None
    of: str = ""
    stops: str = ""

    def __str__(self) -> str:
        return f"{self.label}: {self.option.value if self.value is None else self.value}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Fill(Node):
    """A row for every bucket from the first to the last, for each group that has any value of the column.

    Reads and writes: rows sorted by group and time, one for each (group, bucket).

    Attributes:
        columns: those to fill; every column of the input is one of them.
        window: the grid.
        time_range: the buckets it touches are filled; without a lower bound from the group's first row on.
    """

    columns: tuple[FillColumn, ...]
    window: Window
    time_range: TimeRange
    descending: bool = False

    def describe(self) -> str:
        return f"fill {', '.join(map(str, self.columns))}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Default(Node):
    """Rows with something in the places without a value: a number, or what stands there in the row before.

    Reads: rows sorted by group and time. Where no column of a label is known, a number makes one.

    Attributes:
        offset: so many rows of each group are left out later, and what stands in them is not seen from others.
    """

    columns: tuple[FillColumn, ...]
    offset: int = 0

    def describe(self) -> str:
        return f"default {', '.join(map(str, self.columns))}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Limit(Node):
    """Some rows of each group, for one of several calls: each is limited by itself before they stand side by side.

    Reads: rows sorted by group and time. Writes one column, and those beside it.

    Attributes:
        label: of the column.
        beside: labels of the columns that come with it.
        stops: label of the one among these that tells how often the call's stream stops; "" if it does not stop.
        limit, offset: rows of each group; limit None: all.
        present: only rows with a value count, and others are left out: they are there for calls of the same node.
    """

    label: str
    beside: tuple[str, ...] = ()
    stops: str = ""
    limit: int | None = None
    offset: int = 0
    present: bool = False

    def describe(self) -> str:
        return f"{self.label}{limit_clauses(self.limit, self.offset)}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Walk(Node):
    """The results of a function that walks along the rows of each group.

    Reads: rows sorted by group and time. Writes one column.

    Attributes:
        function: which.
        argument, type: label and type of the column it walks along.
        arguments: the constants, complete.
        label: of the column it makes.
        window, time_range: the buckets and the times of the query.
        descending: times fall.
        alone: it is the only call that is selected, and by no subquery.
    """

    function: WalkFunction
    argument: str
    type: DataType = DataType.UNKNOWN
    arguments: Arguments
    label: str
    window: Window | None = None
    time_range: TimeRange = ALL_TIME
    descending: bool = False
    alone: bool = False

    def describe(self) -> str:
        return self.label


@dataclass(frozen=True, slots=True)
class Computed:
    """A column and how it is computed."""

    label: str
    expression: Expression

    def __str__(self) -> str:
        text = str(self.expression)
        return text if text == self.label else f"{self.label} = {text}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Project(Node):
    """New columns computed from those of its inputs, which are joined by group and time where there are several.

    Attributes:
        columns: all columns it writes.
        required: labels of which at least one must have a value for the row to be kept; () keeps all rows.
    """

    columns: tuple[Computed, ...]
    required: tuple[str, ...] = ()
    descending: bool = False

    def describe(self) -> str:
        return f"project {', '.join(map(str, self.columns))}"


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column of a SELECT's answer: the name it has there, the label it is known by below, and its type."""

    name: str
    label: str
    type: DataType = DataType.UNKNOWN


@dataclass(frozen=True, eq=False, kw_only=True)
class Output(Node):
    """The rows of one SELECT: its columns joined by group and time, then limited.

    Reads: one edge for each column, in their order; several edges may come from one node.

    Attributes:
        columns: as selected, without `time`.
        limit, offset: rows of each group; limit None: all.
        descending: groups and times fall.
    """

    columns: tuple[OutputColumn, ...]
    limit: int | None = None
    offset: int = 0
    descending: bool = False

    def _clauses(self) -> str:
        return limit_clauses(self.limit, self.offset)


@dataclass(frozen=True, eq=False, kw_only=True)
class Emit(Output):
    """The root: what the emitter turns into rows for people.

    Attributes:
        time_name: heading of the time column.
        zone: time zone in which times are shown; "" is UTC.
    """

    time_name: str = "time"
    zone: str = ""

    def describe(self) -> str:
        return f"emit{self._clauses()}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Derive(Output):
    """The rows of a subquery, made a source for the query around it.

    Writes: a column for each of `columns` by its name, and one for each of `tags` and `keys`, taken from the group.

    Attributes:
        dimensions: what the outer query groups by.
        tags: dimensions of the subquery that the outer query may name like tags.
        keys: (label, another dimension) where a call of the outer query chooses by it.
        place: as for a scan.
    """

    dimensions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    place: int = 0

    def describe(self) -> str:
        by = f" by {', '.join(self.dimensions)}" if self.dimensions else ""
        return f"subquery {', '.join(column.name for column in self.columns)}{by}{self._clauses()}"


def _through_merges(node: Node, beside: Callable[[Node], list[Node]]) -> Iterator[Node]:
    """The nodes that `beside` gives for a node, and those behind the merges among them."""
    for other in beside(node):
        if isinstance(other, Merge):
            yield from _through_merges(other, beside)
        else:
            yield other


def call_labels(calls: Sequence[GroupCall]) -> dict[str, DataType]:
    """Labels and types of all columns that `calls` make."""
    return {label: type for call in calls for label, type in call.outputs.items()}


def _final_name(call: GroupCall) -> str:
    return f"{call.function.final}({call.argument})" if call.function.final else call.label
