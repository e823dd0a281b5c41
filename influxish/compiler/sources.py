"""Several sources in one FROM: each has rows of its own kind, so WHERE and the selected rows are made for each.

InfluxDB reads every source by itself and brings together what comes of it: the rows of a subquery are rows whatever is
selected of them, those of a measurement are rows only where a selected field has a value; and a name that one of
several subqueries does not have is an empty text to the conditions on its rows.
Source: influxdata/influxdb 1.6, buildAuxIterator in query/select.go and newFilterCursor in query/cursor.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from influxish.compiler.builder import SelectBuilder
from influxish.compiler.scope import Scope
from influxish.functions.expression import NULL, Expression, MathCall, Reference
from influxish.plan.columns import writes
from influxish.plan.graph import Graph
from influxish.plan.node import Node
from influxish.plan.nodes import Computed, Derive, Filter, Merge, Project, Table
from influxish.types import Array, DataType


def leaves_of(source: Node) -> Iterator[Table | Derive]:
    """The tables and subqueries that the rows of one SELECT come from, in the order of FROM."""
    if isinstance(source, Table | Derive):
        yield source
        return
    for below in source.sources:
        yield from leaves_of(below)


def leaf_of(node: Node) -> Table | Derive | None:
    """The one table or subquery that all rows of a node come from; None where there are several."""
    while not isinstance(node, Table | Derive):
        if len(node.inputs) != 1:
            return None
        node = node.source
    return node


def separate_sources(graph: Graph, builder: SelectBuilder) -> None:
    """Filter the rows of each source by itself, if one of several is a subquery, and select of each if not all are."""
    for steps, source in list(builder.sources.items()):
        if not source.inputs:  # nothing is selected of it
            continue
        merge = source.source if isinstance(source, Filter) else source
        kinds = set(map(type, leaves_of(merge)))
        if isinstance(merge, Merge) and Derive in kinds:
            builder.sources[steps] = merge
            if isinstance(source, Filter):
                _push_down(graph, source, merge)
            for reader in merge.readers:
                if builder.raw and Table in kinds and isinstance(reader, Project):
                    _push_down(graph, reader, merge)


def _push_down(graph: Graph, node: Node, merge: Node) -> None:
    """node ← merge ← sources becomes merge ← nodes ← sources."""
    for read in list(merge.inputs):
        graph.insert(read, replace(node))
    graph.remove(node)


@dataclass(slots=True)
class SubqueryScope(Scope):
    """What names mean to a condition on the rows of one of several subqueries; labels are those of all sources."""

    together: Scope = field(default_factory=Scope)

    def field_label(self, name: str) -> str:
        return self.together.field_label(name)


def scope_of_subquery(scope: Scope, types: Mapping[str, DataType], dimensions: Iterable[str]) -> SubqueryScope:
    """The part of a scope that one subquery has.

    Args:
        scope: that of all sources; what is asked for beyond the plain columns is noted down there.
        types: of the columns of the subquery.
        dimensions: the tag keys that it is grouped by itself.
    """
    own: Collection[str] = {*types, *dimensions}
    return SubqueryScope(
        fields={name: type for name, type in scope.fields.items() if name in types},
        tags=scope.tags.intersection(own),
        casts=scope.casts,
        grouped=scope.grouped.difference(scope.fields),
        conditions=scope.conditions,
        untyped={name for name, type in types.items() if type is DataType.UNKNOWN and name not in scope.fields},
        faulty=scope.faulty,
        whole_rows=True,
        selected={name for name, type in types.items() if type is DataType.TAG},
        missing=scope.missing,
        together=scope,
    )


def aligned_columns(derive: Derive, scope: Scope, *, called: bool, alone: bool) -> tuple[Computed, ...]:
    """The columns of a subquery as the query around it reads them: its own, or null where it has none of that kind.

    Args:
        derive: linked.
        scope: that of the query around it.
        called: functions are called on them; to these a number that is none is the smallest integer, else it is null.
        alone: there is no other source. Then () says that the columns are as they shall be.
    """
    types = writes(derive)
    names = {request.label: request.name for request in scope.requests()}
    wanted = {request.label: request.type for request in scope.requests()}
    wanted |= dict.fromkeys((*scope.tag_requests(), *dict(derive.keys)), DataType.TAG)
    if alone and all(types.get(label) is type for label, type in wanted.items()):
        return ()
    columns = []
    for label, type in wanted.items():
        name = names.get(label, label)
        have = types.get(name)
        same = have is type or (have is not None and have.is_numeric and type.is_numeric)
        same = same or (have is DataType.TAG and type is DataType.STRING and names.get(label) in scope.texts)
        column: Expression = Reference(name, type=type) if same else replace(NULL, type=type)
        if called and have is DataType.FLOAT and type is DataType.INTEGER:
            column = MathCall("integer", (Reference(name, type=have),), _whole, have, type=type)
        columns.append(Computed(label, column))
    return tuple(columns)


def _whole(values: Array) -> Array:
    """Floats without their fractions: (n,) float64 → (n,) int64."""
    with np.errstate(invalid="ignore"):
        return values.astype(np.int64)
