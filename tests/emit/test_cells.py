"""Numbers as text: the shortest that reads back, in Go's spelling."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.emit.cells import float_texts

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "with_exponent", "without"),
    [
        (0.0, "0", "0"),
        (-0.0, "-0", "-0"),
        (1.0, "1", "1"),
        (0.1, "0.1", "0.1"),
        (0.00001, "0.00001", "0.00001"),
        (1e-6, "0.000001", "0.000001"),
        (1.5e-7, "1.5e-7", "0.00000015"),
        (1e-10, "1e-10", "0.0000000001"),
        (1e16, "10000000000000000", "10000000000000000"),
        (2.0**60, "1152921504606847000", "1152921504606847000"),
        # Beyond 2**53, as the server writes them: the digits that tell the float from its neighbours, then zeros.
        (2.0**53, "9007199254740992", "9007199254740992"),
        (51192628681553416.0, "51192628681553416", "51192628681553416"),
        (51192628681553408.0, "51192628681553410", "51192628681553410"),
        (123456789012345677.0, "123456789012345680", "123456789012345680"),
        (123456789.125, "123456789.125", "123456789.125"),
        (1e21, "1e+21", "1000000000000000000000"),
        (-1.25e22, "-1.25e+22", "-12500000000000000000000"),
        (float("inf"), "+Inf", "+Inf"),
        (float("-inf"), "-Inf", "-Inf"),
    ],
)
def test_spelling(value: float, with_exponent: str, without: str) -> None:
    for values in ([value], [value, 0.5], [value, 1.0]):
        assert float_texts(np.array(values))[0] == with_exponent
        assert float_texts(np.array(values), exponents=False)[0] == without


@given(st.lists(FINITE))
def test_the_text_reads_back_as_the_same_float(values: list[float]) -> None:
    array = np.array(values, np.float64)
    assert [float(text) for text in float_texts(array)] == values
    assert [float(text) for text in float_texts(array, exponents=False)] == values
    assert [float(json.loads(text)) for text in float_texts(array)] == values


@given(st.floats(2.0**53, 1e21, exclude_max=True))
def test_a_large_whole_number_has_the_fewest_digits_that_read_back_and_then_zeros(value: float) -> None:
    digits = next(text for count in range(17) if float(text := f"{value:.{count}e}") == value)
    expected = f"{int(Decimal(digits))}"
    assert float_texts(np.array([value, -value])) == [expected, f"-{expected}"]
    assert float_texts(np.array([value, 0.5]), exponents=False)[0] == expected


@given(st.lists(FINITE, min_size=1))
def test_no_text_is_longer_than_it_must_be(values: list[float]) -> None:
    for value, text in zip(values, float_texts(np.array(values)), strict=True):
        assert not text.endswith(".0")
        assert len(text.lstrip("-").replace(".", "").strip("0")) <= len(repr(value))
