"""The Python face: open, write lines and columns, query, run, explain, convert, close; from several threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import influxish
from influxish.database import Database
from influxish.errors import (
    CompileError,
    InfluxishError,
    NotFound,
    ParseError,
    PartialWrite,
    StorageError,
    WriteError,
)
from influxish.types import DataType

LINES = ["cpu,host=a usage=1,on=true 0", 'cpu,host=a usage=3,note="x" 10', "cpu,host=b usage=5,n=7i 20"]


@pytest.fixture
def loaded(db: Database) -> Database:
    assert db.write(LINES, database="demo", precision="s") == 3
    return db


def rows(db: Database, text: str, **options: Any) -> list[dict[str, Any]]:
    return list(db.query(text, database="demo", **options).rows)


# --- writing ---


@pytest.mark.parametrize("data", ["\n".join(LINES), "\n".join(LINES).encode(), LINES, tuple(LINES)])
def test_lines_come_as_text_bytes_or_a_list(db: Database, data: Any) -> None:
    assert db.write(data, database="demo", precision="s") == 3
    assert rows(db, "SELECT sum(usage) FROM cpu") == [{"time": 0, "sum": 9.0}]


@pytest.mark.parametrize(
    "data",
    [
        bytearray("\n".join(LINES).encode()),
        memoryview("\n".join(LINES).encode()),
        [line.encode() for line in LINES],
        [LINES[0], LINES[1].encode(), bytearray(LINES[2].encode())],
        np.array(LINES),
        np.array(LINES, object),
        pd.Series(LINES),
        dict.fromkeys(LINES).keys(),
    ],
    ids=lambda data: type(data).__name__,
)
def test_lines_come_as_anything_like_text_bytes_or_a_list(db: Database, data: Any) -> None:
    assert db.write(data, database="demo", precision="s") == 3
    assert rows(db, "SELECT sum(usage) FROM cpu") == [{"time": 0, "sum": 9.0}]


def test_lines_come_from_a_generator_or_an_open_file(db: Database, tmp_path: Path) -> None:
    assert db.write((line for line in LINES), database="demo", precision="s") == 3
    path = tmp_path / "points.txt"
    path.write_text("\n".join([*LINES, "cpu"]) + "\n", encoding="utf-8")
    for mode in ("r", "rb"):
        with path.open(mode) as file, pytest.raises(PartialWrite, match="line 4: unable to parse 'cpu'") as caught:
            db.write(file, database="demo", precision="s")
        assert caught.value.written == 3
    assert db.write([], database="demo") == 0
    assert db.write("", database="demo") == 0


def test_a_character_that_is_no_utf_8_costs_its_line_only(db: Database) -> None:
    text = 'm v=1 1\nm s="\ud800" 2\nm v=3 3'
    for data in (text, text.split("\n"), text.encode("utf-8", "surrogatepass")):
        with pytest.raises(PartialWrite, match=r"line 2: .*invalid UTF-8") as caught:
            db.write(data, database="demo")
        assert caught.value.written == 2
        str(caught.value).encode()
    assert [row["v"] for row in rows(db, "SELECT v FROM m")] == [1.0, 3.0]
    for columns, layout in (
        ({"time": [1], "s": ["\ud800"]}, {"measurement": "m"}),
        ({"time": [1], "v": [1.0], "h": ["\ud800"]}, {"measurement": "m", "tags": ["h"]}),
        ({"time": [1], "\ud800": [1.0]}, {"measurement": "m"}),
        ({"time": [1], "v": [1.0]}, {"measurement": "\ud800"}),
    ):
        with pytest.raises(WriteError, match="cannot be written as UTF-8"):
            db.write(columns, database="demo", **layout)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (None, "cannot write a NoneType"),
        (1.5, "cannot write a float"),
        (["m v=1", 3], "line 2 is a int"),
        ([{"time": 1, "v": 1.0}], "line 1 is a dict"),
        ([None], "line 1 is a NoneType"),
        (np.arange(3), "line 1 is a int64"),
    ],
)
def test_data_of_another_kind_is_refused_with_what_is_accepted(db: Database, data: Any, found: str) -> None:
    with pytest.raises(WriteError) as caught:
        db.write(data, database="demo")
    assert found in str(caught.value)
    assert "line protocol" in str(caught.value)
    assert db.measurements("demo") == []


def test_columns_come_as_a_mapping_of_arrays(db: Database) -> None:
    columns = {"time": [1, 2], "host": ["a", "b"], "usage": np.array([1.5, np.nan]), "n": np.array([1, 2])}
    assert db.write(columns, database="demo", measurement="cpu", tags=["host"], precision="s") == 2
    assert rows(db, "SELECT * FROM cpu") == [
        {"time": 10**9, "host": "a", "n": 1, "usage": 1.5},
        {"time": 2 * 10**9, "host": "b", "n": 2, "usage": None},
    ]


def test_columns_come_as_a_pandas_frame_with_zoned_times_or_a_time_index(db: Database) -> None:
    times = pd.to_datetime(["2020-01-01 01:00", "2020-01-01 02:00"]).tz_localize("Europe/Berlin")
    frame = pd.DataFrame({"time": times, "host": ["a", None], "v": pd.array([1, None], "Int64"), "w": [1.5, 2.5]})
    db.write(frame, database="demo", measurement="m", tags=["host"])
    start = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * 10**9
    assert rows(db, "SELECT * FROM m") == [
        {"time": start, "host": "a", "v": 1, "w": 1.5},
        {"time": start + 3600 * 10**9, "host": None, "v": None, "w": 2.5},
    ]
    indexed = pd.DataFrame({"v": [1.0]}, index=pd.DatetimeIndex(["2020-01-01"]))
    assert db.write(indexed, database="demo", measurement="i") == 1
    assert rows(db, "SELECT v FROM i") == [{"time": start, "v": 1.0}]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("unit", ["ns", "us", "s"])
def test_zoned_times_are_instants_wherever_a_frame_has_them(db: Database, zone: str, unit: str) -> None:
    hours = ["2020-06-30T22:00", "2020-07-01T00:30"]
    times = pd.DatetimeIndex(hours, tz="UTC").tz_convert(zone).as_unit(unit)
    expected = [int(datetime.fromisoformat(hour).replace(tzinfo=UTC).timestamp()) * 10**9 for hour in hours]
    values = {"v": [1.0, 2.0]}
    forms = (
        pd.DataFrame(values, index=times),
        pd.DataFrame({"time": times, **values}),
        {"time": times, **values},
        {"time": pd.Series(times), **values},
        pl.DataFrame({"time": pl.Series(times.to_list(), dtype=pl.Datetime("us", zone)), **values}),
        pa.table({"time": pa.array(pd.Series(times)), **values}),
    )
    for number, form in enumerate(forms):
        assert db.write(form, database="demo", measurement=f"m{number}") == 2
        assert [row["time"] for row in rows(db, f"SELECT v FROM m{number}")] == expected


def test_columns_come_as_an_arrow_table(db: Database) -> None:
    table = pa.table(
        {
            "time": pa.array([1, 2], pa.timestamp("s")),
            "host": pa.array(["a", None]).dictionary_encode(),
            "i": [1, None],
            "u": pa.array([2**63, None], pa.uint64()),
            "b": [True, False],
            "s": ["x", None],
            "f": [1.5, 2.5],
        }
    )
    for number, data in enumerate((table, table.to_batches()[0])):
        assert db.write(data, database="demo", measurement=f"m{number}", tags=["host"]) == 2
        assert rows(db, f"SELECT i, u, b, s, f, host FROM m{number}") == [
            {"time": 10**9, "i": 1, "u": 2**63, "b": True, "s": "x", "f": 1.5, "host": "a"},
            {"time": 2 * 10**9, "i": None, "u": None, "b": False, "s": None, "f": 2.5, "host": None},
        ]


def test_unsigned_columns_stay_unsigned_where_values_are_missing(db: Database) -> None:
    frames = (
        pl.DataFrame({"time": [1, 2], "v": pl.Series([1, None], dtype=pl.UInt32), "w": [1.0, 2.0]}),
        pd.DataFrame({"time": [1, 2], "v": pd.array([1, None], "UInt64"), "w": [1.0, 2.0]}),
    )
    for number, frame in enumerate(frames):
        db.write(frame, database="demo", measurement=f"m{number}")
        assert db.field_keys("demo", f"m{number}")["v"] == (DataType.UNSIGNED,)


EMPTY = (
    {"time": [], "v": [], "host": []},
    {"time": np.array([], "datetime64[ns]"), "v": np.zeros(0), "host": ()},
    pd.DataFrame({"time": [], "v": [], "host": []}),
    pl.DataFrame({"time": [], "v": [], "host": []}),
    pa.table({"time": [], "v": [], "host": []}),
)


@pytest.mark.parametrize("data", EMPTY, ids=lambda data: f"{type(data).__module__}.{type(data).__name__}")
def test_columns_without_rows_are_no_points(db: Database, data: Any) -> None:
    assert db.write(data, database="demo", measurement="m", tags=["host"]) == 0
    assert db.write(data, database="demo", measurement="m", tags=["host"], precision="s") == 0
    assert db.measurements("demo") == []
    with pytest.raises(NotFound):
        db.write(data, database="nosuch", measurement="m", tags=["host"])


EXPORTS: dict[str, Callable[[influxish.Result], Any]] = {
    "numpy": lambda result: {name: column for name, column in result.to_numpy().items() if name != "name"},
    "pandas": lambda result: result.to_pandas().drop(columns="name"),
    "polars": lambda result: result.to_polars().drop("name"),
    "arrow": lambda result: result.to_arrow().drop_columns("name"),
}


@pytest.mark.parametrize("form", EXPORTS)
@pytest.mark.parametrize("select", ["SELECT * FROM m", "SELECT f, i, u, s, b FROM m GROUP BY *"])
def test_what_was_exported_is_written_back_as_it_was(db: Database, form: str, select: str) -> None:
    lines = 'm,h=a f=1.5 1\nm,h=b i=-2i 2\nm u=18446744073709551615u 3\nm,h=a s="x" 4\nm,h=a b=true,f=2,i=7i 5'
    db.write(lines, database="demo")
    export = EXPORTS[form](db.query(select, database="demo"))
    assert db.write(export, database="demo", measurement="copy", tags=["h"]) == 5
    assert rows(db, "SELECT * FROM copy") == rows(db, "SELECT * FROM m")
    assert db.field_keys("demo", "copy") == db.field_keys("demo", "m")
    counted = "SELECT count(*) FROM {}"
    assert rows(db, counted.format("copy")) == rows(db, counted.format("m"))


def test_columns_come_as_a_polars_frame(db: Database) -> None:
    frame = pl.DataFrame(
        {"time": [datetime(2020, 1, 1), datetime(2020, 1, 2)], "host": ["a", None], "v": [1, None], "b": [True, False]}
    )
    assert db.write(frame, database="demo", measurement="m", tags=["host"]) == 2
    assert [row["v"] for row in rows(db, "SELECT v, b FROM m")] == [1, None]


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ({"time": [1], "v": [1.0]}, {}, "need a measurement"),
        ({"v": [1.0]}, {"measurement": "m"}, "no column 'time'"),
        ({"time": [1], "v": [1.0]}, {"measurement": "m", "tags": ["host"]}, "no column 'host'"),
        ({"time": ["x"], "v": [1.0]}, {"measurement": "m"}, "must be integers or datetime64"),
        ({"time": [1, 2], "v": [1.0]}, {"measurement": "m"}, "2"),
        ({"time": [2**62], "v": [1.0]}, {"measurement": "m", "precision": "s"}, "outside the range"),
        ({"time": np.array([2**64 - 5], np.uint64), "v": [1.0]}, {"measurement": "m"}, "time in row 0 is outside"),
        (
            {"time": np.array([1, 2**63], np.uint64), "v": [1, 2]},
            {"measurement": "m", "precision": "ns"},
            "time in row 1 is outside",
        ),
        ({"time": [-(2**63)], "v": [1.0]}, {"measurement": "m"}, "time in row 0 is outside"),
        ({"time": np.ma.array([1, 2], mask=[1, 0]), "v": [1, 2]}, {"measurement": "m"}, "time in row 0 is missing"),
        ({"time": [], "v": [1.0]}, {"measurement": "m"}, "there are 0 times"),
        ({"time": [], "v": []}, {}, "need a measurement"),
        ({"time": [1], "v": [1.0]}, {"measurement": "m", "precision": "fortnight"}, 'no precision "fortnight"'),
        (42, {"measurement": "m"}, "cannot write a int"),
        ({"time": 1, "v": [1.0]}, {"measurement": "m"}, "column 'time' is a int: give a sequence"),
        ({"time": [1], "v": 1.0}, {"measurement": "m"}, "column 'v' is a float: give a sequence"),
        ({"time": [1], "v": "a"}, {"measurement": "m"}, "column 'v' is a str: give a sequence"),
        ({"time": [1], "v": [1.0], "h": 5}, {"measurement": "m", "tags": ["h"]}, "column 'h' is a int"),
        ({"time": [[1]], "v": [1.0]}, {"measurement": "m"}, "times must have one dimension"),
        ({"time": [[1], [1, 2]], "v": [1.0]}, {"measurement": "m"}, "times must have one dimension"),
        ({"time": [1], "v": [1.0]}, {"measurement": "m", "tags": [["h"]]}, "tags must be names of columns, not list"),
        ({"time": [1], "v": [1.0]}, {"measurement": 5}, "measurement must be a text, not int"),
        ({"time": [1], "v": [1.0]}, {"measurement": "m", "time": 5}, "time must be a text, not int"),
        ({"time": [1], "v": [1.0]}, {"measurement": "m", "tags": 5}, "tags must be a list of column names"),
        ({"time": [1], "v": [1.0]}, {"measurement": "m", "tags": "v"}, "tags must be a list of column names"),
        ({"time": [1], "v": [1.0]}, {"measurement": "m", "tags": [5]}, "tags must be names of columns, not int"),
        ({"time": [1], "v": [1.0], "h": ["a"]}, {"measurement": "m", "tags": ["h", "h"]}, "'h' more than once"),
        ({"time": [1], "v": [1.0]}, {"measurement": "m", "tags": ["time"]}, "'time' holds the times"),
        ({"time": [1], "v": [1.0], "h": [0]}, {"measurement": "m", "tags": ["h"]}, "holds 0; tag values are strings"),
        ({"time": [1], "v": [1.0], "h": [[]]}, {"measurement": "m", "tags": ["h"]}, "tag values are strings"),
        ({"time": [1], 1: [1.0], "1": [1.0]}, {"measurement": "m"}, "more than one column is named '1'"),
        (pd.DataFrame([[1, 2, 3]], columns=["time", "v", "v"]), {"measurement": "m"}, "one column is named 'v'"),
        (pa.table([[1], [2], [3]], names=["time", "v", "v"]), {"measurement": "m"}, "one column is named 'v'"),
        (pl.LazyFrame({"time": [1], "v": [1.0]}), {"measurement": "m"}, r"a LazyFrame .*: write its collect\(\)"),
    ],
)
def test_columns_that_cannot_be_written_say_why(db: Database, data: Any, options: Any, message: str) -> None:
    with pytest.raises(WriteError, match=message):
        db.write(data, database="demo", **options)


def test_good_lines_of_a_bad_text_are_written_and_the_bad_ones_are_named(db: Database) -> None:
    text = "m v=1 1\nm v=\nm v=2 2\nm v=3i 3\n"
    with pytest.raises(PartialWrite) as caught:
        db.write(text, database="demo")
    assert caught.value.written == 2
    assert [line for line, _ in caught.value.rejected] == [2, 4]
    assert "line 2: unable to parse 'm v=': missing field value" in str(caught.value)
    assert "field type conflict" in str(caught.value)
    assert rows(db, "SELECT count(v) FROM m") == [{"time": 0, "count": 2}]


def test_an_unknown_database_is_named(db: Database) -> None:
    with pytest.raises(NotFound, match="database not found: nosuch"):
        db.write("m v=1", database="nosuch")
    with pytest.raises(NotFound, match="database not found: nosuch"):
        db.query("SELECT v FROM m", database="nosuch")
    with pytest.raises(NotFound, match="database name required"):
        db.query("SELECT v FROM m")


# --- asking ---


def test_a_result_is_read_as_series_and_as_rows_as_often_as_wanted(loaded: Database) -> None:
    result = loaded.query("SELECT usage FROM cpu GROUP BY host", database="demo")
    assert [(series.name, dict(series.tags), list(series.rows)) for series in result] == [
        ("cpu", {"host": "a"}, [(0, 1.0), (10 * 10**9, 3.0)]),
        ("cpu", {"host": "b"}, [(20 * 10**9, 5.0)]),
    ]
    assert len(result) == 3
    assert list(result.rows) == list(result.rows)
    assert result.columns == ("time", "usage")


def test_parameters_are_bound_as_values_never_as_text(loaded: Database) -> None:
    text = "SELECT usage FROM cpu WHERE host = $host AND usage > $least"
    assert [row["usage"] for row in rows(loaded, text, params={"host": "a", "least": 1})] == [3.0]
    assert rows(loaded, text, params={"host": "a' OR usage > 0 --", "least": 0}) == []
    with pytest.raises(ParseError, match="missing parameter: least"):
        rows(loaded, text, params={"host": "a"})


def test_one_statement_a_query_several_a_run(loaded: Database) -> None:
    text = "SELECT usage FROM cpu LIMIT 1; SELECT count(usage) FROM cpu"
    with pytest.raises(CompileError, match=r"one statement, this text has 2: use run\(\)"):
        loaded.query(text, database="demo")
    with pytest.raises(CompileError, match="this text has 0"):
        loaded.query("", database="demo")
    answers = [[chunk.rows for chunk in answer.chunks] for answer in loaded.run(text, database="demo")]
    assert answers == [[1], [1]]


def test_a_tag_stays_in_rows_when_a_column_has_its_name(loaded: Database) -> None:
    result = loaded.query("SELECT usage AS host FROM cpu GROUP BY host", database="demo")
    assert list(result.rows) == [
        {"host": "a", "time": 0, "host_1": 1.0},
        {"host": "a", "time": 10 * 10**9, "host_1": 3.0},
        {"host": "b", "time": 20 * 10**9, "host_1": 5.0},
    ]
    assert set(result.to_numpy()) == {"time", "name", "host", "host_1"}
    result = loaded.query("SELECT usage AS host, usage AS host_1 FROM cpu GROUP BY host LIMIT 1", database="demo")
    assert next(iter(result.rows)) == {"host": "a", "time": 0, "host_2": 1.0, "host_1": 1.0}
    assert set(result.to_numpy()) == {"time", "name", "host", "host_1", "host_2"}


def test_a_run_ends_with_the_first_error(loaded: Database) -> None:
    answers = loaded.run("SELECT usage FROM cpu; SELECT foo(v) FROM cpu; SELECT n FROM cpu", database="demo")
    assert sum(chunk.rows for chunk in next(answers).chunks) == 3
    with pytest.raises(CompileError, match=r"undefined function foo\(\)"):
        next(answers)


def test_a_run_cuts_long_series_into_chunks(db: Database) -> None:
    db.write({"time": np.arange(25), "v": np.arange(25.0)}, database="demo", measurement="m")
    answers = db.run("SELECT v FROM m", database="demo", chunk_rows=10)
    assert [(chunk.rows, chunk.partial) for chunk in next(answers).chunks] == [(10, True), (10, True), (5, False)]


@pytest.mark.parametrize("chunk_rows", [-1, 0, "a", 1.5, True, None])
def test_a_chunk_holds_a_row_at_least(loaded: Database, chunk_rows: Any) -> None:
    with pytest.raises(InfluxishError, match="chunk_rows takes a whole number from 1 on, not"):
        list(loaded.run("SELECT usage FROM cpu", database="demo", chunk_rows=chunk_rows))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cancel": True}, "cancel takes a CancelSwitch, not bool"),
        ({"disable": 5}, "disable takes names of optimizer rules, or all, not int"),
        ({"disable": [5]}, "there is no optimizer rule 5"),
        ({"params": [1]}, "params takes a mapping of names to values, not list"),
        ({"params": []}, "params takes a mapping of names to values, not list"),
    ],
)
def test_arguments_of_another_kind_say_what_is_accepted(loaded: Database, options: Any, message: str) -> None:
    for ask in (loaded.query, loaded.explain, lambda *a, **o: list(loaded.run(*a, **o))):
        with pytest.raises(InfluxishError, match=message):
            ask("SELECT usage FROM cpu", database="demo", **options)  # type: ignore[operator]


@pytest.mark.parametrize("path", ["", 5, None])
def test_a_path_is_named_to_open(path: Any) -> None:
    with pytest.raises(InfluxishError, match=r"open.* takes the path of a folder"):
        influxish.open(path)


def test_an_answer_that_was_not_read_in_time_is_an_error_not_empty(loaded: Database) -> None:
    (answer,) = loaded.run("SELECT usage FROM cpu", database="demo")
    with pytest.raises(InfluxishError, match="the run has moved on"):
        list(answer.chunks)


def test_every_error_is_of_one_family_and_says_where(loaded: Database) -> None:
    with pytest.raises(InfluxishError) as caught:
        loaded.query("SELECT usage FORM cpu", database="demo")
    assert str(caught.value).splitlines()[1:3] == ["1 | SELECT usage FORM cpu", "                 ^^^^"]
    with pytest.raises(InfluxishError, match="no optimizer rule 'nosuch'"):
        loaded.query("SELECT usage FROM cpu", database="demo", disable=["nosuch"])
    with pytest.raises(InfluxishError, match="no setting 'memory'"):
        influxish.open(":memory:", memory=3)


def test_limits_of_any_size_are_limits(loaded: Database) -> None:
    huge = 2**63 - 1
    assert len(rows(loaded, f"SELECT usage FROM cpu LIMIT {huge} OFFSET 1")) == 2
    assert rows(loaded, f"SELECT usage FROM cpu LIMIT {huge} OFFSET {huge} SLIMIT {huge} SOFFSET {huge}") == []
    assert len(rows(loaded, f"SELECT top(usage, {huge}) FROM cpu")) == 3


def test_a_text_that_is_none_is_a_plain_type_error(db: Database) -> None:
    with pytest.raises(TypeError, match="must be a str, not bytes"):
        db.query(b"SELECT v FROM m", database="demo")  # type: ignore[arg-type]


def test_subqueries_nest_to_a_limit_that_is_named(loaded: Database) -> None:
    text = "SELECT usage FROM cpu"
    for _ in range(20):
        text = f"SELECT usage FROM ({text})"
    assert len(rows(loaded, text)) == 3
    with pytest.raises(CompileError, match="nested more than 20 deep"):
        rows(loaded, f"SELECT usage FROM ({text})")


def test_explain_shows_the_graph_and_analyze_runs_it(loaded: Database) -> None:
    explanation = loaded.explain("SELECT mean(usage) FROM cpu WHERE host = 'a'", database="demo")
    assert "filter host = 'a'" in explanation.text()
    assert "series host = 'a'" in explanation.text().split("after the rules")[1]
    assert explanation.dot().startswith("digraph")
    assert explanation.json()["after"]["nodes"][0]["kind"] == "scan"
    ran = loaded.explain("EXPLAIN ANALYZE SELECT mean(usage) FROM cpu", database="demo").json()
    scan, mean = ran["after"]["nodes"][:2]
    assert (scan["kind"], scan["rows"], scan["blocks_read"]) == ("scan", 3, 1)  # told apart, though the shard does both
    assert (mean["kind"], mean["rows"]) == ("aggregate", 1)
    assert mean["seconds"] > scan["seconds"] > 0
    assert ran["seconds"] > 0
    plan = loaded.query("EXPLAIN SELECT mean(usage) FROM cpu", database="demo")
    assert plan.columns == ("QUERY PLAN",)
    with pytest.raises(CompileError, match="one SELECT"):
        loaded.explain("SHOW DATABASES")


# --- converting ---


def test_a_result_becomes_numpy_arrow_pandas_and_polars(loaded: Database) -> None:
    result = loaded.query('SELECT usage, n, note, "on" FROM cpu GROUP BY host', database="demo")
    arrays = result.to_numpy()
    assert list(arrays) == ["time", "name", "host", "usage", "n", "note", "on"]
    assert arrays["time"].dtype == np.dtype("datetime64[ns]")
    assert arrays["n"].mask.tolist() == [True, True, False]
    frame = result.to_pandas()
    assert frame["host"].tolist() == ["a", "a", "b"]
    assert frame["n"].isna().tolist() == [True, True, False]
    assert frame["n"].iloc[2] == 7
    assert str(frame["time"].dt.tz) == "UTC"
    table = result.to_arrow()
    assert table.column("note").to_pylist() == [None, "x", None]
    assert table.column("on").to_pylist() == [True, None, None]
    polars = result.to_polars()
    assert polars["n"].to_list() == [None, None, 7]
    assert polars["note"].to_list() == [None, "x", None]
    assert polars["time"].dtype == pl.Datetime("ns", "UTC")


def test_an_empty_result_converts_to_empty_columns(loaded: Database) -> None:
    result = loaded.query("SELECT usage FROM cpu WHERE usage > 100", database="demo")
    assert len(result) == 0
    assert list(result) == []
    assert {name: len(values) for name, values in result.to_numpy().items()} == {"time": 0, "name": 0, "usage": 0}
    assert len(result.to_pandas()) == 0
    assert result.to_arrow().num_rows == 0
    assert result.to_polars().height == 0


# --- living ---


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    with influxish.open(tmp_path / "store") as db:
        db.create_database("demo")
        db.write(LINES, database="demo", precision="s")
    with influxish.open(tmp_path / "store") as db:
        assert db.databases() == ["demo"]
        assert db.measurements("demo") == ["cpu"]
        assert db.tag_values("demo", "cpu", "host") == ["a", "b"]
        assert rows(db, "SELECT count(usage) FROM cpu") == [{"time": 0, "count": 3}]
        assert db.damage == []


def test_a_closed_database_says_so_and_closes_again(tmp_path: Path) -> None:
    db = influxish.open(tmp_path / "store")
    db.close()
    db.close()
    with pytest.raises(StorageError, match="is closed"):
        db.query("SELECT v FROM m", database="demo")


def test_many_threads_write_and_ask_at_once(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    with influxish.open(tmp_path / "store", memtable_bytes=200_000) as db:
        db.create_database("demo")

        def write(worker: int) -> None:
            for i in range(30):
                times = np.arange(100) + 100 * i
                columns = {"time": times, "v": np.ones(100), "w": [str(worker)] * 100}
                db.write(columns, database="demo", measurement="m", tags=["w"], precision="s")

        def ask() -> None:
            for _ in range(30):
                counts = [row["count"] for row in rows(db, "SELECT count(v) FROM m GROUP BY w")]
                assert all(count % 100 == 0 for count in counts), counts  # a write is there whole or not at all

        def guarded(work: Any, *arguments: Any) -> None:
            try:
                work(*arguments)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=guarded, args=(write, i)) for i in range(3)]
        threads += [threading.Thread(target=guarded, args=(ask,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert [row["count"] for row in rows(db, "SELECT count(v) FROM m GROUP BY w")] == [3_000] * 3


def test_a_misspelt_durability_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InfluxishError, match=r'durability must be "fsync" or "process".*fsnyc'):
        influxish.open(tmp_path / "store", durability="fsnyc")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("call", ["sum(v)", "mean(v)", "stddev(v)", "spread(v)", "median(v)", "mode(v)", "top(v, 2)"])
def test_values_at_the_end_of_all_floats_are_answered_without_a_warning(call: str) -> None:
    with influxish.open(":memory:") as db:
        db.create_database("demo")
        db.write(
            [f"m v={sign}1.7e308 {time}" for time, sign in enumerate(["", "", "", "-", "-", "-"])], database="demo"
        )
        for where in ("", " WHERE time < 3"):
            assert list(db.query(f"SELECT {call} FROM m{where}", database="demo").rows)
