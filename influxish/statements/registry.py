"""The one dispatch of statements that are no SELECT: each class of statement has one function that executes it.

The functions stand in the other files of this package, which enter them here with `executes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from influxish.continuous.service import ContinuousQueryService
from influxish.delivery.service import Delivery
from influxish.emit.series import StatementResult
from influxish.errors import NotFound
from influxish.exec.context import QueryContext
from influxish.exec.running import RunningQueries
from influxish.influxql.ast import Statement
from influxish.storage.engine import Engine


@dataclass(frozen=True, slots=True)
class StatementContext:
    """What a statement is executed with.

    Attributes:
        database: the one meant where the statement names none; "" for none.
        query: says when to stop.
        running: what SHOW QUERIES tells.
        delivery: sends what was written to those who subscribed.
        continuous: runs continuous queries.
    """

    engine: Engine
    database: str
    query: QueryContext
    running: RunningQueries
    delivery: Delivery
    continuous: ContinuousQueryService

    def look(self) -> None:
        """Raises: QueryCancelled, LimitExceeded: as `QueryContext.look`."""
        self.query.look()

    def meant(self, database: str) -> str:
        """The database that a statement names, or else the one that is meant.

        Raises:
            NotFound: neither is.
        """
        if not (database or self.database):
            raise NotFound("database name required")
        return database or self.database


Executor = Callable[[Any, StatementContext], StatementResult | None]
"""Executes a statement of one class; None: it is done, and there is nothing to tell."""

Function = TypeVar("Function", bound=Executor)

EXECUTORS: dict[type[Statement], Executor] = {}


def executes(*classes: type[Statement]) -> Callable[[Function], Function]:
    """Enter the decorated function as the executor of these classes."""

    def enter(function: Function) -> Function:
        for each in classes:
            assert each not in EXECUTORS, each
            EXECUTORS[each] = function
        return function

    return enter
