"""A SELECT on its way from an AST to an answer: compile, link, optimize, execute; and EXPLAIN, which shows the way.

Everything looks at the query's context between the stages. What a caller gives and gets is `database.py`'s business.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from influxish import influxql
from influxish.batch import Batch
from influxish.compiler.link import Linked, link
from influxish.compiler.places import check_places
from influxish.compiler.select import compile_select
from influxish.emit.rows import series_chunks
from influxish.emit.series import SeriesChunk
from influxish.errors import CompileError, InfluxishError, QueryError
from influxish.exec.build import build
from influxish.exec.context import QueryContext
from influxish.exec.request import scan_request
from influxish.exec.running import RunningQueries
from influxish.explain import Explanation
from influxish.influxql import ast
from influxish.into import EngineSink, Rehearsal
from influxish.optimizer.cost import Extent, estimate_rows
from influxish.optimizer.driver import Firing, check_names, optimize
from influxish.optimizer.rule import Facts
from influxish.plan.graph import Graph
from influxish.plan.nodes import Emit, OutputColumn, Scan
from influxish.plan.target import Write
from influxish.storage.engine import Engine
from influxish.types import DataType

_WRITTEN = Emit(columns=(OutputColumn("written", "written", DataType.INTEGER),))


@contextmanager
def located(text: str) -> Iterator[None]:
    """Errors of the query that come out know the text they point into."""
    try:
        yield
    except QueryError as error:
        raise error.located(text) from None


@dataclass(frozen=True, slots=True)
class Question:
    """A SELECT, and what its answer depends on beside it.

    Attributes:
        database: the one meant where the statement names none.
        disable: optimizer rules to leave out.
    """

    select: ast.Select
    engine: Engine
    database: str
    disable: Collection[str]
    context: QueryContext

    def plan(self) -> Plan:
        """Ready to run; a SELECT … INTO writes when it is run.

        Raises: QueryError, NotFound, InfluxishError for a rule that does not exist; as `QueryContext.look`.
        """
        plan = self._optimized(self._linked())
        if isinstance(plan.graph.root, Write):
            self.context.sink = EngineSink(plan.graph.root, self.engine)
        return plan

    def explain(self, *, analyze: bool) -> Explanation:
        """The graph before and after the rules; `analyze` runs it and adds what every node did."""
        check_names(self.disable)
        linked = self._linked()
        before = linked.graph.copy()
        plan = self._optimized(linked)
        rows = estimate_rows(lambda scan: _extent(linked, scan))
        explanation = Explanation(influxql.format_node(self.select), before, plan.graph, tuple(plan.firings), rows)
        if not analyze:
            return explanation
        started = time.perf_counter()
        if isinstance(plan.graph.root, Write):
            self.context.sink = Rehearsal(plan.graph.root)
        with closing(plan.batches()) as batches:
            for _ in batches:
                pass
        return explanation.ran(self.context.profile, time.perf_counter() - started, self.context.memory.peak)

    def _linked(self) -> Linked:
        self.context.look()
        check_places(self.select, self.engine, self.database)
        try:
            graph = compile_select(self.select, now=time.time_ns())
            self.context.look()
            return link(graph, self.engine, self.database)
        except RecursionError:
            raise CompileError("the statement is nested too deeply", span=self.select.span) from None

    def _optimized(self, linked: Linked) -> Plan:
        def rows(scan: Scan) -> int:
            self.context.look()  # rules ask of every shard: a plan over thousands of them can be stopped
            return _extent(linked, scan).rows

        self.context.look()
        facts = Facts(rows=rows, workers=self.context.pool.workers)
        firings = optimize(linked.graph, facts, disable=self.disable)
        self.context.shards = linked.shards
        return Plan(linked.graph, firings, self.context)


@dataclass(frozen=True, slots=True)
class Plan:
    """A SELECT ready to run, once."""

    graph: Graph
    firings: list[Firing]
    context: QueryContext

    @property
    def root(self) -> Emit:
        """What the answer looks like: that of a SELECT … INTO tells in one row how many points were written."""
        if isinstance(self.graph.root, Write):
            return _WRITTEN
        assert isinstance(self.graph.root, Emit)
        return self.graph.root

    @property
    def headings(self) -> tuple[str, ...]:
        """Without that of the time."""
        return tuple(column.name for column in self.root.columns)

    def batches(self) -> Generator[Batch, None, None]:
        """Run it. Closing the generator gives everything back."""
        with self.context.at_end, build(self.graph.root, self.context) as iterator:
            while (batch := iterator.next_batch()) is not None:
                assert isinstance(batch, Batch)
                yield batch

    def kept_batches(self) -> Generator[Batch, None, None]:
        """As `batches`, for an answer that is kept whole: what is kept counts as memory of the query."""
        kept = self.context.account()
        try:
            with closing(self.batches()) as batches:
                for batch in batches:
                    kept.add(batch.nbytes)
                    yield batch
        finally:
            kept.set(0)  # from here on the answer is the caller's, or nobody's


class Stream:
    """Chunks of an answer that can be read until the run moves on; reading later is an error, not an empty answer."""

    def __init__(self, plan: Plan, batches: Iterator[Batch], chunk_rows: int, running: RunningQueries) -> None:
        self._chunks = series_chunks(batches, plan.headings, plan.root.time_name, chunk_rows)
        self._context, self._running = plan.context, running
        self.over = False

    def __iter__(self) -> Iterator[SeriesChunk]:
        return self

    def __next__(self) -> SeriesChunk:
        if self.over:
            raise InfluxishError("the run has moved on: read each answer before asking for the next one")
        with self._running.step(self._context):
            return next(self._chunks)


def _extent(linked: Linked, scan: Scan) -> Extent:
    shard = linked.shards[scan.shard]
    estimate = shard.estimate(scan_request(scan))
    return Extent(estimate.rows, estimate.series, scan.time_range.intersect(shard.time_range))
