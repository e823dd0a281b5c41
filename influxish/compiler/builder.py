"""One SELECT on its way into a graph: every selected field becomes an edge into the output.

Kept until linking, because what wildcards stand for is known only then, and those fields are built here like the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from influxish.compiler.arguments import constants
from influxish.compiler.calls import as_call, group_calls, is_call, is_computed, outside_calls, stripped
from influxish.compiler.checks import Traits
from influxish.compiler.dimensions import is_time_call
from influxish.compiler.expressions import lower
from influxish.compiler.keys import listed_keys, takes_keys, with_listed_keys
from influxish.compiler.lookback import look_back, looks_back
from influxish.compiler.names import column_label, column_names, own_title
from influxish.compiler.streams import may_stop, with_stops
from influxish.errors import CompileError
from influxish.functions.expression import Expression, Reference
from influxish.functions.interruption import look
from influxish.functions.registry import FUNCTIONS, GroupFunction, Stamp, WalkFunction
from influxish.functions.state import GroupCall
from influxish.influxql import ast, format_node
from influxish.plan.abreast import Abreast, Stopping, stops_label
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
        stopping: the stream of a call may stop before it is over.
        types: heading → the type that the column has for the query around it, as `result_types.py` says.
        faulty: headings of columns with a type error.
        unlisted: headings of columns that no wildcard around it lists: the names listed in a call of top() or bottom().
        joined: label → call, of the calls whose results are brought together.
        unsupported: nothing in the place of a call that stands where InfluxDB runs none → the call, and that around it
            which is selected.
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
    stopping: bool = False
    types: dict[str, DataType] = field(default_factory=dict)
    faulty: set[str] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)
    joined: dict[str, ast.Call | ast.Distinct] = field(default_factory=dict)
    unsupported: dict[Node, tuple[ast.Call, ast.Call]] = field(default_factory=dict)

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
        """How its rows come, as `by_time` and `row_window` say: as they are read, but for those that are aggregated."""
        as_read = all(isinstance(FUNCTIONS.get(call.name), WalkFunction) for call in self.traits.calls)
        nested = any(isinstance(call.args[0], ast.Call | ast.Distinct) for call in self.traits.calls)
        return (self.by_time, self.row_window) if as_read and not nested else (False, self.window)

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
        calls = {format_node(call): as_call(call) for item in fields for call in group_calls(item.expression)}
        self.alone, self.stopping = len(calls) == 1, any(self._may_stop(call) for call in calls.values())
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
            beside = [variable for item in listed for variable in outside_calls(item.expression)]
            if self._has_defaults or self.stopping:
                self._join_calls(listed, beside)
            for node in self._field_nodes([stripped(item.expression) for item in listed], beside):
                self._connect(node)

    def _field_nodes(self, fields: Sequence[ast.Expression], beside: Sequence[ast.VarRef]) -> Sequence[Node]:
        """The node of each field. Rows that streams which stop have brought out of order are not joined again."""
        if self.stopping and any(is_computed(field) for field in fields):
            return [self._computed({self._label(ast.Field(field)): field for field in fields}, beside)] * len(fields)
        return [self._field(field, beside) for field in fields]

    def _retitle(self, columns: tuple[OutputColumn, ...]) -> None:
        settings = {**self.output.settings, "columns": columns}
        if not self.raw and self._limits_calls:
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
        expression = stripped(item.expression)
        if not isinstance(expression, ast.VarRef):
            return format_node(as_call(expression) if is_call(expression) else expression)
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
            variables = [node for item in fields for node in outside_calls(item.expression)]
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

    @property
    def _limits_calls(self) -> bool:
        """Whether each call has a limit of its own."""
        return not self.alone or self.stopping

    # --- values where there are none ---

    @property
    def _has_defaults(self) -> bool:
        """Whether fill() names something for columns that have no value in a row of the answer."""
        return self.select.fill is not None and self.fill.option in (FillOption.NUMBER, FillOption.PREVIOUS)

    def _with_defaults(self, rows: Node, labels: Iterable[str]) -> Node:
        columns = tuple(FillColumn(label, DataType.UNKNOWN, self.fill.option, self.fill.value) for label in labels)
        node = Default(columns=columns, offset=min(self.select.offset, MOST_ROWS) if self.raw else 0)
        self.graph.connect(rows, node)
        return node

    def _join_calls(self, fields: Sequence[ast.Field], beside: Sequence[ast.VarRef]) -> None:
        """Bring the columns of all calls together, so that one without a value in a row can have a default."""
        calls = [call for item in fields for call in group_calls(item.expression)]
        self.joined = {format_node(call): call for call in calls}
        nodes = {format_node(call): self._result(call, beside) for call in calls}
        labels = list(nodes)
        first = self.traits.calls[0]
        nodes |= {_beside_label(first, node): self._result(first, beside) for node in beside}
        if self.stopping:
            stopping = [[label] for label, call in self.joined.items() if self._may_stop(as_call(call))]
            stopping[0] += [_beside_label(first, node) for node in beside]
            taken = {label for labels in stopping for label in labels}
            others = [label for label in nodes if label not in taken]
            abreast = self._abreast(nodes.values(), stopping, others, patient=not self.is_subquery)
            nodes = dict.fromkeys(nodes, abreast)
            self.results |= dict.fromkeys(labels, abreast)
        if len(nodes) < 2 or not self._has_defaults:
            return
        joined = self._project({label: Reference(label) for label in nodes}, *nodes.values())
        defaults = self._with_defaults(joined, nodes)
        self.results |= dict.fromkeys(labels, defaults)

    def _may_stop(self, call: ast.Call) -> bool:
        """Whether its stream may stop. Over the groups of a subquery it goes on if any of them has a row."""
        return may_stop(call.name) and not (
            self.is_subquery and any(not is_time_call(d) for d in self.select.dimensions)
        )

    def _abreast(
        self, sources: Iterable[Node], stopping: Sequence[Sequence[str]], others: Iterable[str], *, patient: bool
    ) -> Node:
        """The node that reads calls side by side.

        Args:
            stopping: the labels of the columns of each call that may stop, its own first.
            others: those of the calls that do not.
        """
        streams = tuple(Stopping(stops_label(labels[0]), tuple(labels)) for labels in stopping)
        node = Abreast(streams=streams, others=tuple(others), patient=patient, descending=self.descending)
        for source in dict.fromkeys(sources):
            self.graph.connect(source, node)
        return node

    # --- calls ---

    def _field(self, node: ast.Expression, beside: Sequence[ast.VarRef]) -> Node:
        if isinstance(node, ast.VarRef):  # a column beside a selector comes with the selected point
            return self._result(self.traits.calls[0], beside)
        if is_call(node):
            return self._result(node, beside)
        return self._computed({format_node(node): node}, beside)

    def _made(self, node: ast.Expression, beside: Sequence[ast.VarRef]) -> Node:
        """The node whose column is the result of a call as it is selected.

        InfluxDB makes a call of `DISTINCT v` in the outermost SELECT only. In a subquery it is a column of nothing.
        """
        if self.is_subquery and any(isinstance(part, ast.Distinct) for part in node.walk()):
            return Nothing()
        selected = as_call(node)
        return self._call(selected, beside, selected=selected)

    def _computed(self, fields: Mapping[str, ast.Expression], beside: Sequence[ast.VarRef]) -> Node:
        """Arithmetic and mathematics over calls, by labels: a projection that reads all of them."""
        calls: dict[str, Node] = {}

        def result(call: ast.Call | ast.Distinct | ast.Wildcard) -> Expression:
            if isinstance(call, ast.Wildcard) or not is_call(call):
                raise CompileError(f"undefined function {format_node(call)}", span=call.span)
            label = format_node(as_call(call))
            calls.setdefault(label, self._result(call, beside))
            return Reference(label, span=call.span)

        def variable(node: ast.VarRef) -> Expression:
            first = self.traits.calls[0]
            calls.setdefault(format_node(first), self._result(first, beside))
            return Reference(_beside_label(first, node), span=node.span)

        columns = {label: lower(node, result, variable) for label, node in fields.items()}
        return self._project(columns, *calls.values())

    def _result(self, call: ast.Expression, beside: Sequence[ast.VarRef]) -> Node:
        """The node that a selected call is read from: of several, each is limited by itself."""
        label = format_node(as_call(call))
        if label not in self.results:
            node, limit, offset = self._made(call, beside), self.select.limit, self.select.offset
            if self._limits_calls and (limit or offset):
                stops = (stops_label(label),) if self._may_stop(as_call(call)) else ()
                limited = Limit(
                    label=label,
                    beside=(*(_beside_label(as_call(call), column) for column in beside), *stops),
                    stops=next(iter(stops), ""),
                    limit=min(limit, MOST_ROWS) or None,
                    offset=min(offset, MOST_ROWS),
                    present=isinstance(node, Aggregate),
                )
                self.graph.connect(node, limited)
                node = limited
            self.results[label] = node
        return self.results[label]

    def _call(self, call: ast.Call, beside: Sequence[ast.VarRef], steps: int = 0, *, selected: ast.Call) -> Node:
        """The node whose column is the result of one call, each call made once.

        Args:
            steps: for how many buckets before the time range it is made as well.
            selected: the call that it is inside of, or itself.
        """
        key = (format_node(call), steps)
        if key not in self.parts:
            function = FUNCTIONS.get(call.name)
            if isinstance(function, WalkFunction):
                self.parts[key] = self._walk(call, function, steps, selected)
            elif isinstance(function, GroupFunction):
                self.parts[key] = self._aggregate(call, key[0], beside, steps)
            else:
                nothing = self.parts[key] = Nothing()
                self.unsupported[nothing] = call, selected
        return self.parts[key]

    def _source_at(self, steps: int) -> Node:
        if steps and look_back(self.time_range, self.window, steps, self.descending).is_empty:
            return Nothing()
        return self.sources[min(steps, max(self.sources))]

    def _walk(self, call: ast.Call, function: WalkFunction, steps: int, selected: ast.Call) -> Node:
        inner, steps = call.args[0], steps + looks_back(call)
        if isinstance(inner, ast.Call | ast.Distinct):
            inner_call = as_call(inner)
            source = self._call(inner_call, (), steps, selected=selected)
            argument = format_node(inner_call)
            if self._may_stop(inner_call):
                source = self._abreast([source], [[argument]], (), patient=False)
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
            stops=stops_label(label) if self._may_stop(call) else "",
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
        node = Fill(
            columns=tuple(with_stops(fills, group_call.stops)),
            window=self.window,
            time_range=time_range,
            descending=self.descending,
        )
        self.graph.connect(aggregate, node)
        return node

    def _is_filled(self, function: GroupFunction) -> bool:
        return self.window is not None and self.filling and function.fillable

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
