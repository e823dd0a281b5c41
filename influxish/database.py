"""The face of influxish: open a database, write points, ask questions, see the graph.

`Database.query` is the life of a query in one screen: parse → compile → link → optimize → execute → rows. How points
are written, and what of them is listed, is `contents.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any, Self

from influxish import influxql
from influxish.answering import Question, Stream, located
from influxish.contents import Contents
from influxish.continuous.service import ContinuousQueryRun, ContinuousQueryService
from influxish.delivery.options import DeliveryOptions
from influxish.delivery.service import Delivery
from influxish.emit.rows import CHUNK_ROWS, check_chunk_rows
from influxish.emit.series import StatementResult
from influxish.errors import CompileError, InfluxishError
from influxish.exec.context import CancelSwitch, Limits, QueryContext
from influxish.exec.pool import WorkerPool
from influxish.exec.running import RunningQueries
from influxish.explain import Explanation
from influxish.influxql import ast
from influxish.result import Result, collect
from influxish.statements import StatementContext, execute
from influxish.storage.accounts import Accounts
from influxish.storage.continuous_queries import StoredContinuousQuery
from influxish.storage.engine import Engine, StorageOptions
from influxish.types import NOWHERE
from influxish.upkeep import Periodic, Upkeep, moment_or_now


def open(path: str | Path = ":memory:", **settings: Any) -> Database:
    """Open the databases in a folder, which is made if it is missing; ":memory:" keeps everything in memory.

    Args:
        path: the folder. One process at a time may have it open.
        settings: any field of `Limits`, `StorageOptions`, `DeliveryOptions` or `Upkeep`, and `workers`, the number of
            threads that scan (one for each core if left out). docs/settings.md lists them.
    Raises:
        StorageError: the folder cannot be used; the message says why, and who holds it.
        InfluxishError: a setting that does not exist, or a value that it does not accept.
    """
    if not isinstance(path, str | PathLike) or path == "":
        raise InfluxishError(f'open() takes the path of a folder, or ":memory:", not {path!r}')
    limits = {item.name: settings.pop(item.name) for item in fields(Limits) if item.name in settings}
    storage = {item.name: settings.pop(item.name) for item in fields(StorageOptions) if item.name in settings}
    upkeep = {item.name: settings.pop(item.name) for item in fields(Upkeep) if item.name in settings}
    delivery = {item.name: settings.pop(item.name) for item in fields(DeliveryOptions) if item.name in settings}
    workers = settings.pop("workers", 0)
    if settings:
        raise InfluxishError(f"there is no setting {next(iter(settings))!r}; see docs/settings.md")
    WorkerPool.SETTING.check("workers", workers)
    # Nothing is opened for a setting that is refused.
    chosen, options = Limits(**limits), StorageOptions(**storage)
    deliveries, regular = DeliveryOptions(**delivery), Upkeep(**upkeep)
    engine = Engine.open(None if str(path) == ":memory:" else Path(path), options)
    return Database(engine, chosen, workers, deliveries, regular)


class Database(Contents):
    """Databases in a folder, or in memory. Every method may be called from several threads at once."""

    def __init__(
        self,
        engine: Engine,
        limits: Limits,
        workers: int = 0,
        deliveries: DeliveryOptions | None = None,
        upkeep: Upkeep | None = None,
    ) -> None:
        self.engine = engine
        self.limits = limits
        self.upkeep = upkeep or Upkeep()
        self._pool = WorkerPool(workers)
        self._running = RunningQueries()
        self.delivery = Delivery(engine.subscriptions, deliveries or DeliveryOptions())
        engine.on_written = self.delivery.written
        self._closing = threading.RLock()
        self._continuous = ContinuousQueryService(
            engine.continuous_queries, self._run_continuous_query, self._running.closing
        )
        self._periodic: list[Periodic] = []
        for name, seconds, action in (
            ("continuous queries", self.upkeep.continuous_query_seconds, self.run_continuous_queries),
            ("retention", self.upkeep.retention_seconds, self.drop_expired),
        ):
            if seconds:
                self._periodic.append(Periodic(name, seconds, action))

    # --- questions ---

    def query(
        self,
        text: str,
        *,
        database: str = "",
        params: Mapping[str, object] | None = None,
        disable: str | Collection[str] = (),
        cancel: CancelSwitch | None = None,
    ) -> Result:
        """Run one statement and return its whole answer.

        Args:
            text: one InfluxQL statement.
            database: the one it is about, where it names none itself.
            params: values for `$name` in the text.
            disable: optimizer rules to leave out, a name or several; "all" leaves out every one. The answer is the
                same.
            cancel: stops the query when somebody sets it.
        Raises:
            QueryError: the text is at fault; the message shows where.
            NotFound: a database or retention policy that does not exist.
            ExecutionError: cancelled, or a limit was reached.
            StorageError: data could not be read.
        """
        context = self._context(cancel)
        with self._running.step(context), located(text):
            statements = self._parse(text, params, context)
            if len(statements) != 1:
                message = f"query() takes one statement, this text has {len(statements)}: use run() for several"
                raise CompileError(message, span=statements[1].span if statements else NOWHERE)
            with self._listed(statements, database, context):
                return self._result(statements[0], database, disable, context)

    def _result(
        self, statement: ast.Statement, database: str, disable: str | Collection[str], context: QueryContext
    ) -> Result:
        if isinstance(statement, ast.Select):
            plan = self._question(statement, database, disable, context).plan()
            with closing(plan.kept_batches()) as batches:
                return collect(batches, plan.headings, plan.root.time_name, plan.root.zone)
        chunks = list(self._other(statement, database, disable, context).chunks)
        return Result(chunks, chunks[0].columns if chunks else ())

    def run(
        self,
        text: str,
        *,
        database: str = "",
        params: Mapping[str, object] | None = None,
        disable: str | Collection[str] = (),
        cancel: CancelSwitch | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> Iterator[StatementResult]:
        """Run several statements; each answer streams, and must be read before the next one is asked for.

        An error ends the run: it is raised, by the iterator or while its answer is read.

        Args: as `query`; chunk_rows: rows of a chunk at most, 1 or more.
        """
        check_chunk_rows(chunk_rows)
        context = self._context(cancel)
        with self._running.step(context), located(text):
            statements = self._parse(text, params, context)
        with self._listed(statements, database, context):
            for number, statement in enumerate(statements):
                context = self._context(cancel, context.killed) if number else context
                if (
                    not isinstance(statement, ast.Select) or statement.target is not None
                ):  # it takes effect, read or not
                    with self._running.step(context), located(text):
                        answer = self._other(statement, database, disable, context)
                    answer.statement_id = number
                    yield answer
                    continue
                with self._running.step(context), located(text):
                    plan = self._question(statement, database, disable, context).plan()
                with closing(plan.batches()) as batches:
                    stream = Stream(plan, batches, chunk_rows, self._running)
                    yield StatementResult(number, stream, plan.root.zone)
                    stream.over = True

    def explain(
        self,
        text: str,
        *,
        database: str = "",
        params: Mapping[str, object] | None = None,
        disable: str | Collection[str] = (),
        analyze: bool = False,
        cancel: CancelSwitch | None = None,
    ) -> Explanation:
        """The graph of a SELECT before and after the optimizer; `analyze` runs it and adds what every node did.

        Args and errors: as `query`. An EXPLAIN before the SELECT is allowed.
        """
        context = self._context(cancel)
        with self._running.step(context), located(text):
            statements = self._parse(text, params, context)
            with self._listed(statements, database, context):
                match statements:
                    case [ast.Select() as select]:
                        return self._question(select, database, disable, context).explain(analyze=analyze)
                    case [ast.Explain(statement=select, analyze=asked)]:
                        return self._question(select, database, disable, context).explain(analyze=analyze or asked)
            span = statements[0].span if statements else NOWHERE
            raise CompileError("explain() takes one SELECT statement", span=span)

    def _listed(
        self, statements: Sequence[ast.Statement], database: str, context: QueryContext
    ) -> AbstractContextManager[None]:
        def describe() -> str:
            return ";\n".join(map(influxql.format_node, statements))

        return self._running.listed(context, describe, database)

    def _context(self, cancel: CancelSwitch | None, killed: CancelSwitch | None = None) -> QueryContext:
        """What a query that begins now is bound by.

        Args:
            killed: the switch of the text that it goes on with.
        Raises:
            StorageError: the database is closed, or belongs to another process.
        """
        self.engine.refuse_when_forked()  # before anything waits for a thread that a fork does not have
        if cancel is not None and not isinstance(cancel, CancelSwitch):
            raise InfluxishError(f"cancel takes a CancelSwitch, not {type(cancel).__name__}")
        self._running.refuse_when_closed()
        switches = cancel or CancelSwitch(), self._running.closing, killed or CancelSwitch()
        return QueryContext(self._pool, self.limits, *switches)

    def _parse(self, text: str, params: Mapping[str, object] | None, context: QueryContext) -> list[ast.Statement]:
        if not isinstance(text, str):
            raise TypeError(f"the text of a query must be a str, not {type(text).__name__}")
        if not isinstance(params, Mapping | None):
            raise InfluxishError(f"params takes a mapping of names to values, not {type(params).__name__}")
        return influxql.parse(text, params or {}, context.look)

    def _question(
        self, select: ast.Select, database: str, disable: str | Collection[str], context: QueryContext
    ) -> Question:
        rules = (disable,) if isinstance(disable, str) else disable
        if not isinstance(rules, Collection):
            raise InfluxishError(f"disable takes names of optimizer rules, or all, not {type(rules).__name__}")
        return Question(select, self.engine, database, rules, context)

    def _other(
        self, statement: ast.Statement, database: str, disable: str | Collection[str], context: QueryContext
    ) -> StatementResult:
        """Statements that are no SELECT, or that write what they select."""
        if isinstance(statement, ast.Select):
            return self._result(statement, database, disable, context).statement
        if isinstance(statement, ast.Explain):
            question = self._question(statement.statement, database, disable, context)
            return question.explain(analyze=statement.analyze).result()
        parts = self._running, self.delivery, self._continuous
        return execute(statement, StatementContext(self.engine, database, context, *parts))

    # --- what is done again and again ---

    def run_continuous_queries(self, now: int | None = None) -> list[ContinuousQueryRun]:
        """Run the continuous queries that are due, now or at another moment (UTC ns). One that fails stops no other.

        `continuous_query_seconds` of `open` has this done regularly. For a moment that is past nothing is due again.

        Returns:
            what was run, in order; the error of each that failed is told there, and logged.
        Raises:
            ExecutionError: there is no such moment.
            StorageError: the database is closed.
        """
        return self._continuous.run_due(moment_or_now(now))

    @property
    def continuous_query_runs(self) -> list[ContinuousQueryRun]:
        """The latest turn of each continuous query, since the database was opened."""
        return self._continuous.latest()

    def _run_continuous_query(self, query: StoredContinuousQuery, select: ast.Select) -> int:
        context = self._context(None)
        with (
            self._running.step(context),
            located(query.text),
            self._listed([select], query.database, context),
        ):
            (row,) = self._result(select, query.database, (), context).rows
        return int(row["written"])

    def drop_expired(self, now: int | None = None) -> list[int]:
        """Drop the shards whose last moment is longer ago than their retention policy keeps points: their numbers.

        `retention_seconds` of `open` has this done regularly. Queries do not see such shards in any case.

        Args:
            now: the moment to count from, UTC ns; None is now.
        Raises:
            ExecutionError: there is no such moment.
            StorageError: they could not all be dropped.
        """
        moment, context = moment_or_now(now), self._context(None)
        with self._running.step(context):
            return self.engine.drop_expired(moment)

    # --- the whole ---

    @property
    def accounts(self) -> Accounts:
        """The users, what each may do, and whether a password is theirs. Nothing here asks who calls."""
        return self.engine.accounts

    @property
    def damage(self) -> list[str]:
        """What was found broken in the files, and is left out of answers, since the databases were opened."""
        return [found.message for found in self.engine.damage]

    def close(self) -> None:
        """Flush and close everything. Safe to repeat, and to call while others ask and write.

        Queries that run end with QueryCancelled before this returns, and none begins any more. A stream of `run` that
        is read later, even by the thread that closes, fails in the same way.

        Raises:
            StorageError: as `Engine.close`.
        """
        if self.engine.forked:
            return  # its threads and files are those of the process that opened it
        with self._closing:
            for periodic in self._periodic:
                periodic.stop()
            self._running.close()
            for periodic in self._periodic:
                periodic.join()
            self._pool.close()
            self.delivery.close()
            self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
