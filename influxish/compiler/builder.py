"""One SELECT on its way into a graph: every selected field becomes an edge into the output.

Kept until linking, because what wildcards stand for is known only then, and those fields are built here like the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from influxish.compiler.arguments import constants
from influxish.compiler.checks import Traits
from influxish.compiler.expressions import lower
from influxish.compiler.keys import listed_keys, takes_keys, with_listed_keys
from influxish.compiler.lookback import look_back, looks_back
from influxish.compiler.names import column_label, column_names, own_title
from influxish.errors import CompileError, QueryError
from influxish.functions.expression import Expression, Reference
from influxish.functions.interruption import look
from influxish.functions.registry import FUNCTIONS, GroupFunction, SelectorFunction, Stamp, WalkFunction
from influxish.functions.state import Ending, GroupCall
from influxish.influxql import ast, format_node
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import (
    Aggregate,
    Computed,
    Default,
    Fill,
    FillColumn,
    FillOption,
    Limit,
    Nothing,
    Open,
    Output,
    OutputColumn,
    Project,
    Sort,
    Walk,
)
from influxish.types import DataType, TimeRange, Window

MOST_ROWS = 1 << 61
"""More rows than there can be; LIMIT and OFFSET up to it still add up to an int64."""


@dataclass(slots=True)
class SelectBuilder:
    """One SELECT on its way into a graph; kept until linking, when the wildcards among its fields are expanded.

    Attributes:
        select: the statement.
        series_limit: SLIMIT and SOFFSET, those of the queries around it added.
        sources: number of buckets before the time range → the node that the rows of FROM and WHERE come from, those of
            these buckets included.
        condition: that of WHERE, but for the time range.
        output: the node that reads one edge for each field.
        fields: the select list without `time`, as far as it is expanded.
        raw: no group function is called: rows are answered as they are.
        parts: label of a call, and by how many buckets it is looked back on → the node that makes its column.
        results: label of a call that is selected → the node with its rows as they are answered.
        names: label → the column of FROM that an aggregate reads under it.
        own_dimensions: the tag keys that its GROUP BY names, once the linker knows them.
        dimensions: these and those of the queries around it: what its rows are grouped by.
        by_time: rows that are answered as they are come by time.
        row_window: those that do not come by the buckets of this window; None: by the series of the subquery alone.
        hidden: the tags that a wildcard among the fields leaves out.
        alone: the fields call one group function, and no other.
        types: heading → the type that the column has for the query around it, as `result_types.py` says.
        faulty: headings of columns with a type error.
        unlisted: headings of columns that no wildcard around it lists: the names listed in a call of top() or bottom().
        joined: label → call, of the calls whose results are brought together.
        refused: nothing in the place of a call → why it is refused, if that is part of the graph in the end.
    """

    graph: Graph
    select: ast.Select
    series_limit: tuple[int, int]
    sources: dict[int, Node]
    condition: Expression | None
    output: Output
    fields: list[ast.Field]
    traits: Traits
    time_range: TimeRange
    window: Window | None
    fill: FillColumn
    filling: bool
    descending: bool
    by_time: bool
    row_window: Window | None = None
    is_subquery: bool = False
    parts: dict[tuple[str, int], Node] = field(default_factory=dict)
    results: dict[str, Node] = field(default_factory=dict)
    names: dict[str, Reference] = field(default_factory=dict)
    own_dimensions: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    alone: bool = False
    types: dict[str, DataType] = field(default_factory=dict)
    faulty: set[str] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)
    joined: dict[str, ast.Call | ast.Distinct] = field(default_factory=dict)
    refused: dict[Node, QueryError] = field(default_factory=dict)

    @property
    def source(self) -> Node:
        """The node that rows come from which nobody looks back on."""
        return self.sources[min(self.sources)]

    @property
    def raw(self) -> bool:
        """Whether rows are answered as they are, because nothing is called."""
        return not self.traits.calls

    @property
    def order(self) -> tuple[bool, Window | None]:
        """How its rows come, as `by_time` and `row_window` say. What walks along rows leaves them in their order."""
        in_place = all(isinstance(FUNCTIONS[call.name], WalkFunction) for call in self.traits.calls)
        return (self.by_time, self.row_window) if in_place else (False, self.window)

    @property
    def written_tags(self) -> list[ast.Field]:
        """Its last columns, if it writes INTO a measurement: they become tags of the points."""
        return [key for item in self.fields for key in listed_keys(item)] if self.select.target else []

    def is_open(self) -> bool:
        """Whether wildcards are left among the fields."""
        return any(has_wildcard(item.expression) for item in self.fields)

    def build(self, fields: Sequence[ast.Field]) -> None:
        """Connect an edge for each field to the output, in place of those it has."""
        old = list(self.output.inputs)
        self.parts.clear()
        self.results.clear()
        self.fields = list(fields)
        self.alone = len({format_node(call) for item in fields for call in _group_calls(item.expression)}) == 1
        self._build_fields()
        for read in old:
            self.graph.disconnect(read)

    def _build_fields(self) -> None:
        if self.is_open():
            for item in self.fields:
                self._connect(self._open(item))
            return
        if self.select.target is None:
            listed = with_listed_keys(self.fields)
            names = [own_title(item) for item in listed] if self.is_subquery else column_names(listed)
        else:
            listed = [*self.fields, *self.written_tags]
            names = [*column_names(self.fields), *map(own_title, self.written_tags)]
        columns = tuple(OutputColumn(name, self._label(item)) for name, item in zip(names, listed, strict=True))
        self._retitle(columns)
        if self.raw:
            self._connect_raw(listed)
        else:
            beside = [variable for item in listed for variable in _outside_calls(item.expression)]
            if self._has_defaults:
                self._join_calls(listed, beside)
            for item in listed:
                self._connect(self._field(item.expression, beside))

    def _retitle(self, columns: tuple[OutputColumn, ...]) -> None:
        settings = {**self.output.settings, "columns": columns}
        if not self.raw and not self.alone:  # each call has a limit of its own
            settings |= {"limit": None, "offset": 0}
        renamed = type(self.output)(**settings)
        self.graph.replace(self.output, renamed)
        self.output = renamed

    def _connect(self, node: Node) -> None:
        self.graph.connect(node, self.output)

    def _open(self, item: ast.Field) -> Node:
        node = Open(field=format_node(item))
        self.graph.connect(self.source, node)
        return node

    # --- rows as they are ---

    def _label(self, item: ast.Field) -> str:
        look()
        expression = item.expression
        while isinstance(expression, ast.ParenExpr):
            expression = expression.expression
        if not isinstance(expression, ast.VarRef):
            return format_node(_as_call(expression) if _is_call(expression) else expression)
        return self._name(expression) if self.raw else _beside_label(self.traits.calls[0], expression)

    def _name(self, node: ast.Expression) -> str:
        """The label of a column of FROM, noted down for the linker to look up."""
        assert isinstance(node, ast.VarRef)
        label = column_label(node.name, node.type)
        self.names[label] = Reference(node.name, node.type, span=node.span)
        return label

    def _connect_raw(self, fields: Sequence[ast.Field]) -> None:
        rows, read = self.source, None
        if self._has_defaults:
            variables = [node for item in fields for node in _outside_calls(item.expression)]
            read = lambda node: Reference(self._name(node), span=node.span)  # noqa: E731
            labels = {self._name(node): Reference(node.name, node.type, span=node.span) for node in variables}
            rows = self._with_defaults(self._sorted(self._project(labels, rows)), labels)
        columns: dict[str, Expression] = {}
        for item in fields:
            columns.setdefault(self._label(item), lower(item.expression, variable=read))
        project = self._project(columns, rows)
        rows = project if self._has_defaults else self._sorted(project)
        for _ in fields:
            self._connect(rows)

    def _project(self, columns: Mapping[str, Expression], *sources: Node) -> Node:
        computed = tuple(Computed(label, expression) for label, expression in columns.items())
        project = Project(columns=computed, descending=self.descending)
        for source in dict.fromkeys(sources):
            self.graph.connect(source, project)
        return project

    def _sorted(self, rows: Node) -> Node:
        sort = Sort(by_time=self.by_time, window=self.row_window, descending=self.descending)
        self.graph.connect(rows, sort)
        return sort

    # --- values where there are none ---

    @property
    def _has_defaults(self) -> bool:
        """Whether fill() names something for columns that have no value in a row of the answer."""
        return self.select.fill is not None and self.fill.option in (FillOption.NUMBER, FillOption.PREVIOUS)

    def _with_defaults(self, rows: Node, labels: Iterable[str]) -> Node:
        columns = tuple(FillColumn(label, DataType.UNKNOWN, self.fill.option, self.fill.value) for label in labels)
        node = Default(columns=columns)
        self.graph.connect(rows, node)
        return node

    def _join_calls(self, fields: Sequence[ast.Field], beside: Sequence[ast.VarRef]) -> None:
        """Bring the columns of all calls together, so that one without a value in a row can have a default."""
        calls = [call for item in fields for call in _group_calls(item.expression)]
        self.joined = {format_node(call): call for call in calls}
        nodes = {format_node(call): self._result(call, beside) for call in calls}
        labels = list(nodes)
        first = self.traits.calls[0]
        nodes |= {_beside_label(first, node): self._result(first, beside) for node in beside}
        if len(nodes) < 2:
            return
        joined = self._project({label: Reference(label) for label in nodes}, *nodes.values())
        defaults = self._with_defaults(joined, nodes)
        self.results |= dict.fromkeys(labels, defaults)

    # --- calls ---

    def _field(self, node: ast.Expression, beside: Sequence[ast.VarRef]) -> Node:
        while isinstance(node, ast.ParenExpr):
            node = node.expression
        if isinstance(node, ast.VarRef):  # a column beside a selector comes with the selected point
            return self._result(self.traits.calls[0], beside)
        if _is_call(node):
            return self._result(node, beside)
        return self._computed(node, beside)

    def _made(self, node: ast.Expression, beside: Sequence[ast.VarRef]) -> Node:
        """The node whose column is the result of a call as it is selected.

        InfluxDB makes a call of `DISTINCT v` in the outermost SELECT only. In a subquery it is a column of nothing.
        """
        if self.is_subquery and any(isinstance(part, ast.Distinct) for part in node.walk()):
            return Nothing()
        return self._call(_as_call(node), beside)

    def _computed(self, node: ast.Expression, beside: Sequence[ast.VarRef]) -> Node:
        """Arithmetic and mathematics over calls: a projection that reads all of them."""
        calls: dict[str, Node] = {}

        def result(call: ast.Call | ast.Distinct | ast.Wildcard) -> Expression:
            if isinstance(call, ast.Wildcard) or not _is_call(call):
                raise CompileError(f"undefined function {format_node(call)}", span=call.span)
            label = format_node(_as_call(call))
            calls.setdefault(label, self._result(call, beside))
            return Reference(label, span=call.span)

        def variable(node: ast.VarRef) -> Expression:
            first = self.traits.calls[0]
            calls.setdefault(format_node(first), self._result(first, beside))
            return Reference(_beside_label(first, node), span=node.span)

        expression = lower(node, result, variable)
        project = Project(columns=(Computed(format_node(node), expression),), descending=self.descending)
        for source in dict.fromkeys(calls.values()):
            self.graph.connect(source, project)
        return project

    def _result(self, call: ast.Expression, beside: Sequence[ast.VarRef]) -> Node:
        """The node that a selected call is read from: of several, each is limited by itself."""
        label = format_node(_as_call(call))
        if label not in self.results:
            node, limit, offset = self._made(call, beside), self.select.limit, self.select.offset
            if not self.alone and (limit or offset):
                limited = Limit(
                    label=label,
                    limit=min(limit, MOST_ROWS) or None,
                    offset=min(offset, MOST_ROWS),
                    present=isinstance(node, Aggregate),
                )
                self.graph.connect(node, limited)
                node = limited
            self.results[label] = node
        return self.results[label]

    def _call(self, call: ast.Call, beside: Sequence[ast.VarRef], steps: int = 0) -> Node:
        """The node whose column is the result of one call, each call made once.

        Args:
            steps: for how many buckets before the time range it is made as well.
        """
        key = (format_node(call), steps)
        if key not in self.parts:
            function = FUNCTIONS.get(call.name)
            if isinstance(function, WalkFunction):
                self.parts[key] = self._walk(call, function, steps)
            elif isinstance(function, GroupFunction):
                self.parts[key] = self._aggregate(call, key[0], beside, steps)
            else:
                nothing = self.parts[key] = Nothing()
                self.refused[nothing] = CompileError(f"unsupported call: {call.name}", span=call.span)
        return self.parts[key]

    def _source_at(self, steps: int) -> Node:
        if steps and look_back(self.time_range, self.window, steps, self.descending).is_empty:
            return Nothing()
        return self.sources[min(steps, max(self.sources))]

    def _walk(self, call: ast.Call, function: WalkFunction, steps: int) -> Node:
        inner, steps = call.args[0], steps + looks_back(call)
        if isinstance(inner, ast.Call | ast.Distinct):
            inner_call = _as_call(inner)
            source = self._call(inner_call, (), steps)
            argument = format_node(inner_call)
        else:
            argument = self._name(inner)
            source = Project(columns=(Computed(argument, lower(inner)),), descending=self.descending)
            self.graph.connect(self._source_at(steps), source)
            sort = Sort(by_time=self.by_time, window=self.row_window, descending=self.descending)
            self.graph.connect(source, sort)
            source = sort
        node = Walk(
            function=function,
            argument=argument,
            arguments=constants(call, call.args[1:], self.window),
            label=format_node(call),
            window=self.window,
            time_range=self.time_range,
            descending=self.descending,
            alone=self.alone and not self.is_subquery,
        )
        self.graph.connect(source, node)
        return node

    def _aggregate(self, call: ast.Call, label: str, beside: Sequence[ast.VarRef], steps: int) -> Node:
        function = _function(call)
        if self.descending and function.backwards is not None:
            function = function.backwards
        argument, keys = _column_arguments(call)
        columns = {self._name(node): (self._name(node), _beside_label(call, node), DataType.UNKNOWN) for node in beside}
        time_range = look_back(self.time_range, self.window, steps, self.descending)
        group_call = GroupCall(
            function=function,
            argument=self._name(argument),
            type=DataType.UNKNOWN,
            arguments=constants(call, call.args[-1:] if takes_keys(call) else call.args[1:], self.window),
            keys=tuple(map(self._name, keys)),
            beside=tuple(columns.values()),
            label=label,
            ending=self._ending(function),
        )
        aggregate = Aggregate(
            calls=(group_call,),
            window=self.window,
            time_range=time_range,
            point_times=function.stamp is Stamp.POINT
            or (function.stamp is Stamp.POINT_ALONE and self.alone and self.window is None),
            descending=self.descending,
        )
        self.graph.connect(self._source_at(steps), aggregate)
        if self.window is None or not self._is_filled(function):
            return aggregate
        fills = [self._fill_column(label, function.empty, label)]
        fills += [self._beside_column(written, label) for _, written, _ in columns.values()]
        node = Fill(columns=tuple(fills), window=self.window, time_range=time_range, descending=self.descending)
        self.graph.connect(aggregate, node)
        return node

    def _is_filled(self, function: GroupFunction) -> bool:
        return self.window is not None and self.filling and function.fillable

    def _ending(self, function: GroupFunction) -> Ending:
        """Where the answer of a call ends early. What fills empty buckets goes on once it has begun."""
        if not self.alone or not isinstance(function, SelectorFunction) or not function.ends:
            return Ending.NEVER
        return Ending.AT_FIRST if self._is_filled(function) else Ending.ANYWHERE

    def _beside_column(self, label: str, of: str) -> FillColumn:
        """How a column beside a selector is filled. There is no straight line between the columns of two points."""
        column = self._fill_column(label, None, of)
        return replace(column, option=FillOption.NULL) if column.option is FillOption.LINEAR else column

    def _fill_column(self, label: str, empty: object, of: str) -> FillColumn:
        value = self.fill.value
        if self.fill.option is FillOption.NULL and isinstance(empty, int | float):
            value = empty
        return FillColumn(label, DataType.UNKNOWN, self.fill.option, value, of)


def has_wildcard(node: ast.Expression) -> bool:
    """Whether a wildcard or a regular expression over names is in it."""
    look()
    return any(isinstance(part, ast.Wildcard | ast.RegexLiteral) for part in node.walk())


def _is_call(node: ast.Expression) -> bool:
    """Whether it calls a function that is not one of mathematics."""
    if isinstance(node, ast.Distinct):
        return True
    return isinstance(node, ast.Call) and isinstance(FUNCTIONS.get(node.name), GroupFunction | WalkFunction)


def _as_call(node: ast.Expression) -> ast.Call:
    if isinstance(node, ast.Distinct):
        return node.call
    assert isinstance(node, ast.Call)
    if isinstance(node.args[0], ast.Distinct):
        return replace(node, args=(node.args[0].call, *node.args[1:]))
    return node


def _function(call: ast.Call) -> GroupFunction:
    function = FUNCTIONS[call.name]
    assert isinstance(function, GroupFunction)
    argument = call.args[0]
    if isinstance(argument, ast.Call):
        function = FUNCTIONS[function.nested[argument.name]]
        assert isinstance(function, GroupFunction)
    return function


def _column_arguments(call: ast.Call) -> tuple[ast.Expression, Sequence[ast.Expression]]:
    first = call.args[0]
    if isinstance(first, ast.Call):  # nested: count(distinct(v))
        first = first.args[0]
    return first, call.args[1:-1] if takes_keys(call) else ()


def _beside_label(call: ast.Call, node: ast.VarRef) -> str:
    return f"{column_label(node.name, node.type)} at {format_node(call)}"


def _group_calls(node: ast.Expression) -> Iterator[ast.Call | ast.Distinct]:
    """The calls in an expression, those of mathematics and those inside others left out."""
    look()
    if isinstance(node, ast.Distinct) or (isinstance(node, ast.Call) and _is_call(node)):
        yield node
    else:
        for child in node.children():
            if isinstance(child, ast.Expression):
                yield from _group_calls(child)


def _outside_calls(node: ast.Expression) -> Iterator[ast.VarRef]:
    """The variables in an expression that are not arguments of a call, but for mathematics."""
    look()
    if isinstance(node, ast.VarRef):
        yield node
    elif not _is_call(node):
        for child in node.children():
            if isinstance(child, ast.Expression):
                yield from _outside_calls(child)
