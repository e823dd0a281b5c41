"""A continuous query read from its text: its schedule, and the SELECT that one turn of it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from influxish import influxql
from influxish.compiler.conditions import Clock, moment
from influxish.continuous.schedule import Schedule
from influxish.errors import CompileError, ExecutionError
from influxish.influxql import ast, manage
from influxish.types import TimeRange


@dataclass(frozen=True, slots=True)
class ContinuousQuery:
    """What a stored text means.

    Attributes:
        schedule: None for one that is never due, because it has no GROUP BY time().
    """

    select: ast.Select
    schedule: Schedule | None

    @staticmethod
    def read(text: str, now: int) -> ContinuousQuery:
        """The continuous query that a statement makes.

        Args:
            text: a CREATE CONTINUOUS QUERY statement.
            now: ns; what now() means in GROUP BY time(1h, now()).
        Raises:
            QueryError: the text is none, or its buckets are none.
        """
        (statement,) = influxql.parse(text)
        assert isinstance(statement, manage.CreateContinuousQuery), text
        return ContinuousQuery(statement.select, _schedule(statement, Clock(now, statement.select.timezone)))

    @property
    def is_raw(self) -> bool:
        """Whether it calls no function."""
        return not any(isinstance(part, ast.Call) for item in self.select.fields for part in item.walk())

    def turn(self, time_range: TimeRange) -> ast.Select:
        """The SELECT for some of all times; bounds on time that it has itself mean nothing.

        Raises:
            ExecutionError: it calls no function, which InfluxDB runs as little.
        """
        if self.is_raw:
            raise ExecutionError("continuous queries must be aggregate queries")
        time = ast.VarRef("time")
        condition: ast.Expression = ast.BinaryExpr(">=", time, ast.IntegerLiteral(time_range.start))
        if self.select.condition is not None:
            own = ast.ParenExpr(_without_time(self.select.condition))
            condition = ast.BinaryExpr("AND", own, condition)
        stop = ast.BinaryExpr("<", time, ast.IntegerLiteral(time_range.stop))
        return replace(self.select, condition=ast.BinaryExpr("AND", condition, stop))


def _schedule(statement: manage.CreateContinuousQuery, clock: Clock) -> Schedule | None:
    for dimension in statement.select.dimensions:
        match dimension.expression:
            case ast.Call(name="time", args=(ast.DurationLiteral(nanoseconds=int(interval)), *more)) if interval > 0:
                offset = moment(more[0], clock) if more else 0
                return Schedule.of(interval, offset, statement.resample_every, statement.resample_for, clock.zone)
            case ast.Call() as call:
                raise CompileError("time dimension must have duration argument", span=call.span)
    return None


def _without_time(condition: ast.Expression) -> ast.Expression:
    """The condition with `true` for each comparison of time. Without recursion: a chain of ANDs may be long."""
    pending: list[tuple[ast.Expression, bool]] = [(condition, False)]
    done: list[ast.Expression] = []
    while pending:
        node, has_parts = pending.pop()
        match node:
            case ast.BinaryExpr(left=ast.VarRef(name="time")):
                done.append(ast.BooleanLiteral(True, span=node.span))
            case ast.BinaryExpr() if has_parts:
                right, left = done.pop(), done.pop()
                done.append(replace(node, left=left, right=right))
            case ast.BinaryExpr(left=left, right=right):
                pending += [(node, True), (right, False), (left, False)]
            case ast.ParenExpr() if has_parts:
                done.append(replace(node, expression=done.pop()))
            case ast.ParenExpr(expression=inner):
                pending += [(node, True), (inner, False)]
            case _:
                done.append(node)
    (result,) = done
    return result
