"""Every codec gives back exactly the bits it was given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from influxish.batch import object_array
from influxish.storage.codec import Codec, decode, encode
from influxish.types import DataType

LENGTHS = st.integers(1, 300)


def round_trip(values: np.ndarray, type_: DataType) -> Codec:
    codec, data = encode(values, type_)
    back = decode(codec, data, len(values), type_)
    assert back.dtype == type_.dtype
    if type_ is DataType.STRING:
        assert back.tolist() == values.tolist()
    else:
        assert back.tobytes() == values.tobytes()
    return codec


@pytest.mark.parametrize("type_", [DataType.FLOAT, DataType.INTEGER, DataType.UNSIGNED, DataType.BOOLEAN])
@given(data=st.data())
def test_numbers_and_booleans_keep_every_bit(type_: DataType, data: st.DataObject) -> None:
    round_trip(data.draw(hnp.arrays(type_.dtype, LENGTHS)), type_)


@given(st.lists(st.text(max_size=5), min_size=1, max_size=100))
def test_strings_come_back_as_they_were(texts: list[str]) -> None:
    round_trip(object_array(texts), DataType.STRING)


def test_each_codec_is_chosen_where_it_pays() -> None:
    random = np.random.default_rng(1)
    noise = random.integers(0, 2**64, 1000, np.uint64)
    assert round_trip(np.full(1000, 7.5), DataType.FLOAT) is Codec.CONSTANT
    assert round_trip(np.round(random.random(1000), 2), DataType.FLOAT) is Codec.PCO
    assert round_trip(noise, DataType.UNSIGNED) in (Codec.RAW, Codec.PCO)
    assert round_trip(noise[:1].repeat(2) + np.array([0, 1], np.uint64), DataType.UNSIGNED) is Codec.RAW
    assert round_trip(random.random(1000) > 0.5, DataType.BOOLEAN) is Codec.BITS
    assert round_trip(np.ones(1000, np.bool_), DataType.BOOLEAN) is Codec.CONSTANT
    assert round_trip(object_array(["a", "b"] * 500), DataType.STRING) is Codec.DICTIONARY
    assert round_trip(object_array(map(str, range(1000))), DataType.STRING) is Codec.TEXT
    assert round_trip(object_array(["é"] * 1000), DataType.STRING) is Codec.CONSTANT


def test_both_zeros_and_nan_patterns_are_kept_apart() -> None:
    assert round_trip(np.array([0.0, -0.0] * 50), DataType.FLOAT) is not Codec.CONSTANT


@pytest.mark.parametrize("codec", [Codec.RAW, Codec.PCO, Codec.CONSTANT, 99])
def test_bytes_of_the_wrong_length_are_refused(codec: int) -> None:
    with pytest.raises(ValueError, match=r"expected|unknown|.+"):
        decode(codec, b"123", 2, DataType.FLOAT)
