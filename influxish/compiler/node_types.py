"""The nodes of a linked SELECT get the types of their columns, from what their sources write.

What a call cannot take makes it nothing; whether that is an error is known when the whole graph is linked, since
InfluxDB refuses a call only where it would be run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from influxish.compiler.builder import SelectBuilder
from influxish.compiler.keys import key_label
from influxish.compiler.result_types import result_type
from influxish.compiler.scope import Scope
from influxish.compiler.sources import leaf_of
from influxish.compiler.typing import Resolve, type_condition, type_value
from influxish.errors import CompileError, QueryError
from influxish.functions.expression import NULL, Reference
from influxish.functions.registry import FUNCTIONS, Function, GroupFunction, SelectorFunction
from influxish.functions.state import GroupCall
from influxish.plan.abreast import Abreast
from influxish.plan.columns import writes
from influxish.plan.graph import Graph, walk_down
from influxish.plan.node import Node
from influxish.plan.nodes import (
    Aggregate,
    Computed,
    Default,
    Derive,
    Fill,
    FillColumn,
    FillOption,
    Filter,
    Limit,
    Nothing,
    Output,
    Project,
    Sort,
    Walk,
)
from influxish.types import DataType

Refused = dict[Node, QueryError]
"""Nothing in the place of a call → why it is refused, if it is part of the graph in the end."""


@dataclass(frozen=True, slots=True)
class NodeTyper:
    """Types the nodes of one SELECT, sources before readers.

    Attributes:
        is_run: whether any series has values of this name and type, or any values if it names no field.
        begins_without: whether a subquery that has no column of this name stands in FROM before all sources that do.
        refused: where calls that cannot take the type of their argument are noted down.
    """

    graph: Graph
    builder: SelectBuilder
    scope: Scope
    is_run: Callable[[str, DataType], bool]
    begins_without: Callable[[str], bool]
    refused: Refused

    def type(self, node: Node) -> None:
        """Put a node with types in the place of `node`; nodes of other kinds have none."""
        graph = self.graph
        match node:
            case Filter(condition=condition):
                typed = type_condition(condition, self.scope.resolve_in_condition, whole_rows=self.scope.whole_rows)
                graph.replace(node, Filter(condition=typed))
            case Project() if not any(
                isinstance(source, Abreast | Aggregate | Default | Fill | Limit | Walk | Nothing)
                for source in node.sources
            ):
                self._type_rows(node)
            case Project(columns=columns):
                made = {label: type for source in node.sources for label, type in writes(source).items()}
                resolve: Resolve = lambda ref: (ref.name, made[ref.name]) if ref.name in made else None  # noqa: E731
                computed = tuple(Computed(c.label, type_value(c.expression, resolve)) for c in columns)
                graph.replace(node, replace(node, columns=computed))
            case Aggregate():
                self._type_aggregate(node)
            case Walk():
                self._type_walk(node)
            case Default():
                self._type_default(node)
            case Limit() | Abreast() if len(node.inputs) == 1 and isinstance(node.source, Nothing):
                graph.remove(node)
            case Fill(columns=fills):
                types = writes(node.source)
                if isinstance(node.source, Nothing):
                    graph.remove(node)
                else:
                    graph.replace(node, replace(node, columns=tuple(replace(f, type=types[f.label]) for f in fills)))
            case Output(columns=outputs):
                written = {source: writes(source) for source in set(node.sources)}
                named = tuple(
                    replace(column, type=written[source].get(column.label, DataType.UNKNOWN))
                    for column, source in zip(outputs, node.sources, strict=True)
                )
                output = replace(node, columns=named)
                graph.replace(node, output)
                self.builder.output = output

    def _type_rows(self, node: Project) -> None:
        """Type a projection of plain rows. A row is answered if any field named in it has a value.

        Rows of subqueries are answered all, if any column named in it is there at all.
        """
        scope = self.scope
        references = [ref for column in node.columns for ref in column.expression.references()]
        named = [(ref.cast, found) for ref in references if (found := scope.resolve(ref)) is not None]
        required = dict.fromkeys(label for _, (label, type) in named if type is not DataType.TAG)
        typed = tuple(Computed(c.label, type_value(c.expression, scope.resolve)) for c in node.columns)
        no_cast = DataType.UNKNOWN, DataType.ANY_FIELD, None
        there = any(cast is not DataType.ANY_FIELD or type is not DataType.TAG for cast, (_, type) in named)
        whole_rows = scope.whole_rows or isinstance(leaf_of(node), Derive)
        if whole_rows and (there or any(ref.cast not in no_cast for ref in references)):
            self.graph.replace(node, replace(node, columns=typed))
        elif required and not whole_rows:
            self.graph.replace(node, replace(node, columns=typed, required=tuple(required)))
        else:
            self.graph.redirect(node, Nothing())

    def _type_aggregate(self, node: Aggregate) -> None:
        call, reference = node.calls[0], self.builder.names[node.calls[0].argument]
        found = self._argument(node, call.function, reference)
        if found is not None:
            self.graph.replace(node, replace(node, calls=(self._typed_call(call, *found),)))

    def _typed_call(self, call: GroupCall, label: str, type: DataType) -> GroupCall:
        scope, names = self.scope, self.builder.names

        def column(name: str) -> tuple[str, DataType]:
            known = scope.resolve(names[name])
            return known if known is not None else (scope.tag_label(names[name]), DataType.TAG)

        def key(name: str) -> str:
            tag = replace(names[name], cast=DataType.TAG)
            known = scope.resolve(tag)
            return key_label(tag.name) if scope.whole_rows else known[0] if known else scope.tag_label(tag)

        beside = tuple((column(read)[0], written, column(read)[1]) for read, written, _ in call.beside)
        keys = tuple(map(key, call.keys))
        return replace(call, argument=label, type=type, keys=keys, beside=beside)

    def _argument(self, node: Node, function: Function, reference: Reference) -> tuple[str, DataType] | None:
        """Label and type of the column that a function is called on.

        None if nothing comes in the place of `node`, which calls it, because there are no such values, or because it
        does not take them. Tags are no values, but those of a subquery are texts.
        """
        scope, cast = self.scope, reference.cast
        found = scope.resolve(reference)
        type = DataType.UNKNOWN if found is None else found[1]
        if scope.whole_rows:
            if type is DataType.TAG and cast in (None, DataType.TAG, DataType.STRING):
                type = DataType.STRING
            elif cast is not None and not scope.fits(reference):
                read_as = DataType.STRING if cast is DataType.TAG else cast
                own = scope.fields.get(reference.name)
                there = own is not None or reference.name in scope.untyped
                type = read_as if own is read_as or (there and read_as not in function.takes) else DataType.UNKNOWN
        elif found is None and cast is not None and reference.name in scope.untyped:
            type = DataType.STRING if cast is DataType.TAG else cast
        elif found is not None and type is DataType.TAG and cast is None and reference.name in scope.texts:
            found, type = (scope.read_as(reference.name, DataType.STRING), DataType.STRING), DataType.STRING
        if found is not None and self._begins_with_floats(node, function, type, reference):
            type = DataType.UNKNOWN
        unknown = type in (DataType.TAG, DataType.UNKNOWN, DataType.ANY_FIELD)
        if not unknown and type not in function.takes:
            self._refuse(node, function, type, reference)
        elif unknown or found is None:
            self._leave_out(node, function, reference.name)
        else:
            return found[0], type
        return None

    def _begins_with_floats(self, node: Node, function: Function, type: DataType, reference: Reference) -> bool:
        """Whether InfluxDB drops what a call gives, because the first source has no such column: see `by_source`."""
        keys = isinstance(node, Aggregate) and bool(node.calls[0].keys)
        by_source = isinstance(function, GroupFunction) and (function.by_source or keys)
        of_floats = function.returns(type) is function.returns(DataType.FLOAT)
        taken = type in function.takes or (keys and type is DataType.BOOLEAN)
        return by_source and taken and not of_floats and self.begins_without(reference.name)

    def _type_walk(self, node: Walk) -> None:
        source = node.source
        if isinstance(source, Nothing):
            self.graph.redirect(node, source)
            return
        if node.argument in self.builder.names:
            found = self._argument(node, node.function, self.builder.names[node.argument])
            if found is not None:
                self.graph.replace(node, replace(node, type=found[1]))
            return
        type = writes(source)[node.argument]
        if type in node.function.takes:
            self.graph.replace(node, replace(node, type=type))
        else:
            self._refuse(node, node.function, type, Reference(node.argument))

    def _leave_out(self, node: Node, function: Function, name: str) -> None:
        """Put nothing in the place of a call. What a subquery below it refuses is refused all the same if a column of
        it has the name that is called for, but a type error under it, and what the call gives is known without it."""
        nothing, below = Nothing(), self._refused_below(node)
        if below is not None and name in self.scope.faulty and _is_known(node, function.returns(DataType.UNKNOWN)):
            self.refused[nothing] = below
        self.graph.redirect(node, nothing)

    def _refused_below(self, node: Node) -> QueryError | None:
        return next((self.refused[below] for below in walk_down(node) if below in self.refused), None)

    def _refuse(self, node: Node, function: Function, type: DataType, reference: Reference) -> None:
        nothing, below = Nothing(), self._refused_below(node)
        if below is not None:  # of a subquery, which is run first
            self.refused[nothing] = below
        elif self.is_run(reference.name, type):
            with_keys = isinstance(node, Aggregate) and bool(node.calls[0].keys)
            self.refused[nothing] = _unsupported(function, type, reference, with_keys=with_keys)
        self.graph.redirect(node, nothing)

    def _type_default(self, node: Default) -> None:
        types = writes(node.source)
        if isinstance(node.source, Nothing):
            self.graph.remove(node)
            return
        rows = node.source.source if isinstance(node.source, Sort) else node.source
        made = rows.columns if isinstance(rows, Project) else ()
        nothing = {column.label for column in made if column.expression is NULL}
        known = {label: type for label, type in types.items() if label not in nothing}
        columns = [replace(c, type=known.get(c.label) or self._type_of_default(c)) for c in node.columns]
        kept = (c for c in columns if c.type is not DataType.UNKNOWN and not self._is_untyped(c.label))
        self.graph.replace(node, replace(node, columns=tuple(kept)))

    def _type_of_default(self, column: FillColumn) -> DataType:
        """The type of a column that nothing has, where a number is put into it."""
        if column.option is not FillOption.NUMBER:
            return DataType.UNKNOWN
        call, reference = self.builder.joined.get(column.label), self.builder.names.get(column.label)
        if call is not None:
            return result_type(call, self.scope.type_of)
        if reference is not None and reference.cast is not None and reference.cast.is_numeric:
            return reference.cast
        return DataType.INTEGER if isinstance(column.value, int) else DataType.FLOAT

    def _is_untyped(self, label: str) -> bool:
        """Whether it labels a call of which InfluxDB cannot say what it gives, and so gives nothing: max(nosuch)."""
        call = self.builder.joined.get(label)
        return call is not None and result_type(call, self.scope.type_of) is DataType.UNKNOWN


def _is_known(node: Node, type: DataType) -> bool:
    """Whether the type of what a call gives is known, or of what those give that are called on it."""
    readers = [reader for reader in node.readers if isinstance(reader, Fill | Walk)]
    outer = (reader.function.returns(type) if isinstance(reader, Walk) else type for reader in readers)
    return type is not DataType.UNKNOWN or any(map(_is_known, readers, outer))


def _unsupported(function: Function, type: DataType, reference: Reference, *, with_keys: bool) -> QueryError:
    takes = ", ".join(sorted(taken.value for taken in function.takes))
    name, iterator = function.kin or function.name, f"{type.value}InterruptIterator"
    if with_keys and isinstance(function, SelectorFunction):
        if type in FUNCTIONS[function.best_of_keys].takes:  # then it is what that hands on which is refused
            iterator = f"{type.value}Reduce{type.value.capitalize()}Iterator"
        else:
            name = function.best_of_keys
    return CompileError(
        f"unsupported {name.replace('_', ' ')} iterator type: *query.{iterator}",
        span=reference.span,
        hint=f"{reference.name} is a {type.value} field; {function.name}() takes {takes}",
    )
