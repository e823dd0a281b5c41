"""The face of influxish: open a database, write points, ask questions, see the graph.

`Database.query` is the life of a query in one screen: parse → compile → link → optimize → execute → rows.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol, Self

from influxish import influxql
from influxish.batch import Batch
from influxish.compiler.link import Linked, link
from influxish.compiler.select import compile_select
from influxish.emit.rows import CHUNK_ROWS, series_chunks
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.errors import CompileError, InfluxishError, PartialWrite, QueryError, UnsupportedStatement
from influxish.exec.build import build
from influxish.exec.context import CancelSwitch, Limits, QueryContext
from influxish.exec.pool import WorkerPool
from influxish.exec.request import scan_request
from influxish.explain import Explanation
from influxish.influxql import ast
from influxish.metadata import execute_metadata
from influxish.optimizer.cost import Extent, estimate_rows
from influxish.optimizer.driver import Firing, check_names, optimize
from influxish.optimizer.rule import Facts
from influxish.plan.graph import Graph
from influxish.plan.nodes import Emit, Scan
from influxish.result import Result, collect
from influxish.storage.engine import Engine, StorageOptions
from influxish.storage.line_protocol import parse_lines
from influxish.types import NOWHERE, DataType
from influxish.writing import columns_to_points, refusal


class SupportsColumns(Protocol):
    """A dataframe, as far as writing needs to know it."""

    @property
    def columns(self) -> Any: ...

    def __getitem__(self, name: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class _Plan:
    """A SELECT ready to run."""

    graph: Graph
    linked: Linked
    firings: list[Firing]

    @property
    def root(self) -> Emit:
        assert isinstance(self.graph.root, Emit)
        return self.graph.root


def open(path: str | Path = ":memory:", **settings: Any) -> Database:
    """Open the databases in a folder, which is made if it is missing; ":memory:" keeps everything in memory.

    Args:
        path: the folder. One process at a time may have it open.
        settings: any field of `Limits` or of `StorageOptions`, and `workers`, the number of threads that scan (one
            for each core if left out). docs/settings.md lists them.
    Raises:
        StorageError: the folder cannot be used; the message says why, and who holds it.
        InfluxishError: a setting that does not exist.
    """
    limits = {item.name: settings.pop(item.name) for item in fields(Limits) if item.name in settings}
    storage = {item.name: settings.pop(item.name) for item in fields(StorageOptions) if item.name in settings}
    workers = settings.pop("workers", 0)
    if settings:
        raise InfluxishError(f"there is no setting {next(iter(settings))!r}; see docs/settings.md")
    engine = Engine.open(None if str(path) == ":memory:" else Path(path), StorageOptions(**storage))
    return Database(engine, Limits(**limits), workers)


class Database:
    """Databases in a folder, or in memory. Every method may be called from several threads at once."""

    def __init__(self, engine: Engine, limits: Limits, workers: int = 0) -> None:
        self.engine = engine
        self.limits = limits
        self._pool = WorkerPool(workers)

    # --- questions ---

    def query(
        self,
        text: str,
        *,
        database: str = "",
        params: Mapping[str, object] | None = None,
        disable: Collection[str] = (),
        cancel: CancelSwitch | None = None,
    ) -> Result:
        """Run one statement and return its whole answer.

        Args:
            text: one InfluxQL statement.
            database: the one it is about, where it names none itself.
            params: values for `$name` in the text.
            disable: optimizer rules to leave out; "all" leaves out every one. The answer is the same.
            cancel: stops the query when somebody sets it.
        Raises:
            QueryError: the text is at fault; the message shows where.
            NotFound: a database or retention policy that does not exist.
            ExecutionError: cancelled, or a limit was reached.
            StorageError: data could not be read.
        """
        context = self._context(cancel)
        statements = self._parse(text, params)
        if len(statements) != 1:
            message = f"query() takes one statement, this text has {len(statements)}: use run() for several"
            raise CompileError(message, query=text, span=statements[1].span if statements else NOWHERE)
        try:
            if isinstance(statements[0], ast.Select):
                plan = self._plan(statements[0], database, disable)
                headings = tuple(column.name for column in plan.root.columns)
                with closing(self._execute(plan, context)) as batches:
                    return collect(_counted(batches, context), headings, plan.root.time_name, plan.root.zone)
            chunks = list(self._other(statements[0], database, disable).chunks)
            return Result(chunks, chunks[0].columns if chunks else ())
        except QueryError as error:
            raise error.located(text) from None

    def run(
        self,
        text: str,
        *,
        database: str = "",
        params: Mapping[str, object] | None = None,
        disable: Collection[str] = (),
        cancel: CancelSwitch | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> Iterator[StatementResult]:
        """Run several statements; each answer streams, and must be read before the next one is asked for.

        An error ends the run: it is raised, by the iterator or while its answer is read.

        Args: as `query`; chunk_rows: rows of a chunk at most.
        """
        for number, statement in enumerate(self._parse(text, params)):
            context = self._context(cancel)
            try:
                if isinstance(statement, ast.Select):
                    plan = self._plan(statement, database, disable)
                    headings = tuple(column.name for column in plan.root.columns)
                    with closing(self._execute(plan, context)) as batches:
                        stream = _Stream(series_chunks(batches, headings, plan.root.time_name, chunk_rows))
                        yield StatementResult(number, stream, plan.root.zone)
                        stream.over = True
                else:
                    answer = self._other(statement, database, disable)
                    answer.statement_id = number
                    yield answer
            except QueryError as error:
                raise error.located(text) from None

    def explain(
        self,
        text: str,
        *,
        database: str = "",
        params: Mapping[str, object] | None = None,
        disable: Collection[str] = (),
        analyze: bool = False,
    ) -> Explanation:
        """The graph of a SELECT before and after the optimizer; `analyze` runs it and adds what every node did.

        Args and errors: as `query`. An EXPLAIN before the SELECT is allowed.
        """
        statements = self._parse(text, params)
        try:
            match statements:
                case [ast.Select() as select]:
                    return self._explain(select, database, disable, analyze)
                case [ast.Explain(statement=select, analyze=run)]:
                    return self._explain(select, database, disable, analyze or run)
            span = statements[0].span if statements else NOWHERE
            raise CompileError("explain() takes one SELECT statement", span=span)
        except QueryError as error:
            raise error.located(text) from None

    def _parse(self, text: str, params: Mapping[str, object] | None) -> list[ast.Statement]:
        if not isinstance(text, str):
            raise TypeError(f"the text of a query must be a str, not {type(text).__name__}")
        try:
            return influxql.parse(text, params or {})
        except QueryError as error:
            raise error.located(text) from None

    def _plan(self, select: ast.Select, database: str, disable: Collection[str]) -> _Plan:
        linked = self._link(select, database)
        facts = Facts(rows=lambda scan: _extent(linked, scan).rows, workers=self._pool.workers)
        return _Plan(linked.graph, linked, optimize(linked.graph, facts, disable=disable))

    def _link(self, select: ast.Select, database: str) -> Linked:
        try:
            return link(compile_select(select, now=time.time_ns()), self.engine, database)
        except RecursionError:
            raise CompileError("the statement is nested too deeply", span=select.span) from None

    def _context(self, cancel: CancelSwitch | None = None) -> QueryContext:
        """What a query that begins now is bound by."""
        return QueryContext(self._pool, self.limits, cancel or CancelSwitch())

    def _execute(self, plan: _Plan, context: QueryContext) -> Generator[Batch, None, None]:
        context.shards = plan.linked.shards
        with build(plan.root, context) as iterator:
            while (batch := iterator.next_batch()) is not None:
                assert isinstance(batch, Batch)
                yield batch

    def _explain(self, select: ast.Select, database: str, disable: Collection[str], analyze: bool) -> Explanation:
        check_names(disable)
        linked = self._link(select, database)
        before = linked.graph.copy()
        facts = Facts(rows=lambda scan: _extent(linked, scan).rows, workers=self._pool.workers)
        plan = _Plan(linked.graph, linked, optimize(linked.graph, facts, disable=disable))
        rows = estimate_rows(lambda scan: _extent(linked, scan))
        explanation = Explanation(influxql.format_node(select), before, plan.graph, tuple(plan.firings), rows)
        if not analyze:
            return explanation
        context = self._context()
        started = time.perf_counter()
        for _ in self._execute(plan, context):
            pass
        seconds = time.perf_counter() - started
        return explanation.ran(context.profile, seconds, context.memory.peak)

    def _other(self, statement: ast.Statement, database: str, disable: Collection[str]) -> StatementResult:
        """Statements that are no SELECT."""
        if isinstance(statement, ast.Explain):
            explanation = self._explain(statement.statement, database, disable, statement.analyze)
            return explanation.result()
        answer = execute_metadata(statement, self.engine, database)
        if answer is None:
            name = influxql.format_node(statement).split(" ", 1)[0]
            raise UnsupportedStatement(f"this {name} statement is not executed by this version", span=statement.span)
        return answer

    # --- data ---

    def write(
        self,
        data: str | bytes | Sequence[str] | Mapping[str, Any] | SupportsColumns,
        *,
        database: str,
        policy: str = "",
        precision: str = "ns",
        measurement: str = "",
        tags: Sequence[str] = (),
        time: str = "time",
    ) -> int:
        """Write points; they are durable when this returns.

        Args:
            data: line protocol (text, bytes, or a list of lines), or columns: a mapping of name → sequence, or a
                pandas or Polars dataframe.
            database: where to; it must exist.
            policy: retention policy, "" for the default.
            precision: unit of the times: ns, us, ms, s, m or h. Columns of datetime64 carry their own.
            measurement: for columns, what they are.
            tags: for columns, which of them are tags; all others but the time are fields.
            time: for columns, which one holds the times.
        Returns:
            how many points were written.
        Raises:
            PartialWrite: some points were refused, all others were written.
            WriteError: nothing could be written.
            NotFound: no such database or retention policy.
        """
        if isinstance(data, bytes):
            return self._write_lines(data, database, policy, precision)
        if isinstance(data, str):
            return self._write_lines(data.encode(), database, policy, precision)
        if isinstance(data, Sequence):
            return self._write_lines("\n".join(map(str, data)).encode(), database, policy, precision)
        points = columns_to_points(data, measurement, tags, time, precision)
        self.engine.write(database, policy, points)
        return points.rows

    def _write_lines(self, data: bytes, database: str, policy: str, precision: str) -> int:
        points, unparsed = parse_lines(data, precision)
        rejected = [(line.line, line.reason) for line in unparsed]
        written = points.rows
        try:
            if points.rows:
                self.engine.write(database, policy, points)
        except PartialWrite as error:
            rejected = sorted([*rejected, *error.rejected])
            written = error.written
        if rejected:
            raise PartialWrite(refusal(rejected, written), rejected=rejected, written=written)
        return written

    # --- names ---

    def create_database(self, name: str) -> None:
        """Make a database; does nothing if it exists."""
        self.engine.create_database(name)

    def databases(self) -> list[str]:
        """Names of all databases, in order of creation."""
        return self.engine.databases()

    def measurements(self, database: str) -> list[str]:
        """Names of the measurements of a database, sorted."""
        return self.engine.measurements(database)

    def tag_keys(self, database: str, measurement: str) -> list[str]:
        """Tag keys of a measurement, sorted."""
        return self.engine.tag_keys(database, measurement)

    def tag_values(self, database: str, measurement: str, key: str) -> list[str]:
        """Values of one tag of a measurement, sorted."""
        return self.engine.tag_values(database, measurement, key)

    def field_keys(self, database: str, measurement: str) -> dict[str, tuple[DataType, ...]]:
        """Fields of a measurement and the types they have, sorted by name."""
        return self.engine.field_keys(database, measurement)

    @property
    def damage(self) -> list[str]:
        """What was found broken in the files, and is left out of answers, since the databases were opened."""
        return [found.message for found in self.engine.damage]

    def close(self) -> None:
        """Flush and close everything. Safe to repeat."""
        self._pool.close()
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _counted(batches: Iterator[Batch], context: QueryContext) -> Iterator[Batch]:
    """The batches of an answer that is kept whole: what is kept counts as memory of the query."""
    kept = context.account()
    for batch in batches:
        kept.add(batch.nbytes)
        yield batch


class _Stream:
    """Chunks of an answer that can be read until the run moves on; reading later is an error, not an empty answer."""

    def __init__(self, chunks: Iterator[SeriesChunk]) -> None:
        self._chunks = chunks
        self.over = False

    def __iter__(self) -> Iterator[SeriesChunk]:
        return self

    def __next__(self) -> SeriesChunk:
        if self.over:
            raise InfluxishError("the run has moved on: read each answer before asking for the next one")
        return next(self._chunks)


def _extent(linked: Linked, scan: Scan) -> Extent:
    shard = linked.shards[scan.shard]
    estimate = shard.estimate(scan_request(scan))
    return Extent(estimate.rows, estimate.series, scan.time_range.intersect(shard.time_range))
