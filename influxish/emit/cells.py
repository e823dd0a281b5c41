"""A column as a list of texts, in the spelling that a format wants: the part the text writers share.

One Python list per column of a bounded piece of rows; no format's punctuation between cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from influxish.batch import Column, object_array
from influxish.types import Array, DataType, Times


@dataclass(frozen=True, slots=True)
class CellStyle:
    """How one format spells values.

    Attributes:
        null: what stands for no value, and for NaN.
        times: text of each time of an (n,) ns array.
        string: text of a string value.
        strings: text of a tuple of strings, of the texts of each; None: that of one string, with commas between them.
        exponents: very large and very small floats are written with an exponent.
    """

    null: str
    times: Callable[[Times], list[str]]
    string: Callable[[str], str]
    exponents: bool
    strings: Callable[[list[str]], str] | None = None

    def spelled(self, item: str | tuple[str, ...]) -> str:
        """The text of one string, or of several."""
        if isinstance(item, str):
            return self.string(item)
        return self.string(", ".join(item)) if self.strings is None else self.strings(list(map(self.string, item)))


def cell_texts(column: Column, style: CellStyle) -> list[str]:
    """The text of each value of a column of n values, n strings."""
    values, valid = column.values, column.valid
    if column.type is DataType.FLOAT and np.isnan(values).any():
        valid = column.mask & ~np.isnan(values)
    if valid is None:
        return _texts(column.type, values, style)
    kept = np.flatnonzero(valid)
    null = style.null if column.default is None else _number_text(column.default, style)
    if not len(kept):
        return [null] * len(values)
    # What stands in invalid places may be anything: only the others are written.
    texts = object_array([null] * len(values))
    texts[kept] = object_array(_texts(column.type, values[kept], style))
    result: list[str] = texts.tolist()
    return result


def _number_text(value: float | int, style: CellStyle) -> str:
    return str(value) if isinstance(value, int) else float_texts(np.array([value]), exponents=style.exponents)[0]


def _texts(type: DataType, values: Array, style: CellStyle) -> list[str]:
    if type is DataType.FLOAT:
        return float_texts(values, exponents=style.exponents)
    if type is DataType.TIME:
        return style.times(values)
    if type is DataType.BOOLEAN:
        return ["true" if value else "false" for value in values.tolist()]
    if values.dtype == object:
        items = values.tolist()
        # Tags and states repeat: each distinct string is spelled once.
        spelled = {item: style.spelled(item) for item in set(items)}
        return [spelled[item] for item in items]
    return list(map(str, values.tolist()))


def float_texts(values: Array, *, exponents: bool = True) -> list[str]:
    """The shortest text that reads back as the same float, as Go writes it: no `.0`, `+Inf` for infinity.

    Args:
        values: (n,) float64.
        exponents: use an exponent below 1e-6 and from 1e21 on, as Go's encoding/json does; else never, as its
            FormatFloat(v, 'f', -1, 64) does.

    >>> float_texts(np.array([1.0, -0.5, 1e20, 1e21, 1e-7]))
    ['1', '-0.5', '100000000000000000000', '1e+21', '1e-7']
    """
    magnitudes = np.abs(values)
    # In this range repr() writes plain digits; where it does not, each value is spelled on its own.
    plain = ((magnitudes >= 1e-4) & (magnitudes < 1e16)) | (magnitudes == 0)
    whole = plain & (np.trunc(values) == values)
    if whole.all() and not (np.signbit(values) & (magnitudes == 0)).any():
        return list(map(str, values.astype(np.int64).tolist()))
    texts = list(map(float.__repr__, values.tolist()))
    for position in np.flatnonzero(whole).tolist():
        texts[position] = texts[position][:-2]
    for position in np.flatnonzero(~plain).tolist():
        texts[position] = _float_text(float(values[position]), exponents)
    return texts


def _float_text(value: float, exponents: bool) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if exponents and not 1e-6 <= abs(value) < 1e21 and value:
        return repr(value).replace("e-0", "e-")
    return format(Decimal(repr(value)), "f")
