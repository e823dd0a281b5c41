"""Which databases and retention policies a SELECT is about, and where it writes to.

Source of the order in which they are looked at: influxdata/influxdb 1.8, coordinator, NormalizeStatement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from influxish.compiler.select import Compiled
from influxish.errors import NotFound
from influxish.influxql import ast
from influxish.plan.nodes import Table
from influxish.plan.target import Write
from influxish.storage.interface import ShardSource, Store


def check_places(select: ast.Select, store: Store, database: str) -> None:
    """See that all databases a SELECT names are there, before anything else is looked at.

    Args:
        database: the one meant where none is named; "" for none.
    Raises:
        NotFound: one is not there, or none is meant.
    """
    for measurement in measurements_of(select):
        name = measurement.database or database
        if not name:
            raise NotFound("database name required")
        if not store.has_database(name):
            raise NotFound(f"database not found: {name}")


def measurements_of(select: ast.Select) -> Iterator[ast.Measurement]:
    """What it writes to, then what it and its subqueries read from, in the order of the text."""
    if select.target is not None:
        yield select.target.measurement
    for source in select.sources:
        if isinstance(source, ast.SubQuery):
            yield from measurements_of(source.statement)
        elif isinstance(source, ast.Measurement):
            yield source


def in_full(select: ast.Select, store: Store, database: str) -> ast.Select:
    """The same SELECT, naming database and retention policy wherever it left them out.

    Raises:
        NotFound: a database is not there, or none is meant; or it has no default policy.
    """
    check_places(select, store, database)

    def measurement(node: ast.Measurement) -> ast.Measurement:
        chosen = node.database or database
        policy = node.retention_policy or store.default_policy(chosen)
        return replace(node, database=chosen, retention_policy=policy)

    def source(node: ast.Source) -> ast.Source:
        if isinstance(node, ast.SubQuery):
            return replace(node, statement=in_full(node.statement, store, database))
        return measurement(node) if isinstance(node, ast.Measurement) else node

    target = select.target and replace(select.target, measurement=measurement(select.target.measurement))
    return replace(select, target=target, sources=tuple(map(source, select.sources)))


Found = Mapping[Table, Sequence[tuple[str, ShardSource, str]]]
"""Name in FROM → (label, snapshot, measurement) of everything that it means."""


def resolve_target(compiled: Compiled, store: Store, database: str, found: Found) -> None:
    """Tell the root of a SELECT … INTO what is known of it once the SELECT is linked.

    That is the database and the policy that are meant where it names none. Nobody asks whether there is such a policy
    before there are points.
    """
    root = compiled.graph.root
    if isinstance(root, Write):
        chosen = root.database or database
        resolved = replace(
            root,
            database=chosen,
            policy=root.policy or store.default_policy(chosen),
            tags=len(compiled.builders[-1].written_tags),
            distinct=_are_distinct(compiled, root, found),
        )
        compiled.graph.replace(root, resolved)


def _are_distinct(compiled: Compiled, target: Write, found: Found) -> bool:
    """Whether the rows are points of different series or times because those that they are made of are."""
    builder = compiled.builders[-1]
    if not builder.raw or len(compiled.builders) > 1:
        return False
    names = [name for sources in found.values() for name in {measurement for _, _, measurement in sources}]
    if len(set(names)) < len(names) or (target.measurement and len(names) > 1):
        return False
    tags = {tag for sources in found.values() for _, source, name in sources for tag in source.schema()[name].tags}
    return tags <= set(builder.dimensions)
