"""Expressions over the columns of a batch: what a condition or a computed column is once no language is left in it.

The trees are plain frozen values, so equal expressions are equal; `evaluate` runs one over numpy columns. Arithmetic
follows InfluxQL (division by zero is 0, integers wrap); a comparison with a missing value is false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from influxish.batch import Column, Mask
from influxish.functions.interruption import look
from influxish.regex import compile_regex
from influxish.types import NOWHERE, NUMERIC, Array, DataType, Span

_TEXTS_PER_LOOK = 32_768
"""Some 30 ms of searching for a simple pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A node. `type` is UNKNOWN until the linker has looked the names up; `span` is where the text had it."""

    type: DataType = DataType.UNKNOWN
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def operands(self) -> tuple[Expression, ...]:
        """The expressions directly inside it."""
        return ()

    def references(self) -> Iterator[Reference]:
        """Every column named in it, left to right, repeats included."""
        pending: list[Expression] = [self]
        while pending:
            node = pending.pop()
            if isinstance(node, Reference):
                yield node
            pending.extend(reversed(node.operands()))


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A constant of the Python type that goes with `type`; times and durations are int ns; None is no value."""

    value: Any

    def __str__(self) -> str:
        if self.value is None:
            return "null"
        if isinstance(self.value, str):
            return "'" + self.value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if self.type is DataType.FLOAT:
            return format_float(self.value)
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Reference(Expression):
    """The column labelled `name`. `cast` is the type asked for with `::`, None without."""

    name: str
    cast: DataType | None = None

    def __str__(self) -> str:
        return self.name if self.cast is None else f"{self.name}::{self.cast.value}"


@dataclass(frozen=True, slots=True)
class Arithmetic(Expression):
    """`left op right` for + - * / % & | ^. Missing if either side is; a missing boolean beside another one is false.

    `left unless right` is the boolean on the left, but false where there is anything on the right.
    """

    op: str
    left: Expression
    right: Expression

    def operands(self) -> tuple[Expression, ...]:
        return (self.left, self.right)

    def __str__(self) -> str:
        return f"{_bracketed(self.left)} {self.op} {_bracketed(self.right)}"


@dataclass(frozen=True, slots=True)
class Comparison(Expression):
    """`left op right` for = != < <= > >=. Never missing: false where a side is missing or the types do not compare.

    Numbers and times compare with each other in every way; texts with texts and booleans with booleans only for
    equality (source: influxdata/influxql, ast.go, ValuerEval).
    """

    op: str
    left: Expression
    right: Expression

    def operands(self) -> tuple[Expression, ...]:
        return (self.left, self.right)

    def __str__(self) -> str:
        return f"{_bracketed(self.left)} {self.op} {_bracketed(self.right)}"


@dataclass(frozen=True, slots=True)
class Match(Expression):
    """`operand =~ /pattern/`, or `!~` when negated. False where the operand is missing (a tag is never missing)."""

    operand: Expression
    pattern: str
    negated: bool = False

    def operands(self) -> tuple[Expression, ...]:
        return (self.operand,)

    def __str__(self) -> str:
        escaped = self.pattern.replace("/", "\\/")
        return f"{_bracketed(self.operand)} {'!~' if self.negated else '=~'} /{escaped}/"


@dataclass(frozen=True, slots=True)
class Logical(Expression):
    """AND or OR of two or more conditions; flat, so that ten thousand of them need no deep stack."""

    op: str
    terms: tuple[Expression, ...]

    def operands(self) -> tuple[Expression, ...]:
        return self.terms

    def __str__(self) -> str:
        return f" {self.op} ".join(f"({term})" if isinstance(term, Logical) else str(term) for term in self.terms)


@dataclass(frozen=True, slots=True)
class MathCall(Expression):
    """A function of the registry that works value by value.

    Attributes:
        kernel: maps arrays (n,), one for each argument and all of type `computes`, to an array (n,).
    """

    name: str
    arguments: tuple[Expression, ...]
    kernel: Callable[..., Array] = field(compare=False, repr=False)
    computes: DataType = DataType.FLOAT

    def operands(self) -> tuple[Expression, ...]:
        return self.arguments

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


NULL = Literal(None, type=DataType.FLOAT)
TRUE = Literal(True, type=DataType.BOOLEAN)
FALSE = Literal(False, type=DataType.BOOLEAN)


def conjuncts(condition: Expression | None) -> tuple[Expression, ...]:
    """The conditions that must all hold: the terms of a top-level AND; () for None."""
    if condition is None:
        return ()
    return condition.terms if isinstance(condition, Logical) and condition.op == "AND" else (condition,)


def all_of(terms: tuple[Expression, ...] | list[Expression]) -> Expression | None:
    """The AND of `terms`; None when there are none. Nested ANDs are made flat."""
    flat = tuple(part for term in terms for part in conjuncts(term))
    if len(flat) < 2:
        return flat[0] if flat else None
    return Logical("AND", flat, type=DataType.BOOLEAN)


def evaluate(expression: Expression, columns: Mapping[str, Column], rows: int) -> Column:
    """The expression over `rows` rows whose references are found in `columns`.

    A float in the place of an integer loses its fraction; what is no number is no integer either.
    """
    default = columns[expression.name].default if isinstance(expression, Reference) else None
    values, valid = _run(expression, columns, rows)
    if np.ndim(values) == 0:
        filled = np.empty(rows, expression.type.dtype)
        filled[:] = values
        values = filled
    if expression.type in _INTEGERS and values.dtype.kind == "f":
        valid = _both(valid, ~np.isnan(values))
    with np.errstate(invalid="ignore"):  # what is no integer is the smallest one, as with InfluxDB
        return Column(expression.type, values.astype(expression.type.dtype, copy=False), valid, default)


def holds(condition: Expression, columns: Mapping[str, Column], rows: int) -> Mask:
    """(rows,) bool: where the condition is true."""
    values, valid = _run(condition, columns, rows)
    if np.ndim(values) == 0:
        return np.full(rows, bool(values))
    mask: Mask = values.astype(np.bool_)
    return mask if valid is None else mask & valid


_Result = tuple[Any, Mask | None]  # an array (n,) or one scalar for all rows, and a validity mask


def _run(node: Expression, columns: Mapping[str, Column], rows: int) -> _Result:
    match node:
        case Literal(value=None):
            return np.zeros(rows, node.type.dtype), np.zeros(rows, np.bool_)
        case Literal(value=value):
            return (node.type.dtype.type(value) if node.type.is_numeric else value), None
        case Reference(name=name):
            return columns[name].values, columns[name].valid
        case Arithmetic(op=op, left=left, right=right):
            (a, a_valid), (b, b_valid) = _run(left, columns, rows), _run(right, columns, rows)
            if op == "unless":
                return a & (False if b_valid is None else ~b_valid), a_valid
            if node.type is DataType.BOOLEAN:
                values = arithmetic(op, _masked(a, a_valid), _masked(b, b_valid), node.type)
                return values, None if a_valid is None or b_valid is None else a_valid | b_valid
            return arithmetic(op, a, b, node.type), _both(a_valid, b_valid)
        case Comparison(op=op, left=left, right=right):
            if not _compares(op, left.type, right.type):
                return np.bool_(False), None
            (a, a_valid), (b, b_valid) = _operand(left, columns, rows), _operand(right, columns, rows)
            return _masked(_COMPARE[op](a, b), _both(a_valid, b_valid)), None
        case Match(operand=operand, pattern=pattern, negated=negated):
            if operand.type not in _TEXTS:
                return np.bool_(False), None
            values, valid = _operand(operand, columns, rows)
            return _masked(match_distinct(pattern, values, valid) ^ negated, valid), None
        case Logical(op=op, terms=terms):
            result = holds(terms[0], columns, rows)
            for term in terms[1:]:
                other = holds(term, columns, rows)
                result = result & other if op == "AND" else result | other
            return result, None
        case MathCall(arguments=arguments, kernel=kernel, computes=computes):
            parts = [_run(argument, columns, rows) for argument in arguments]
            valid = None
            for _, mask in parts:
                valid = _both(valid, mask)
            with np.errstate(all="ignore"):
                arrays = (np.broadcast_to(np.asarray(values, computes.dtype), (rows,)) for values, _ in parts)
                return kernel(*arrays), valid
    raise TypeError(f"no way to evaluate {type(node).__name__}")


def _operand(node: Expression, columns: Mapping[str, Column], rows: int) -> _Result:
    """As `_run`; but a tag that is missing is the empty string, and so compares."""
    values, valid = _run(node, columns, rows)
    if node.type is DataType.TAG and valid is not None:
        return np.where(valid, values, ""), None
    return values, valid


def arithmetic(op: str, left: Any, right: Any, type: DataType) -> Any:
    """InfluxQL arithmetic on arrays or scalars, giving `type`: x / 0 is 0, integer % 0 is 0, float % 0 is NaN.

    `/` that gives an integer drops the fraction; `%` takes the sign of the dividend; integers wrap around in int64.
    """
    with np.errstate(all="ignore"):
        left, right = np.asarray(left, type.dtype), np.asarray(right, type.dtype)
        if op == "/":
            zero = right == 0
            divisor = np.where(zero, type.dtype.type(1), right)
            quotient = left / divisor if type is DataType.FLOAT else (left - np.fmod(left, divisor)) // divisor
            return np.where(zero, type.dtype.type(0), quotient)
        if op == "%":
            if type is DataType.FLOAT:
                return np.fmod(left, right)
            zero = right == 0
            return np.where(zero, type.dtype.type(0), np.fmod(left, np.where(zero, type.dtype.type(1), right)))
        return _ARITHMETIC[op](left, right)


def match_distinct(pattern: str, values: Any, valid: Mask | None) -> Mask:
    """Where `pattern` is found in each of the strings (n,): looked for once per distinct string."""
    search = compile_regex(pattern).search
    if np.ndim(values) == 0:
        return np.asarray(search(values) is not None)
    found, verdicts = np.empty(len(values), np.bool_), dict[str, bool]()
    for start in range(0, len(values), _TEXTS_PER_LOOK):
        look()
        piece = slice(start, start + _TEXTS_PER_LOOK)
        known = values[piece] if valid is None else values[piece][valid[piece]]
        verdicts |= {text: search(text) is not None for text in set(known) if text not in verdicts}
        found[piece] = np.fromiter((verdicts.get(text, False) for text in values[piece]), np.bool_)
    return found


def format_float(value: float) -> str:
    """Shortest text that reads back as the same float64, as Go prints it in queries: no exponent below 1e21."""
    if np.isnan(value) or np.isinf(value):
        return str(value)
    text = np.format_float_positional(value, trim="-")
    return text


def _compares(op: str, left: DataType, right: DataType) -> bool:
    if left in _NUMBERS and right in _NUMBERS:
        return True
    texts, booleans = {left, right} <= _TEXTS, left is right is DataType.BOOLEAN
    return op in ("=", "!=") and (texts or booleans)


def _both(a: Mask | None, b: Mask | None) -> Mask | None:
    if a is None or b is None:
        return b if a is None else a
    return a & b


def _masked(values: Any, valid: Mask | None) -> Any:
    return values if valid is None else values & valid


def _bracketed(node: Expression) -> str:
    return f"({node})" if isinstance(node, Arithmetic | Logical | Comparison | Match) else str(node)


_TEXTS = {DataType.STRING, DataType.TAG}
_INTEGERS = {DataType.INTEGER, DataType.UNSIGNED}
_NUMBERS = {*NUMERIC, DataType.TIME, DataType.DURATION}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "&": np.bitwise_and,
    "|": np.bitwise_or,
    "^": np.bitwise_xor,
}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
