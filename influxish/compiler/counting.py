"""Which series count for SLIMIT and SOFFSET: all that the index finds for a WHERE, before any row is looked at.

Source: influxdata/influxdb 1.6, walkWhereForSeriesIds of tsdb/index/inmem, and LimitTagSets of query.
"""

from __future__ import annotations

from influxish.compiler.scope import Scope
from influxish.compiler.typing import type_condition
from influxish.functions.expression import Comparison, Expression, Literal, Logical, Match, Reference, all_of
from influxish.types import DataType


def counted_series(condition: Expression | None, scope: Scope) -> Expression | None:
    """The part of a condition that tags alone decide; None: every series counts.

    A comparison in which a field takes part may hold, of whatever type the field is; so may one of a tag with anything
    but a text or a tag.
    """
    match condition:
        case Logical(op="AND", terms=terms):
            return all_of([term for part in terms if (term := counted_series(part, scope)) is not None])
        case Logical(terms=terms):
            decided = [counted_series(part, scope) for part in terms]
            kept = tuple(term for term in decided if term is not None)
            return Logical(condition.op, kept, type=condition.type) if len(kept) == len(decided) else None
        case Comparison() | Match():
            named = [scope.resolve(reference) for reference in condition.references()]
            simple = all(isinstance(side, Reference) or side.type is DataType.STRING for side in condition.operands())
            of_tags = not named or (simple and all(found is None or found[1] is DataType.TAG for found in named))
            return type_condition(condition, scope.resolve) if of_tags else None
        case Literal(type=DataType.BOOLEAN):
            return condition
    return None
