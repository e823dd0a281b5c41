"""The CSV writer, as text and through Python's own reader."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from influxish.emit.csv import csv_error, write_csv
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.errors import LimitExceeded
from influxish.types import DataType
from tests.emit.answers import answer, breaking_off, column, floats, random_series, seconds, strings


def text(*results: StatementResult, epoch: str = "") -> str:
    return b"".join(write_csv(results, epoch=epoch)).decode()


def test_tags_stand_in_one_column_escaped_and_only_with_a_value() -> None:
    tags = {"data center": "a,b=c", "host": "h1", "rack": ""}
    chunk = SeriesChunk("cpu", tags, ("time", "v"), (seconds(0), floats(1.5)))
    assert text(answer(chunk), epoch="ns") == (
        'name,tags,time,v\ncpu,"data\\ center=a\\,b\\=c,host=h1",1577836800000000000,1.5\n'
    )


def test_a_header_comes_again_where_columns_change_and_for_each_statement_with_series() -> None:
    one = SeriesChunk("a", None, ("time", "v"), (seconds(0), floats(1)))
    other = SeriesChunk("b", None, ("time", "w"), (seconds(0), floats(2)))
    assert text(answer(one, one, other), answer(statement_id=1), answer(other, statement_id=2)) == (
        "name,tags,time,v\na,,2020-01-01T00:00:00Z,1\na,,2020-01-01T00:00:00Z,1\n\n"
        "name,tags,time,w\nb,,2020-01-01T00:00:00Z,2\n\n"
        "name,tags,time,w\nb,,2020-01-01T00:00:00Z,2\n"
    )


def test_cells_of_every_type() -> None:
    chunk = SeriesChunk(
        "m",
        None,
        ("time", "f", "i", "b", "s"),
        (
            seconds(0, 1),
            floats(1e21, float("inf")),
            column(DataType.INTEGER, [None, -5]),
            column(DataType.BOOLEAN, [True, None]),
            strings('a "b"\nc', None),
        ),
    )
    assert text(answer(chunk)) == (
        "name,tags,time,f,i,b,s\n"
        'm,,2020-01-01T00:00:00Z,1000000000000000000000,,true,"a ""b""\nc"\n'
        "m,,2020-01-01T00:00:01Z,+Inf,-5,,\n"
    )


def test_errors_have_a_header_of_their_own() -> None:
    chunk = SeriesChunk("m", None, ("time", "v"), (seconds(0), floats(1)), partial=True)
    result = breaking_off(chunk, error=LimitExceeded("too much, really", limit="rows"))
    assert text(result) == 'name,tags,time,v\nm,,2020-01-01T00:00:00Z,1\n\nerror\n"too much, really"\n'
    assert result.error == "too much, really"
    assert csv_error("no") == b"error\nno\n"


@given(st.lists(random_series(), max_size=3))
def test_what_is_written_reads_back(drawn: list[Any]) -> None:
    chunks = [chunk for series, _ in drawn for chunk in series]
    lines = iter(csv.reader(StringIO(text(answer(*chunks), epoch="ns"), newline="")))
    header: list[str] = []
    for series, rows in drawn:
        if ["name", "tags", *series[0].columns] != header:
            assert not header or next(lines) == []
            header = next(lines)
            assert header == ["name", "tags", *series[0].columns]
        for row in rows:
            name, _, *cells = next(lines)
            assert name == series[0].name
            assert [_read(cell, value) for cell, value in zip(cells, row, strict=True)] == row
    assert next(lines, None) is None


def _read(cell: str, like: object) -> object:
    match like:
        case None:
            return None if cell == "" else cell
        case bool():
            return {"true": True, "false": False}[cell]
        case int() | float():
            return type(like)(cell)
        case _:
            return cell
