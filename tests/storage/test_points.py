"""Points from arrays: what becomes what, what means no value, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from influxish.batch import object_array
from influxish.errors import WriteError
from influxish.storage.engine import Engine
from influxish.storage.points import PointBatch
from influxish.types import MAX_TIME, DataType
from tests.storage.helpers import contents


def table(fields: dict, times: object = (1, 2, 3), tags: dict | None = None):
    (found,) = PointBatch.from_columns("m", times, tags or {}, fields).tables
    return found


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([1.5, 2.5, 3.5], DataType.FLOAT),
        (np.array([1, 2, 3], np.float32), DataType.FLOAT),
        ([1, 2, 3], DataType.INTEGER),
        (np.array([1, 2, 3], np.int8), DataType.INTEGER),
        (np.array([1, 2, 2**64 - 1], np.uint64), DataType.UNSIGNED),
        ([True, False, True], DataType.BOOLEAN),
        (["a", "b", ""], DataType.STRING),
        (np.array(["a", "b", "c"]), DataType.STRING),
        ([1, 2.5, 3], DataType.FLOAT),
        (object_array([np.int64(1), 2, 3]), DataType.INTEGER),
    ],
)
def test_each_kind_of_array_becomes_its_field_type(values: object, type_: DataType) -> None:
    column = table({"v": values}).fields["v"]
    assert column.type is type_
    assert column.values.dtype == type_.dtype
    assert column.values.tolist() == list(values)  # type: ignore[call-overload]


@pytest.mark.parametrize("values", [[1.0, float("nan"), 3.0], np.array([1.0, np.nan, 3.0]), [1.0, None, 3.0]])
def test_nan_and_none_mean_no_value_and_rows_without_any_are_left_out(values: object) -> None:
    found = table({"v": values})
    assert found.times.tolist() == [1, 3]
    found = table({"v": values, "w": [7, 8, 9]})
    assert found.fields["v"].mask.tolist() == [True, False, True]
    assert found.values == 5


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (np.array([1.5, np.inf, 2.5]), DataType.FLOAT),
        (np.array([1, 2, 3], np.int16), DataType.INTEGER),
        (np.array([1, 2, 2**64 - 1], np.uint64), DataType.UNSIGNED),
        (np.array([True, False, True]), DataType.BOOLEAN),
        (np.array(["a", "b", "c"]), DataType.STRING),
        (object_array(["a", 5, "c"]), DataType.STRING),
    ],
)
def test_what_a_masked_array_hides_is_no_value(values: np.ndarray, type_: DataType) -> None:
    fields = {"v": np.ma.array(values, mask=[False, True, False]), "w": [7, 8, 9]}
    found = table(fields)
    assert found.values == 5
    assert found.fields["v"].type is type_
    assert found.fields["v"].mask.tolist() == [True, False, True]
    assert found.fields["v"].values[[0, 2]].tolist() == values[[0, 2]].tolist()
    assert table({"v": fields["v"]}).times.tolist() == [1, 3]
    hidden = table({"v": np.ma.array(values, mask=True), "w": [7, 8, 9]})
    assert hidden.values == 3
    shown = table({"v": np.ma.array(values[[0, 2, 0]])})
    assert shown.values == 3
    assert not isinstance(shown.fields["v"].values, np.ma.MaskedArray)


def test_the_parts_of_a_masked_array_are_missing_one_by_one() -> None:
    masked = np.ma.array([1, 2, 3], mask=[False, True, False])
    assert table({"v": list(masked)}).times.tolist() == [1, 3]


def test_a_tag_that_a_masked_array_hides_is_no_tag_and_a_mask_that_hides_no_time_changes_nothing() -> None:
    tags = {"h": np.ma.array(["a", "b", "c"], mask=[False, True, False])}
    found = table({"v": [1, 2, 3]}, np.ma.array([1, 2, 3]), tags)
    assert [found.series[row] for row in found.rows] == [(("h", "a"),), (), (("h", "c"),)]
    assert type(found.times) is np.ndarray


def test_without_rows_there_are_no_tables() -> None:
    empty = PointBatch.from_columns("m", [], {"h": [], "r": "x"}, {"v": [], "w": np.zeros(0)})
    assert (empty.tables, empty.rows, empty.values) == ((), 0, 0)


def test_missing_strings_and_integers_leave_the_type_alone() -> None:
    found = table({"s": ["a", None, "b"], "i": [None, 2**62 + 1, None], "b": [None, None, True]})
    assert [column.type.value for column in found.fields.values()] == ["string", "integer", "boolean"]
    assert found.fields["i"].values[1] == 2**62 + 1


def test_tags_are_constants_or_arrays_and_empty_ones_are_missing() -> None:
    found = table({"v": [1, 2, 3]}, tags={"h": np.array(["a", "", "a"], object), "r": "x", "z": ["q", None, ""]})
    assert [found.series[row] for row in found.rows] == [
        (("h", "a"), ("r", "x"), ("z", "q")),
        (("r", "x"),),
        (("h", "a"), ("r", "x")),
    ]


def test_datetime64_of_any_unit_is_a_time() -> None:
    assert table({"v": [1]}, np.array(["2020-01-01"], "datetime64[D]")).times.tolist() == [1_577_836_800 * 10**9]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", [1], {}, {"v": [1]}), "a measurement needs a name"),
        (("m", [1], {}, {}), "at least one field is needed"),
        (("m", [], {}, {"v": [1]}), r'field "v" has shape \(1,\), but there are 0 times'),
        (("m", [1, 2], {}, {"v": [1]}), r'field "v" has shape \(1,\), but there are 2 times'),
        (("m", [1], {"h": ["a", "b"]}, {"v": [1]}), 'tag "h" has 2 values, but there are 1 times'),
        (("m", [1], {"h": [5]}, {"v": [1]}), "tag values are strings"),
        (("m", [1.5], {}, {"v": [1]}), "times must be integers"),
        (("m", [[1]], {}, {"v": [1]}), "one dimension"),
        (("m", [MAX_TIME + 1], {}, {"v": [1]}), "time in row 0 is outside range"),
        (("m", np.array([2**64 - 1], np.uint64), {}, {"v": [1]}), "time in row 0 is outside range"),
        (("m", np.array(["NaT"], "datetime64[ns]"), {}, {"v": [1]}), "time in row 0 is missing"),
        (("m", np.ma.array([1, 2], mask=[False, True]), {}, {"v": [1, 2]}), "time in row 1 is missing"),
        (("m", [[1], [1, 2]], {}, {"v": [1, 2]}), "one dimension"),
        (("m", [1, 2], {}, {"v": np.ma.array([1.0, np.inf], mask=[True, False])}), "infinite in row 1"),
        (("m", [1, 2], {}, {"v": np.ma.array([1, "a"], mask=[True, False], dtype=bytes)}), "has dtype .S1"),
        (("m", [1], {}, {"v": np.ma.masked}), r"has shape \(\)"),
        (("m", [1], {}, {"v": np.ma.zeros(1, "i4,i4")}), "has dtype"),
        (("m", np.array(["9999-01-01"], "datetime64[s]"), {}, {"v": [1]}), "outside range"),
        (("m", [1], {}, {"v": [float("inf")]}), "infinite"),
        (("m", [1, 2], {}, {"v": [None, float("-inf")]}), "infinite"),
        (("m", [1], {}, {"v": [2**63]}), "does not fit 64 bits"),
        (("m", [1, 2], {}, {"v": [1, "a"]}), "holds values of types int, str"),
        (("m", [1], {}, {"v": [b"x"]}), "holds values of types bytes"),
        (("m", [1], {}, {"v": np.array([1j])}), "has dtype complex128"),
        (("m", [1], {}, {"": [1]}), "a field needs a name"),
        (("m", [1], {"": "a"}, {"v": [1]}), "a tag needs a name"),
        (("m", [1], {"h": "x" * 70_000}, {"v": [1]}), "max key length exceeded: 7.* > 65535"),
        (("m", [1], {}, {"v": ["\ud800"]}), "cannot be written as UTF-8"),
        (("m", [1], {}, {"\ud800": [1]}), "cannot be written as UTF-8"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_a_reason(arguments: tuple, message: str) -> None:
    with pytest.raises(WriteError, match=message):
        PointBatch.from_columns(*arguments)


@pytest.mark.parametrize("item", [0, False, 0.0, 5, True, b"", []])
def test_a_tag_that_is_no_string_is_refused_also_where_python_takes_it_for_nothing(item: object) -> None:
    with pytest.raises(WriteError, match=r'tag "h" holds .*; tag values are strings'):
        PointBatch.from_columns("m", [1, 2], {"h": ["a", item]}, {"v": [1, 2]})  # type: ignore[list-item]


@pytest.mark.parametrize("item", ["", None, float("nan"), np.nan, pd.NA, pd.NaT])
def test_a_missing_value_means_no_tag(item: object) -> None:
    tags = {"h": ["a", item, "b", item]}
    (table,) = PointBatch.from_columns("m", [1, 2, 3, 4], tags, {"v": [1, 2, 3, 4]}).tables  # type: ignore[arg-type]
    assert [table.series[row] for row in table.rows.tolist()] == [(("h", "a"),), (), (("h", "b"),), ()]


def test_columns_of_all_types_are_read_back_as_written() -> None:
    fields = {"v": [1.5, None], "i": [1, 2], "s": ["é", None], "b": [None, True]}
    with Engine.open(None) as engine:
        engine.create_database("d")
        engine.write("d", "", PointBatch.from_columns("m", [1, 2], {"h": ["a", "b"]}, fields))
        expected = {("a", 1): {"v": 1.5, "i": 1, "s": "é"}, ("b", 2): {"i": 2, "b": True}}
        assert contents(engine) == expected
        engine.flush()
        assert contents(engine) == expected
