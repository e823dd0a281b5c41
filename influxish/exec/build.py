"""Node → iterator: one registration for each kind of node, and nothing else."""

from __future__ import annotations

from functools import singledispatch

from influxish.exec.context import QueryContext
from influxish.exec.exchange import Exchange
from influxish.exec.iterator import BatchIterator, Watched
from influxish.exec.iterators.abreast import AbreastIterator
from influxish.exec.iterators.aggregate import AggregateIterator, PartialAggregateIterator
from influxish.exec.iterators.default import DefaultIterator
from influxish.exec.iterators.fill import FillIterator
from influxish.exec.iterators.filter import FilterIterator
from influxish.exec.iterators.join import JoinIterator
from influxish.exec.iterators.limit import LimitIterator
from influxish.exec.iterators.merge import MergeIterator, NothingIterator
from influxish.exec.iterators.output import DeriveIterator, OutputIterator
from influxish.exec.iterators.project import ProjectIterator
from influxish.exec.iterators.scan import ScanIterator, ShardAggregateIterator
from influxish.exec.iterators.shared import Run
from influxish.exec.iterators.sort import SortIterator
from influxish.exec.iterators.walk import WalkIterator
from influxish.exec.iterators.write import WriteIterator
from influxish.exec.request import aggregate_request, scan_request
from influxish.plan.abreast import Abreast
from influxish.plan.columns import writes
from influxish.plan.node import Node
from influxish.plan.nodes import (
    Aggregate,
    Default,
    Derive,
    Emit,
    Fill,
    Filter,
    Limit,
    Merge,
    Nothing,
    Project,
    Scan,
    Sort,
    Stage,
    Walk,
)
from influxish.plan.target import Write


def build(node: Node, context: QueryContext) -> BatchIterator:
    """The iterator of a node and all below it, watched.

    A node whose result is held anyway is run once for all its readers, any other one once for each of them.
    """
    if len(set(node.readers)) < 2 or not isinstance(node, Aggregate | Fill):
        return Watched(build_node(node, context), context, context.profile.of(node))
    run = context.runs.get(node)
    if run is None:
        run = context.runs[node] = Run(Watched(build_node(node, context), context, context.profile.of(node)), context)
    assert isinstance(run, Run)
    return run.reader()


@singledispatch
def build_node(node: Node, context: QueryContext) -> BatchIterator:
    raise TypeError(f"{type(node).__name__} cannot be executed: the graph is not linked")


@build_node.register
def _(node: Scan, context: QueryContext) -> BatchIterator:
    return ScanIterator(context.shards[node.shard], scan_request(node), context.profile.of(node).scan, node.place)


@build_node.register
def _(node: Nothing, context: QueryContext) -> BatchIterator:
    return NothingIterator()


@build_node.register
def _(node: Merge, context: QueryContext) -> BatchIterator:
    if node.workers == 1:
        return MergeIterator(*(build(source, context) for source in node.sources))
    part = context.fork()
    return Exchange([build(source, part) for source in node.sources], part, node.workers)


@build_node.register
def _(node: Filter, context: QueryContext) -> BatchIterator:
    return FilterIterator(build(node.source, context), node.condition)


@build_node.register
def _(node: Sort, context: QueryContext) -> BatchIterator:
    return SortIterator(build(node.source, context), node, context)


@build_node.register
def _(node: Aggregate, context: QueryContext) -> BatchIterator:
    child = _states_or_rows(node, context)
    if node.stage is Stage.SHARD:
        return PartialAggregateIterator(child, node, context)
    return AggregateIterator(child, node, context)


def _states_or_rows(node: Aggregate, context: QueryContext) -> BatchIterator:
    """The input of an aggregate: partial states, made by the shard itself, where it reads nothing but a scan."""
    scan = node.source
    if not isinstance(scan, Scan):
        return build(scan, context)
    profile = context.profile.of(scan)
    request = aggregate_request(node, scan)
    return Watched(ShardAggregateIterator(context.shards[scan.shard], request, profile.scan), context, profile)


@build_node.register
def _(node: Fill, context: QueryContext) -> BatchIterator:
    return FillIterator(build(node.source, context), node, context)


@build_node.register
def _(node: Default, context: QueryContext) -> BatchIterator:
    return DefaultIterator(build(node.source, context), node, context)


@build_node.register
def _(node: Limit, context: QueryContext) -> BatchIterator:
    return LimitIterator(build(node.source, context), node)


@build_node.register
def _(node: Walk, context: QueryContext) -> BatchIterator:
    return WalkIterator(build(node.source, context), node, context)


@build_node.register
def _(node: Abreast, context: QueryContext) -> BatchIterator:
    inputs = [(build(source, context), writes(source)) for source in dict.fromkeys(node.sources)]
    return AbreastIterator(inputs, node, context)


@build_node.register
def _(node: Project, context: QueryContext) -> BatchIterator:
    return ProjectIterator(_joined(node, context, node.descending), node.columns, node.required)


@build_node.register
def _(node: Emit, context: QueryContext) -> BatchIterator:
    return OutputIterator(_joined(node, context, node.descending), node)


@build_node.register
def _(node: Derive, context: QueryContext) -> BatchIterator:
    return DeriveIterator(OutputIterator(_joined(node, context, node.descending), node), node)


@build_node.register
def _(node: Write, context: QueryContext) -> BatchIterator:
    return WriteIterator(build(node.source, context), context)


def _joined(node: Node, context: QueryContext, descending: bool) -> BatchIterator:
    """The inputs of a node as one; several edges from one source are one input."""
    sources = list(dict.fromkeys(node.sources))
    if not sources:
        return NothingIterator()
    if len(sources) == 1:
        return build(sources[0], context)
    inputs = [(build(source, context), writes(source)) for source in sources]
    return JoinIterator(inputs, context, descending=descending)
