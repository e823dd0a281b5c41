"""Types of expressions, once the names are known: those of the values. Operands that do not go together make null.

What InfluxDB says the types are, and the errors it finds in them, is the business of `result_types.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from influxish.functions.expression import (
    FALSE,
    NULL,
    TRUE,
    Arithmetic,
    Comparison,
    Expression,
    Literal,
    Logical,
    Match,
    MathCall,
    Reference,
)
from influxish.functions.registry import FUNCTIONS, MathFunction
from influxish.types import DataType

Resolve = Callable[[Reference], tuple[str, DataType] | None]
"""Label and type of the column that a reference means; None if there is none."""

EMPTY = Literal("", type=DataType.STRING)
"""What a name that means nothing is, compared with text: a tag that is missing."""

_TEXT = (DataType.STRING, DataType.TAG)
_INTEGERS = (DataType.INTEGER, DataType.UNSIGNED)


def type_value(node: Expression, resolve: Resolve, *, whole: bool = False) -> Expression:
    """A selected expression with its names resolved; a name that means nothing is null.

    Args:
        whole: integers that are divided stay integers. So it is in conditions, unless both are constants.
    """
    match node:
        case Literal():
            return node
        case Reference():
            found = resolve(node)
            if found is None or found[1] is DataType.UNKNOWN:
                return NULL
            return Reference(found[0], type=found[1], span=node.span)
        case Arithmetic(op=op, left=left, right=right):
            typed = combine(op, type_value(left, resolve, whole=whole), type_value(right, resolve, whole=whole), node)
            if whole and op == "/" and any(True for _ in node.references()):
                return _whole_division(typed)
            return typed
        case MathCall(name=name, arguments=arguments):
            typed_arguments = tuple(type_value(argument, resolve, whole=whole) for argument in arguments)
            return apply_math(name, typed_arguments, node)
    raise TypeError(f"no type for {type(node).__name__}")


def _whole_division(division: Expression) -> Expression:
    """A division typed as one that drops the fraction, if it is one of integers."""
    if not isinstance(division, Arithmetic):
        return division
    type = _result("*", division.left.type, division.right.type)
    return division if type is None else replace(division, type=type)


def combine(op: str, left: Expression, right: Expression, at: Expression) -> Expression:
    """`left op right` with its type; null if the two do not go together.

    A boolean beside one that is missing is beside false. Beside anything else it gives false, where that is there.
    """
    if op in "&|^":
        left = FALSE if left is NULL and right.type is DataType.BOOLEAN else left
        right = FALSE if right is NULL and left.type is DataType.BOOLEAN else right
        if left.type is DataType.BOOLEAN:
            if right.type is not DataType.BOOLEAN:
                op, right = "unless", left if op == "&" else right
            return Arithmetic(op, left, right, type=DataType.BOOLEAN, span=at.span)
    result = None if NULL in (left, right) else _result(op, left.type, right.type)
    return NULL if result is None else Arithmetic(op, left, right, type=result, span=at.span)


def apply_math(name: str, arguments: tuple[Expression, ...], at: Expression) -> Expression:
    """A call of a mathematical function with its type; of anything but numbers it is null."""
    function = FUNCTIONS[name]
    assert isinstance(function, MathFunction)
    if any(argument is NULL or not argument.type.is_numeric for argument in arguments):
        return NULL
    first = arguments[0].type
    result, computes = function.returns(first), function.computes(first)
    return MathCall(name, arguments, function.kernel, computes, type=result, span=at.span)


def type_condition(node: Expression, resolve: Resolve, *, whole_rows: bool = False) -> Expression:
    """A condition with its names resolved. What cannot be compared is false; an unknown name is an empty tag.

    Args:
        whole_rows: it is about the rows of subqueries, where a boolean that is missing is false beside another one,
            and a name that means nothing is empty whatever it is compared with.
    """
    match node:
        case Literal():
            return node if node.type is DataType.BOOLEAN else FALSE
        case Logical(op=op, terms=terms):
            return replace(
                node, op=op, terms=tuple(type_condition(term, resolve, whole_rows=whole_rows) for term in terms)
            )
        case Match(operand=operand):
            value = _operand(operand, resolve, beside=EMPTY)
            return replace(node, operand=value) if value.type in _TEXT else FALSE
        case Comparison(op=op, left=left, right=right):
            if not whole_rows and all(_is_tag(side, resolve) for side in (left, right)) and _is_unknown(node, resolve):
                return TRUE if op == "!=" else FALSE
            beside = (EMPTY, EMPTY) if whole_rows else (right, left)
            a, b = _operand(left, resolve, beside=beside[0]), _operand(right, resolve, beside=beside[1])
            if whole_rows and DataType.BOOLEAN in (a.type, b.type):
                a, b = (combine("|", side, FALSE, side) if _may_be_false(side) else side for side in (a, b))
            if NULL in (a, b) or not _comparable(op, a.type, b.type):
                return FALSE
            if not whole_rows and a.type is b.type is DataType.TAG:
                return _of_two_tags(replace(node, left=a, right=b))
            return replace(node, left=a, right=b)
    return FALSE


def _is_tag(side: Expression, resolve: Resolve) -> bool:
    """Whether InfluxDB takes a side of a comparison for a tag: a name that means one, or nothing at all."""
    if not isinstance(side, Reference) or side.cast not in (None, DataType.TAG):
        return False
    found = resolve(side)
    return found is None or found[1] is DataType.TAG


def _is_unknown(comparison: Comparison, resolve: Resolve) -> bool:
    """Whether one of its names means nothing."""
    names = (side for side in (comparison.left, comparison.right) if isinstance(side, Reference))
    return any(resolve(name) is None for name in names)


def _of_two_tags(comparison: Comparison) -> Expression:
    """InfluxDB's index knows tags that are there: one that is missing is like no other, not even like itself."""
    op = "!=" if comparison.op == "=" else "="
    there = Comparison(op, comparison.left, EMPTY, type=DataType.BOOLEAN)
    return Logical("AND" if op == "!=" else "OR", (comparison, there), type=DataType.BOOLEAN, span=comparison.span)


def _operand(node: Expression, resolve: Resolve, *, beside: Expression) -> Expression:
    """A side of a comparison, given the other; null if it can have no value."""
    if isinstance(node, Reference) and resolve(node) is None:
        return EMPTY if beside.type is DataType.STRING else NULL
    return type_value(node, resolve, whole=True)


def _may_be_false(side: Expression) -> bool:
    """Whether a side that is missing is false beside a boolean: anything that is no value of another type."""
    return side is NULL or side.type is DataType.BOOLEAN


def _comparable(op: str, left: DataType, right: DataType) -> bool:
    if left.is_numeric and right.is_numeric:
        return True
    alike = (left in _TEXT and right in _TEXT) or left is right is DataType.BOOLEAN
    return alike and op in ("=", "!=")


def _result(op: str, left: DataType, right: DataType) -> DataType | None:
    if not (left.is_numeric and right.is_numeric):
        return None
    whole = left in _INTEGERS and right in _INTEGERS
    if op in "&|^" and not whole:
        return None
    if op == "/" or not whole:
        return DataType.FLOAT
    return DataType.INTEGER if left is right is DataType.INTEGER else DataType.UNSIGNED
