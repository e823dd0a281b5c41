"""Which columns a node reads from its inputs and which it writes: what typing and the projection rule ask."""

from __future__ import annotations

from influxish.functions.expression import Expression
from influxish.functions.interruption import look
from influxish.plan.abreast import Abreast
from influxish.plan.node import Node
from influxish.plan.nodes import (
    Aggregate,
    Default,
    Derive,
    Fill,
    Filter,
    Limit,
    Merge,
    Nothing,
    Open,
    Output,
    Project,
    Scan,
    Sort,
    Stage,
    Table,
    Walk,
    call_labels,
)
from influxish.types import DataType


def writes(node: Node) -> dict[str, DataType]:
    """Label → type of the columns a node makes. Symbols make none that are known yet."""
    look()
    match node:
        case Scan(fields=fields, tags=tags):
            return {**{field.label: field.type for field in fields}, **dict.fromkeys(tags, DataType.TAG)}
        case Derive(columns=columns, tags=tags, keys=keys):
            found: dict[str, DataType] = dict.fromkeys((*tags, *dict(keys)), DataType.TAG)
            for column in reversed(columns):  # of two columns with one name the first is seen
                found[column.name] = column.type
            return found
        case Output():
            return {column.name: column.type for column in node.columns}
        case Aggregate(calls=calls):
            return call_labels(calls)
        case Fill(columns=columns):
            return {column.label: column.type for column in columns}
        case Default(columns=columns):
            return {column.label: column.type for column in columns if column.type is not DataType.UNKNOWN}
        case Limit(label=label, beside=beside):
            made = writes(node.source)
            return {label: made[label] for label in (label, *beside) if label in made}
        case Abreast(labels=labels):
            found = {label: type for source in node.sources for label, type in writes(source).items()}
            return {label: type for label, type in found.items() if label in labels}
        case Walk(function=function, label=label, type=taken):
            return {label: function.returns(taken)}
        case Project(columns=columns):
            return {column.label: column.expression.type for column in columns}
        case Merge() | Filter() | Sort():
            return next((made for source in node.sources if (made := writes(source))), {})
        case Nothing() | Open() | Table():
            return {}
    raise TypeError(f"no columns known for {type(node).__name__}")


def reads(node: Node) -> set[str] | None:
    """Labels of the columns a node reads from its inputs; None: it hands on whatever its own readers read."""
    match node:
        case Aggregate(calls=calls, stage=stage):
            return set() if stage is Stage.FINAL else {label for call in calls for label in call.reads}
        case Fill(columns=columns):
            return {column.label for column in columns}
        case Abreast(labels=labels, streams=streams):
            return {*labels, *(stream.stops for stream in streams)}
        case Default(columns=columns):
            return {column.label for column in columns}
        case Walk(argument=argument):
            return {argument}
        case Limit(label=label, beside=beside):
            return {label, *beside}
        case Project(columns=columns, required=required):
            return {name for column in columns for name in names_in(column.expression)} | set(required)
        case Output(columns=columns):
            return {column.label for column in columns}
    return None


def names_in(expression: Expression | None) -> set[str]:
    """Labels that an expression reads."""
    look()
    return set() if expression is None else {reference.name for reference in expression.references()}
