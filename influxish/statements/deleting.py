"""Statements that take data away: DELETE, DROP SERIES, DROP MEASUREMENT, DROP SHARD.

Here they are understood: which measurements, which series, which times. `storage` deletes, each time as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from influxish.compiler.conditions import Clock, split_condition
from influxish.compiler.typing import type_condition
from influxish.errors import CompileError, ExecutionError, NotFound
from influxish.functions.expression import FALSE, TRUE, Comparison, Expression, Literal, Logical, Match, Reference
from influxish.influxql import ast, manage
from influxish.statements.registry import StatementContext, executes
from influxish.statements.sources import is_meant
from influxish.storage.engine import Engine
from influxish.types import ALL_TIME, DataType, TimeRange


@executes(manage.Delete)
def delete(statement: manage.Delete, context: StatementContext) -> None:
    """Delete points; series that have none any more go with them.

    Raises:
        NotFound: there is no such database.
        CompileError: a condition that is none.
        ExecutionError: a condition on fields.
    """
    condition, time_range = _split(statement.condition)
    _delete(context, statement.sources, condition, time_range)


@executes(manage.DropSeries)
def drop_series(statement: manage.DropSeries, context: StatementContext) -> None:
    """Delete series with all their points.

    Raises:
        NotFound, CompileError, ExecutionError: as `delete`, and for a condition on time.
    """
    _existing(context)
    _refuse_time(statement.condition)
    condition, _ = _split(statement.condition)
    _delete(context, statement.sources, condition, ALL_TIME)


@executes(manage.DropMeasurement)
def drop_measurement(statement: manage.DropMeasurement, context: StatementContext) -> None:
    """Delete a measurement with all its points and the types of its fields; nothing happens if there is none.

    Raises:
        NotFound: there is no such database.
    """
    context.engine.delete(_existing(context), {statement.name: None}, forget=True)


@executes(manage.DropShard)
def drop_shard(statement: manage.DropShard, context: StatementContext) -> None:
    """Drop a shard, whatever database it is of; nothing happens if there is none."""
    context.engine.drop_shard(statement.id)


def _delete(
    context: StatementContext, sources: Sequence[ast.Source], condition: Expression | None, time_range: TimeRange
) -> None:
    engine, database = context.engine, _existing(context)
    conditions: dict[str, Expression | None] = {}
    for name in engine.measurements(database):
        if sources and not any(is_meant(source, name) for source in sources):
            continue
        context.look()
        conditions[name] = None
        if condition is not None:
            conditions[name], on_fields = _on_tags(condition, engine.field_keys(database, name))
            if on_fields is not FALSE and engine.series_keys(database, name, on_fields, context.look):
                if (shard := _a_shard(engine, database, name, time_range)) is not None:
                    raise ExecutionError(f"{shard}: fields not supported in WHERE clause during deletion")
                del conditions[name]
    if conditions and not time_range.is_empty:
        engine.delete(database, conditions, time_range)


def _on_tags(node: Expression, fields: Collection[str]) -> tuple[Expression, Expression]:
    """The series that a condition may hold for, and those of them for which that depends on more than their tags.

    Both are conditions over tags. InfluxDB refuses to delete if there is a series of the second kind, and only then:
    `host = 'nowhere' AND usage > 90` deletes nothing and is no error.
    """
    if isinstance(node, Logical):
        both = [_on_tags(term, fields) for term in node.terms]
        possible = Logical(node.op, tuple(term for term, _ in both), type=DataType.BOOLEAN)
        open_terms = tuple(term for _, term in both if term is not FALSE)
        if not open_terms:
            return possible, FALSE
        undecided = Logical("OR", open_terms, type=DataType.BOOLEAN)
        return possible, Logical("AND", (possible, undecided), type=DataType.BOOLEAN)
    if not _is_of_tags(node, fields):
        return TRUE, TRUE
    return type_condition(node, lambda reference: (reference.name, DataType.TAG)), FALSE


def _is_of_tags(node: Expression, fields: Collection[str]) -> bool:
    """Whether a condition that is no AND or OR compares tags with texts or with each other, or constants."""
    if isinstance(node, Match):
        sides: tuple[Expression, ...] = (node.operand,)
    elif isinstance(node, Comparison):
        sides = node.left, node.right
    else:
        return isinstance(node, Literal)
    if all(isinstance(side, Literal) for side in sides):
        return True
    return all(_is_tag(side, fields) or _is_text(side) for side in sides)


def _is_text(side: Expression) -> bool:
    return isinstance(side, Literal) and side.type is DataType.STRING


def _is_tag(side: Expression, fields: Collection[str]) -> bool:
    if not isinstance(side, Reference):
        return False
    return side.cast is DataType.TAG or (side.cast is None and side.name not in fields)


def _a_shard(engine: Engine, database: str, measurement: str, time_range: TimeRange) -> str | None:
    """The shard that the server would name: the first of those that are asked, or else of all.

    None if all that is left of the measurement is too old for its retention policy, and so for any statement.
    """
    found = [shard for policy in engine.policies(database) for shard in engine.shards(database, policy.name)]
    holding = [shard for shard in found if measurement in shard.schema()]
    asked = [shard for shard in holding if shard.time_range.overlaps(time_range)]
    return next((shard.name for shard in asked or holding), None)


def _split(condition: ast.Expression | None) -> tuple[Expression | None, TimeRange]:
    return split_condition(condition, Clock(time.time_ns()))


def _refuse_time(condition: ast.Expression | None) -> None:
    for part in condition.walk() if condition is not None else ():
        if isinstance(part, ast.VarRef) and part.name.lower() == "time":
            raise CompileError(
                "DROP SERIES doesn't support time in WHERE clause",
                span=part.span,
                hint="DELETE takes a range of time; a series goes when its last point does",
            )


def _existing(context: StatementContext) -> str:
    """The database that is meant: no statement that deletes names one."""
    if not context.engine.has_database(context.database):
        raise NotFound(f"database not found: {context.database}")
    return context.database
