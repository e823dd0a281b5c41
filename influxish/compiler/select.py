"""SELECT → graph, with its symbols open: no storage is asked, so names may mean anything and types are unknown.

FROM, WHERE and GROUP BY are laid out here; the fields are built by `builder.py`. What names stand for is the linker's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from influxish.compiler.builder import MOST_ROWS, SelectBuilder
from influxish.compiler.checks import Buckets, check_fields, check_mixture, is_time, reduce_fields
from influxish.compiler.conditions import Clock, split_condition
from influxish.compiler.dimensions import dimension_names, is_time_call, window_of
from influxish.compiler.lookback import look_back, look_backs, reach_of
from influxish.errors import CompileError
from influxish.functions.expression import Expression
from influxish.influxql import ast
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Derive, Emit, FillColumn, FillOption, Filter, Merge, Output, Table
from influxish.plan.target import Write
from influxish.types import ALL_TIME, MAX_TIME, DataType, TimeRange, Window

MAX_SUBQUERIES = 20
"""How deep subqueries may be nested: each level is a few operators that open and pull one another by recursion."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a subquery takes over from the query around it."""

    time_range: TimeRange = ALL_TIME
    window: Window | None = None
    dimensions: tuple[ast.Dimension, ...] = ()
    descending: bool = False
    depth: int = 0
    series_limit: int = 0
    series_offset: int = 0


@dataclass(frozen=True, slots=True)
class Compiled:
    """A graph with open symbols, and the builders of its SELECTs, innermost first, for the linker."""

    graph: Graph
    builders: tuple[SelectBuilder, ...]


def compile_select(select: ast.Select, *, now: int) -> Compiled:
    """Compile a SELECT without looking at any data.

    Args:
        select: bound: it holds no parameters.
        now: the moment that `now()` stands for, UTC ns.
    Raises:
        CompileError: it means nothing, in InfluxDB's words, with the place.
    """
    root = Emit(columns=())
    compiler = _Compiler(Graph(root), now)
    if select.target is not None:
        place = select.target.measurement
        target = Write(database=place.database, policy=place.retention_policy, measurement=place.name)
        compiler.graph.append(root, target)
    compiler.compile(select, root, Inherited())
    return Compiled(compiler.graph, tuple(compiler.builders))


@dataclass(slots=True)
class _Compiler:
    """One statement and its subqueries on their way into one graph.

    Attributes:
        readable: the times that may be read at all: those of the outermost SELECT, and what its own calls look back on.
    """

    graph: Graph
    now: int
    builders: list[SelectBuilder] = field(default_factory=list)
    readable: TimeRange = ALL_TIME

    def compile(self, select: ast.Select, output: Output, outer: Inherited) -> Output:
        """Compile one SELECT under `output`, which is replaced by a node that knows its columns."""
        is_subquery = isinstance(output, Derive)
        _check_place(select, outer)
        select = replace(select, fields=reduce_fields(select.fields))
        clock = Clock(self.now, select.timezone)
        condition, time_range = split_condition(select.condition, clock)
        window = window_of(select, clock)
        descending = _is_descending(select, outer, is_subquery)
        buckets = Buckets.INHERITED if outer.window else Buckets.NONE
        traits = check_fields(select, Buckets.OWN if window else buckets)
        fill = select.fill or ast.Fill()
        if is_subquery and fill.option == "null" and (window is not None or traits.calls):
            fill = ast.Fill("none")  # whoever reads a subquery drops its empty buckets
        check_mixture(select, traits, by_time=window is not None, fill=fill.option)
        if select.target is not None and fill.option == "null":  # what has no value is not written anyway
            fill = ast.Fill("none")
        inner = self._inner(select, outer, time_range, window, descending)
        reach = max((reach_of(item.expression) for item in select.fields), default=0)
        if not is_subquery:
            self.readable = look_back(inner.time_range, inner.window, reach, descending)
            if self.readable.is_empty and not inner.time_range.is_empty:  # it reaches beyond the beginning of time
                inner = replace(inner, time_range=TimeRange(MAX_TIME, MAX_TIME))  # then no shard is found for any call
        sources = self._sources(select, condition, inner)
        by_time, row_window = True, None
        if len(select.sources) == 1 and isinstance(select.sources[0], ast.SubQuery):
            by_time, row_window = self.builders[-1].order
        titled: Output = type(output)(**{**output.settings, **_clauses(select, output, descending)})
        self.graph.replace(output, titled)
        builder = SelectBuilder(
            graph=self.graph,
            select=select,
            series_limit=(inner.series_limit, inner.series_offset),
            sources=sources,
            condition=condition,
            output=titled,
            fields=[],
            traits=traits,
            time_range=inner.time_range,
            window=inner.window,
            fill=_fill_column(fill),
            filling=fill.option != "none",
            descending=descending,
            by_time=by_time,
            row_window=row_window,
            is_subquery=is_subquery,
        )
        builder.build([item for item in select.fields if not is_time(item.expression)])
        self.builders.append(builder)
        return builder.output

    def _inner(
        self, select: ast.Select, outer: Inherited, time_range: TimeRange, window: Window | None, descending: bool
    ) -> Inherited:
        """What the sources of a SELECT are read with: its own clauses and those of the queries around it."""
        time_range = time_range.intersect(outer.time_range)
        window = window or outer.window
        if window is not None and not time_range.has_stop:
            time_range = TimeRange(time_range.start, min(self.now + 1, MAX_TIME))
        around = (d for d in outer.dimensions if isinstance(d.expression, ast.VarRef))  # patterns mean nothing in here
        dimensions = tuple(d for d in (*select.dimensions, *around) if not is_time_call(d))
        # Those of subqueries and of what is around them are added up, as in newIteratorOptionsSubstatement of 1.6.
        limit = min(outer.series_limit + select.slimit, MOST_ROWS)
        offset = min(outer.series_offset + select.soffset, MOST_ROWS)
        return Inherited(time_range, window, dimensions, descending, outer.depth + 1, limit, offset)

    def _sources(self, select: ast.Select, condition: Expression | None, inner: Inherited) -> dict[int, Node]:
        """For each number of buckets that a call looks back: the node that the rows come from, these included."""
        needed = {0}
        if inner.window is not None:
            needed = {steps for item in select.fields for steps in look_backs(item.expression)} or needed
        found = {}
        for steps in sorted(needed):
            wider = replace(inner, time_range=look_back(inner.time_range, inner.window, steps, inner.descending))
            found[steps] = self._source(select, condition, wider)
        return found

    def _source(self, select: ast.Select, condition: Expression | None, inner: Inherited) -> Node:
        """FROM and WHERE: the node that all rows of a SELECT come from."""
        nodes = [self._table_or_subquery(item, inner) for item in select.sources]
        source = nodes[0]
        if len(nodes) > 1:
            source = Merge()
            for node in nodes:
                self.graph.connect(node, source)
        if condition is None:
            return source
        filtered = Filter(condition=condition)
        self.graph.connect(source, filtered)
        return filtered

    def _table_or_subquery(self, item: ast.Source, inner: Inherited) -> Node:
        dimensions = dimension_names(inner.dimensions)
        if isinstance(item, ast.SubQuery):
            return self.compile(item.statement, Derive(columns=(), dimensions=dimensions), inner)
        assert isinstance(item, ast.Measurement)
        return Table(
            measurement=item.regex.pattern if item.regex else item.name,
            is_pattern=item.regex is not None,
            database=item.database,
            policy=item.retention_policy,
            dimensions=dimensions,
            time_range=inner.time_range.intersect(self.readable),
        )


def _check_place(select: ast.Select, outer: Inherited) -> None:
    if outer.depth > MAX_SUBQUERIES:
        raise CompileError(f"subqueries are nested more than {MAX_SUBQUERIES} deep", span=select.span)
    if select.target is not None and outer.depth:
        raise CompileError("a subquery cannot write INTO a measurement", span=select.target.span)


def _is_descending(select: ast.Select, outer: Inherited, is_subquery: bool) -> bool:
    descending = any(not item.ascending for item in select.sort_fields)
    if is_subquery and select.sort_fields and descending != outer.descending:
        message = "subqueries must be ordered in the same direction as the query itself"
        raise CompileError(message, span=select.sort_fields[0].span)
    return descending or outer.descending


def _clauses(select: ast.Select, output: Output, descending: bool) -> dict[str, object]:
    """The settings of an output that come from the clauses behind GROUP BY."""
    clauses: dict[str, object] = {
        "limit": min(select.limit, MOST_ROWS) or None,
        "offset": min(select.offset, MOST_ROWS),
        "descending": descending,
    }
    if isinstance(output, Emit):
        clauses |= {"time_name": _time_name(select), "zone": select.timezone}
    return clauses


def _fill_column(fill: ast.Fill) -> FillColumn:
    option = FillOption(fill.option if fill.option != "none" else "null")
    return FillColumn("", DataType.UNKNOWN, option, fill.value)


def _time_name(select: ast.Select) -> str:
    return next((f.alias for f in select.fields if is_time(f.expression) and f.alias), "time")
