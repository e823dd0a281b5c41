"""One SELECT on its way into a graph: every selected field becomes an edge into the output.

Kept until linking, because what wildcards stand for is known only then, and those fields are built here like the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from influxish.compiler.checks import Traits, constant
from influxish.compiler.expressions import lower
from influxish.compiler.names import column_label, column_names, own_title
from influxish.errors import CompileError
from influxish.functions.expression import Expression, Reference
from influxish.functions.interruption import look
from influxish.functions.registry import FUNCTIONS, GroupFunction, SelectorFunction, Stamp
from influxish.functions.state import GroupCall
from influxish.influxql import ast, format_node
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import (
    Aggregate,
    Computed,
    Fill,
    FillColumn,
    FillOption,
    Open,
    Output,
    OutputColumn,
    Project,
    Sort,
)
from influxish.types import DataType, TimeRange, Window


@dataclass(slots=True)
class SelectBuilder:
    """One SELECT on its way into a graph; kept until linking, when the wildcards among its fields are expanded.

    Attributes:
        select: the statement.
        source: the node that the rows of FROM and WHERE come from.
        output: the node that reads one edge for each field.
        fields: the select list without `time`, as far as it is expanded.
        raw: no group function is called: rows are answered as they are.
        parts: label of a call → the node that makes its column.
        names: label → the column of FROM that an aggregate reads under it.
        own_dimensions: the tag keys that its GROUP BY names, once the linker knows them.
        dimensions: these and those of the queries around it: what its rows are grouped by.
        by_time: rows that are answered as they are come by time.
        row_window: those that do not come by the buckets of this window; None: by the series of the subquery alone.
        hidden: the tags that a wildcard among the fields leaves out.
        alone: the fields call one group function, and no other.
    """

    graph: Graph
    select: ast.Select
    source: Node
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
    parts: dict[str, Node] = field(default_factory=dict)
    names: dict[str, Reference] = field(default_factory=dict)
    own_dimensions: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    alone: bool = False

    @property
    def raw(self) -> bool:
        """Whether rows are answered as they are, because nothing is called."""
        return not self.traits.calls

    @property
    def order(self) -> tuple[bool, Window | None]:
        """How its rows come: `by_time` and `row_window` of a SELECT that answers them as they are."""
        return (self.by_time, self.row_window) if self.raw else (False, self.window)

    def is_open(self) -> bool:
        """Whether wildcards are left among the fields."""
        return any(has_wildcard(item.expression) for item in self.fields)

    def build(self, fields: Sequence[ast.Field]) -> None:
        """Connect an edge for each field to the output, in place of those it has."""
        old = list(self.output.inputs)
        self.parts.clear()
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
        listed = _with_listed_keys(self.fields)
        names = [own_title(item) for item in listed] if self.is_subquery else column_names(listed)
        columns = tuple(OutputColumn(name, self._label(item)) for name, item in zip(names, listed, strict=True))
        self._retitle(columns)
        if self.raw:
            self._connect_raw(listed)
        else:
            beside = [variable for item in listed for variable in _outside_calls(item.expression)]
            for item in listed:
                self._connect(self._field(item.expression, beside))

    def _retitle(self, columns: tuple[OutputColumn, ...]) -> None:
        settings = {**self.output.settings, "columns": columns}
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
            is_call = isinstance(expression, ast.Distinct) or _is_group_call(expression)
            return format_node(_as_call(expression) if is_call else expression)
        return self._name(expression) if self.raw else _beside_label(self.traits.calls[0], expression)

    def _name(self, node: ast.Expression) -> str:
        """The label of a column of FROM, noted down for the linker to look up."""
        assert isinstance(node, ast.VarRef)
        label = column_label(node.name, node.type)
        self.names[label] = Reference(node.name, node.type, span=node.span)
        return label

    def _connect_raw(self, fields: Sequence[ast.Field]) -> None:
        columns: dict[str, Computed] = {}
        for item in fields:
            expression = lower(item.expression)
            columns.setdefault(self._label(item), Computed(self._label(item), expression))
        project = Project(columns=tuple(columns.values()), descending=self.descending)
        self.graph.connect(self.source, project)
        sort = Sort(by_time=self.by_time, window=self.row_window, descending=self.descending)
        self.graph.connect(project, sort)
        for _ in fields:
            self._connect(sort)

    # --- calls ---

    def _field(self, node: ast.Expression, beside: Sequence[ast.VarRef]) -> Node:
        while isinstance(node, ast.ParenExpr):
            node = node.expression
        if isinstance(node, ast.VarRef):  # a column beside a selector comes with the selected point
            return self._call(self.traits.calls[0], beside)
        if isinstance(node, ast.Distinct) or _is_group_call(node):
            return self._call(_as_call(node), beside)
        return self._computed(node, beside)

    def _computed(self, node: ast.Expression, beside: Sequence[ast.VarRef]) -> Node:
        """Arithmetic and mathematics over calls: a projection that reads all of them."""
        calls: dict[str, Node] = {}

        def result(call: ast.Call | ast.Distinct) -> Expression:
            if not _is_group_call(call) and not isinstance(call, ast.Distinct):
                raise CompileError(f"undefined function {call.name}()", span=call.span)
            label = format_node(_as_call(call))
            calls.setdefault(label, self._call(_as_call(call), beside))
            return Reference(label, span=call.span)

        def variable(node: ast.VarRef) -> Expression:
            first = self.traits.calls[0]
            calls.setdefault(format_node(first), self._call(first, beside))
            return Reference(_beside_label(first, node), span=node.span)

        expression = lower(node, result, variable)
        project = Project(columns=(Computed(format_node(node), expression),), descending=self.descending)
        for source in dict.fromkeys(calls.values()):
            self.graph.connect(source, project)
        return project

    def _call(self, call: ast.Call, beside: Sequence[ast.VarRef]) -> Node:
        """The node whose column is the result of one call, each call made once."""
        label = format_node(call)
        if label not in self.parts:
            self.parts[label] = self._aggregate(call, label, beside)
        return self.parts[label]

    def _aggregate(self, call: ast.Call, label: str, beside: Sequence[ast.VarRef]) -> Node:
        function = _function(call)
        argument, keys = _column_arguments(call)
        columns = {self._name(node): (self._name(node), _beside_label(call, node), DataType.UNKNOWN) for node in beside}
        group_call = GroupCall(
            function=function,
            argument=self._name(argument),
            type=DataType.UNKNOWN,
            arguments=_constants(call, function),
            keys=tuple(map(self._name, keys)),
            beside=tuple(columns.values()),
            label=label,
        )
        aggregate = Aggregate(
            calls=(group_call,),
            window=self.window,
            time_range=self.time_range,
            point_times=function.stamp is Stamp.POINT
            or (function.stamp is Stamp.POINT_ALONE and self.alone and self.window is None),
            descending=self.descending,
        )
        self.graph.connect(self.source, aggregate)
        if self.window is None or not self.filling or not function.fillable:
            return aggregate
        fills = [self._fill_column(label, function.empty, label)]
        fills += [self._fill_column(written, None, label) for _, written, _ in columns.values()]
        node = Fill(columns=tuple(fills), window=self.window, time_range=self.time_range, descending=self.descending)
        self.graph.connect(aggregate, node)
        return node

    def _fill_column(self, label: str, empty: object, of: str) -> FillColumn:
        value = self.fill.value
        if self.fill.option is FillOption.NULL and isinstance(empty, int | float):
            value = empty
        return FillColumn(label, DataType.UNKNOWN, self.fill.option, value, of)


def has_wildcard(node: ast.Expression) -> bool:
    """Whether a wildcard or a regular expression over names is in it."""
    look()
    return any(isinstance(part, ast.Wildcard | ast.RegexLiteral) for part in node.walk())


def _with_listed_keys(fields: Sequence[ast.Field]) -> list[ast.Field]:
    """The fields, and after top(v, host, 3) and the like a column for each name listed in the call."""
    listed = []
    for item in fields:
        listed.append(item)
        if isinstance(item.expression, ast.Call) and _takes_keys(item.expression):
            listed += [ast.Field(key, span=key.span) for key in item.expression.args[1:-1]]
    return listed


def _takes_keys(call: ast.Call) -> bool:
    function = FUNCTIONS.get(call.name)
    return isinstance(function, SelectorFunction) and function.takes_keys


def _is_group_call(node: ast.Expression) -> bool:
    return isinstance(node, ast.Call) and isinstance(FUNCTIONS.get(node.name), GroupFunction)


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
    return first, call.args[1:-1] if _takes_keys(call) else ()


def _constants(call: ast.Call, function: GroupFunction) -> tuple[object, ...]:
    given = call.args[-1:] if _takes_keys(call) else call.args[1:]
    values = [constant(call.name, node, parameter) for node, parameter in zip(given, function.parameters, strict=False)]
    return (*values, *(parameter.default for parameter in function.parameters[len(values) :]))


def _beside_label(call: ast.Call, node: ast.VarRef) -> str:
    return f"{column_label(node.name, node.type)} at {format_node(call)}"


def _group_calls(node: ast.Expression) -> Iterator[ast.Call]:
    """The calls of group functions in an expression, those inside them left out."""
    look()
    if isinstance(node, ast.Distinct) or _is_group_call(node):
        yield _as_call(node)
    else:
        for child in node.children():
            if isinstance(child, ast.Expression):
                yield from _group_calls(child)


def _outside_calls(node: ast.Expression) -> Iterator[ast.VarRef]:
    """The variables in an expression that are not arguments of a group function."""
    look()
    if isinstance(node, ast.VarRef):
        yield node
    elif not _is_group_call(node):
        for child in node.children():
            if isinstance(child, ast.Expression):
                yield from _outside_calls(child)
