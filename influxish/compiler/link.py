"""Link: the symbols of a compiled graph meet the schema. Shards are found, names looked up, wildcards expanded.

After this stage the graph holds one scan for each (source, shard), and every column has a type: see `node_types.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from influxish.compiler.builder import SelectBuilder
from influxish.compiler.checks import check_expanded, is_time
from influxish.compiler.counting import counted_series
from influxish.compiler.dimensions import dimension_names, is_time_call
from influxish.compiler.keys import key_label, key_names, with_listed_keys
from influxish.compiler.names import own_title
from influxish.compiler.node_types import NodeTyper, Refused
from influxish.compiler.places import resolve_target
from influxish.compiler.result_types import column_type, result_type
from influxish.compiler.scope import Scope, is_pattern
from influxish.compiler.select import Compiled
from influxish.compiler.sources import (
    aligned_columns,
    leaf_of,
    leaves_of,
    scope_of_subquery,
    separate_sources,
)
from influxish.compiler.wildcards import expand_fields
from influxish.errors import CompileError, NotFound
from influxish.functions.expression import Reference
from influxish.influxql import ast
from influxish.plan.graph import Graph, walk_down
from influxish.plan.node import Node
from influxish.plan.nodes import (
    Aggregate,
    Derive,
    Filter,
    Merge,
    Nothing,
    Project,
    Scan,
    Table,
    Walk,
)
from influxish.regex import compile_regex
from influxish.storage.interface import ScanRequest, ShardSource, Store
from influxish.types import ALL_TIME, DataType, FieldRequest, SeriesLimit

FoundShard = tuple[str, ShardSource, str]
"""Name of a shard, the shard, and a measurement in it that a name in FROM means."""

Found = dict[Table, list[FoundShard]]


@dataclass(frozen=True, slots=True)
class Linked:
    """A graph whose scans can be carried out: `shards` holds the snapshot that each name in a `Scan` means."""

    graph: Graph
    shards: dict[str, ShardSource]


def link(compiled: Compiled, store: Store, database: str) -> Linked:
    """Look up every name of a compiled statement.

    Args:
        compiled: it is used up: its graph becomes the linked one.
        store: where databases and shards are found.
        database: the one meant by sources that name none; "" for none.
    Raises:
        NotFound: a database or retention policy that does not exist.
        CompileError: types that do not fit a function or an operator.
    """
    linker = _Linker(compiled, store, database)
    linker.find_dimensions()
    for builder in compiled.builders:
        linker.link_select(builder)
    for node in compiled.graph.walk():
        if node in linker.refused:
            raise linker.refused[node]
    resolve_target(compiled, store, database, linker.found)
    compiled.graph.check()
    return Linked(compiled.graph, linker.shards)


@dataclass(slots=True)
class _Linker:
    compiled: Compiled
    store: Store
    database: str
    shards: dict[str, ShardSource] = field(default_factory=dict)
    snapshots: dict[tuple[str, str], list[tuple[str, ShardSource]]] = field(default_factory=dict)
    found: Found = field(default_factory=dict)
    refused: Refused = field(default_factory=dict)

    @property
    def graph(self) -> Graph:
        return self.compiled.graph

    def find_dimensions(self) -> None:
        """The tags each SELECT is grouped by: its own, patterns meaning what its sources offer, and those around it.

        A subquery offers the tags it groups by itself. Those around it reach further down, to the tables, and so do
        the names that calls around it list.
        """
        for builder in self.compiled.builders:
            written = dimension_names([d for d in builder.select.dimensions if not is_time_call(d)])
            by_pattern, offered = any(is_pattern(name) for name in written), set[str]()
            if by_pattern or builder.is_open():
                offered.update(*map(self._offered_tags, leaves_of(builder.source)))
            builder.own_dimensions = builder.dimensions = Scope(tags=offered).dimensions(written)
            # Grouped by a pattern of any kind, no tag is a column, whether the pattern matches it or not.
            builder.hidden = tuple(offered if by_pattern else offered.intersection(written))
        for builder in reversed(self.compiled.builders):
            for leaf in (leaf for source in builder.sources.values() for leaf in leaves_of(source)):
                if isinstance(leaf, Derive):
                    inner = self._builder_of(leaf)
                    around = {*builder.dimensions, *key_names(builder.fields)}
                    inner.dimensions = tuple(sorted({*inner.own_dimensions, *around}))

    def _offered_tags(self, leaf: Table | Derive) -> Iterable[str]:
        if isinstance(leaf, Derive):
            return self._builder_of(leaf).own_dimensions
        return {tag for _, source, measurement in self._find(leaf) for tag in source.schema()[measurement].tags}

    def link_select(self, builder: SelectBuilder) -> None:
        unlinked, scope = builder.output, Scope(grouped=frozenset(builder.dimensions))
        each_source = [list(leaves_of(source)) for source in builder.sources.values()]
        leaves = [leaf for listed in each_source for leaf in listed]
        found = {leaf: self._find(leaf) for leaf in leaves if isinstance(leaf, Table)}
        for leaf in leaves:
            if isinstance(leaf, Table):
                for _, source, measurement in found[leaf]:
                    schema = source.schema()[measurement]
                    scope.add_table(schema.fields, schema.tags)
            else:
                self._add_derived(scope, leaf)
                scope.whole_rows = not found
        if builder.is_open():
            expanded = expand_fields(builder.fields, scope, builder.hidden)
            check_expanded(builder.select, expanded, builder.traits.buckets)
            builder.build(expanded)
        separate_sources(self.graph, builder)
        self._note_types(builder, scope)
        for nothing, (call, selected) in builder.unsupported.items():
            if result_type(selected, scope.type_of) is not DataType.UNKNOWN:  # else it is not run
                self.refused[nothing] = CompileError(f"unsupported call: {call.name}", span=call.span)
        drivers = {ref.name for node in walk_down(builder.output, above=leaves) for ref in _drivers(node, builder)}
        is_run = partial(self._is_run, builder, scope, found)
        begins_without = partial(self._begins_without, each_source[0], found)
        typer = NodeTyper(self.graph, builder, scope, is_run, begins_without, self.refused)
        for node in list(walk_down(builder.output, above=leaves)):
            if node.outputs or node is builder.output:  # else it was cut off with a reader that had no column
                self._typer_of(node, typer, alone=len(leaves) == 1).type(node)
        for outer in self.compiled.builders:
            for steps, below in outer.sources.items():
                outer.sources[steps] = builder.output if below is unlinked else below
        for listed in each_source:
            self._link_leaves(listed, found, scope, builder, drivers)

    def _typer_of(self, node: Node, typer: NodeTyper, *, alone: bool) -> NodeTyper:
        """What types a node: conditions on the rows of one of several subqueries know the names that it has."""
        leaf = leaf_of(node) if isinstance(node, Filter) and not alone else None
        if not isinstance(leaf, Derive):
            return typer
        below = self._builder_of(leaf)
        return replace(typer, scope=scope_of_subquery(typer.scope, below.types, below.own_dimensions))

    def _note_types(self, builder: SelectBuilder, scope: Scope) -> None:
        """What the types of the columns are said to be. Type errors are errors of the outermost SELECT only."""
        outermost = builder is self.compiled.builders[-1]
        for item in with_listed_keys(builder.fields):
            title, type = own_title(item), DataType.UNKNOWN
            if outermost or not isinstance(item.expression, ast.Distinct):
                try:
                    type = column_type(item.expression, scope.type_of, nested=not outermost)
                except CompileError:
                    if outermost:
                        raise
                    if title not in builder.types:
                        builder.faulty.add(title)
            builder.types.setdefault(title, type)
        builder.unlisted = builder.types.keys() - set(map(own_title, builder.fields))
        for item in builder.select.fields:
            if is_time(item.expression) and item.alias:
                builder.types.setdefault(item.alias, DataType.UNKNOWN)

    def _begins_without(self, leaves: list[Table | Derive], found: Found, name: str) -> bool:
        """Whether the first source that has the column, or is a subquery, is a subquery without it."""
        for leaf in leaves:
            if isinstance(leaf, Derive):
                return name not in self._offers(leaf)
            if any(name in source.schema()[measurement].fields for _, source, measurement in found[leaf]):
                return False
        return False

    def _is_run(self, builder: SelectBuilder, scope: Scope, found: Found, name: str, type: DataType) -> bool:
        """Whether any series that WHERE does not rule out by its tags may have a field of that name and type.

        A subquery that has the name is asked always. A name that is no field stands for any.
        """
        leaves = (leaf for source in builder.sources.values() for leaf in leaves_of(source))
        derived = (self._builder_of(leaf) for leaf in leaves if isinstance(leaf, Derive))
        if scope.whole_rows or any(name in inner.types for inner in derived):
            return True
        counted, limit = counted_series(builder.condition, scope), self._series_limit(builder)
        for _, source, measurement in (item for listed in found.values() for item in listed):
            fields = source.schema()[measurement].fields
            if name in scope.fields and type not in fields.get(name, ()):
                continue
            requests = tuple(FieldRequest(field, field, types[0]) for field, types in fields.items())
            request = ScanRequest(measurement, requests, series=counted, series_limit=limit, counted=counted)
            if source.estimate(request).series:
                return True
        return False

    def _link_leaves(
        self,
        leaves: list[Table | Derive],
        found: Found,
        scope: Scope,
        builder: SelectBuilder,
        drivers: set[str],
    ) -> None:
        """Args: drivers: the names that calls are called on; a subquery that has none of them is not asked."""
        for place, leaf in enumerate(leaves):
            if not leaf.outputs:
                continue
            if isinstance(leaf, Table):
                self._put_scans(leaf, found[leaf], scope, builder, place)
            elif drivers.isdisjoint(self._offers(leaf)) and not builder.raw:
                self.graph.redirect(leaf, Nothing())
            else:
                self._align_derived(leaf, scope, builder, place, alone=len(leaves) == 1)

    # --- sources ---

    def _find(self, table: Table) -> list[FoundShard]:
        """(shard name, shard, measurement) for everything that a name in FROM means.

        What there is is what the outermost SELECT asks for, however narrow the range of a subquery is.
        """
        if table not in self.found:
            self.found[table] = self._find_anew(table)
        return self.found[table]

    def _find_anew(self, table: Table) -> list[FoundShard]:
        asked = self.compiled.builders[-1].time_range
        matches: Callable[[str], bool] = table.measurement.__eq__
        if table.is_pattern:
            pattern = compile_regex(table.measurement)
            matches = lambda name: pattern.search(name) is not None  # noqa: E731
        return [
            (label, source, measurement)
            for label, source in self._snapshot(table.database or self.database, table.policy)
            if source.time_range.overlaps(asked) or source.time_range.overlaps(table.time_range)
            for measurement in sorted(source.schema())
            if matches(measurement)
        ]

    def _snapshot(self, database: str, policy: str) -> list[tuple[str, ShardSource]]:
        """All shards of a policy as of one moment, however often a query names it."""
        if not database:
            raise NotFound("database name required")
        if not self.store.has_database(database):
            raise NotFound(f"database not found: {database}")
        policy = policy or self.store.default_policy(database)
        if not self.store.has_policy(database, policy):
            raise NotFound(f"retention policy not found: {policy}")
        key = (database, policy)
        if key not in self.snapshots:
            self.snapshots[key] = []
            for source in self.store.shards(database, policy, ALL_TIME):
                label = source.name if source.name not in self.shards else f"{database}.{policy} {source.name}"
                self.shards[label] = source
                self.snapshots[key].append((label, source))
        return self.snapshots[key]

    def _put_scans(
        self, table: Table, found: list[FoundShard], scope: Scope, builder: SelectBuilder, place: int
    ) -> None:
        limit, counted = self._series_limit(builder), counted_series(builder.condition, scope)
        scans: list[Node] = [
            Scan(
                shard=label,
                measurement=measurement,
                fields=scope.requests(),
                tags=scope.tag_requests(),
                dimensions=builder.dimensions,
                time_range=table.time_range,
                series_limit=limit,
                counted=None if limit is None else counted,
                descending=builder.descending,
                place=place,
            )
            for label, source, measurement in found
            if source.time_range.overlaps(table.time_range)
        ]
        scans = scans or [Nothing()]
        if len(scans) > 1 and not all(isinstance(reader, Merge) for reader in table.readers):
            self.graph.append(table, Merge())
        self.graph.split(table, scans)

    def _series_limit(self, builder: SelectBuilder) -> SeriesLimit | None:
        """What SLIMIT and SOFFSET leave of the groups of a shard: these are the groups of the outermost query."""
        limit, offset = builder.series_limit
        return SeriesLimit(self.compiled.builders[-1].own_dimensions, limit, offset) if limit or offset else None

    # --- subqueries ---

    def _builder_of(self, derive: Derive) -> SelectBuilder:
        return next(builder for builder in self.compiled.builders if builder.output is derive)

    def _offers(self, derive: Derive) -> Iterable[str]:
        """The names that a subquery has for those around it."""
        builder = self._builder_of(derive)
        return *builder.types, *builder.own_dimensions

    def _add_derived(self, scope: Scope, derive: Derive) -> None:
        builder = self._builder_of(derive)
        listed = builder.types.keys() - builder.unlisted
        scope.add_subquery(builder.types, builder.own_dimensions, builder.faulty, listed)

    def _align_derived(self, derive: Derive, scope: Scope, builder: SelectBuilder, place: int, *, alone: bool) -> None:
        """Tell a subquery what is read around it, and give it the columns of its neighbours."""
        own = {column.name for column in derive.columns}
        grouped = {*self._builder_of(derive).own_dimensions, *scope.conditions}
        tags = tuple(name for name in scope.tag_requests() if name in grouped and name not in own)
        keys = tuple((key_label(name), name) for name in sorted(key_names(builder.fields)))
        linked = replace(derive, dimensions=builder.dimensions, tags=tags, keys=keys, place=place)
        self.graph.replace(derive, linked)
        columns = aligned_columns(linked, scope, called=not builder.raw, alone=alone)
        if columns:
            self.graph.append(linked, Project(columns=columns, descending=builder.descending))


def _drivers(node: Node, builder: SelectBuilder) -> Iterator[Reference]:
    """The column of FROM that a node calls a function on."""
    if isinstance(node, Aggregate | Walk):
        argument = node.argument if isinstance(node, Walk) else node.calls[0].argument
        if argument in builder.names:
            yield builder.names[argument]
