"""SELECT → graph, with its symbols open: no storage is asked, so names may mean anything and types are unknown.

FROM, WHERE and GROUP BY are laid out here; the fields are built by `builder.py`. What names stand for is the linker's.
"""

from __future__ import annotations

from dataclasses import dataclass

from influxish.compiler.builder import SelectBuilder
from influxish.compiler.checks import check_fields, check_mixture, is_time
from influxish.compiler.conditions import Clock, split_condition
from influxish.compiler.dimensions import dimension_names, is_time_call, window_of
from influxish.errors import CompileError, UnsupportedStatement
from influxish.influxql import ast
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Derive, Emit, FillColumn, FillOption, Filter, Merge, Output, Table
from influxish.types import ALL_TIME, MAX_TIME, DataType, TimeRange, Window

MOST_ROWS = 1 << 61
"""More rows than there can be; LIMIT and OFFSET up to it still add up to an int64."""

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
        UnsupportedStatement: INTO.
    """
    builders: list[SelectBuilder] = []
    root = Emit(columns=())
    graph = Graph(root)
    _compile(select, graph, root, Inherited(), builders, now)
    return Compiled(graph, tuple(builders))


def _compile(
    select: ast.Select, graph: Graph, output: Output, inherited: Inherited, builders: list[SelectBuilder], now: int
) -> Output:
    """Compile one SELECT under `output`, which is replaced by a node that knows its columns."""
    is_subquery = isinstance(output, Derive)
    if inherited.depth > MAX_SUBQUERIES:
        raise CompileError(f"subqueries are nested more than {MAX_SUBQUERIES} deep", span=select.span)
    if select.target is not None:
        raise UnsupportedStatement("SELECT INTO is not executed by this version", span=select.target.span)
    clock = Clock(now, select.timezone)
    condition, time_range = split_condition(select.condition, clock)
    window = window_of(select, clock)
    descending = any(not item.ascending for item in select.sort_fields)
    if is_subquery and select.sort_fields and descending != inherited.descending:
        message = "subqueries must be ordered in the same direction as the query itself"
        raise CompileError(message, span=select.sort_fields[0].span)
    descending = descending or inherited.descending
    traits = check_fields(select)
    fill = select.fill or ast.Fill()
    check_mixture(select, traits, grouped_by_time=window is not None, fill=fill.option if select.fill else "null")
    time_range = time_range.intersect(inherited.time_range)
    window = window or inherited.window
    if window is not None and not time_range.has_stop:
        time_range = TimeRange(time_range.start, min(now + 1, MAX_TIME))
    dimensions = (*select.dimensions, *inherited.dimensions)
    inner = Inherited(
        time_range, window, tuple(d for d in dimensions if not is_time_call(d)), descending, inherited.depth + 1
    )
    source = _sources(select, graph, inner, builders, now)
    if condition is not None:
        filtered = Filter(condition=condition)
        graph.connect(source, filtered)
        source = filtered
    # A subquery's empty buckets would be dropped by whoever reads them, so null is as good as none there.
    filling = fill.option != "none" and not (is_subquery and fill.option == "null")
    limits: dict[str, object] = {
        "limit": min(select.limit, MOST_ROWS) or None,
        "offset": min(select.offset, MOST_ROWS),
        "descending": descending,
        "series_limit": None if is_subquery else min(select.slimit, MOST_ROWS) or None,
        "series_offset": 0 if is_subquery else min(select.soffset, MOST_ROWS),
    }
    if isinstance(output, Emit):
        limits |= {"time_name": _time_name(select), "zone": select.timezone}
    titled: Output = type(output)(**{**output.settings, **limits})
    graph.replace(output, titled)
    builder = SelectBuilder(
        graph=graph,
        select=select,
        source=source,
        output=titled,
        fields=[],
        traits=traits,
        time_range=time_range,
        window=window,
        fill=FillColumn("", DataType.UNKNOWN, FillOption(fill.option if fill.option != "none" else "null"), fill.value),
        filling=filling,
        descending=descending,
        by_time=not (len(select.sources) == 1 and isinstance(select.sources[0], ast.SubQuery)),
        is_subquery=is_subquery,
    )
    builder.build([item for item in select.fields if not is_time(item.expression)])
    builders.append(builder)
    return builder.output


def _sources(select: ast.Select, graph: Graph, inner: Inherited, builders: list[SelectBuilder], now: int) -> Node:
    nodes: list[Node] = []
    for item in select.sources:
        if isinstance(item, ast.SubQuery):
            derive = Derive(columns=(), dimensions=dimension_names(inner.dimensions))
            node: Node = _compile(item.statement, graph, derive, inner, builders, now)
        else:
            assert isinstance(item, ast.Measurement)
            node = Table(
                measurement=item.regex.pattern if item.regex else item.name,
                is_pattern=item.regex is not None,
                database=item.database,
                policy=item.retention_policy,
                dimensions=dimension_names(inner.dimensions),
                time_range=inner.time_range,
            )
        nodes.append(node)
    if len(nodes) == 1:
        return nodes[0]
    merge = Merge()
    for node in nodes:
        graph.connect(node, merge)
    return merge


def _time_name(select: ast.Select) -> str:
    return next((f.alias for f in select.fields if is_time(f.expression) and f.alias), "time")
