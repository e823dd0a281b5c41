"""The JSON writer against answers observed on InfluxDB 1.6.7, and against Python's own reader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.emit.json import json_error, json_string, write_json
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.errors import LimitExceeded, NotFound, ParseError
from influxish.types import DataType, Span
from tests.emit.answers import answer, breaking_off, column, floats, random_series, seconds, strings, times


def text(*results: StatementResult, **options: Any) -> str:
    return b"".join(write_json(results, **options)).decode()


def three_rows(partial_after: int = 3) -> list[SeriesChunk]:
    whole = (("time", "v"), seconds(0, 1, 2), floats(1, 2, 3))
    columns, moments, values = whole
    cuts = [slice(0, partial_after), slice(partial_after, 3)]
    chunks = [SeriesChunk("m", None, columns, (moments.take(cut), values.take(cut)), cut.stop < 3) for cut in cuts]
    return [chunk for chunk in chunks if chunk.rows]


def test_numbers_are_written_as_go_writes_them() -> None:
    chunk = SeriesChunk(
        "big",
        None,
        ("time", "f", "g", "i", "k"),
        (
            seconds(0),
            floats(1e21),
            floats(0.0000001),
            column(DataType.INTEGER, [9223372036854775807]),
            floats(123456789012),
        ),
    )
    assert text(answer(chunk)) == (
        '{"results":[{"statement_id":0,"series":[{"name":"big","columns":["time","f","g","i","k"],'
        '"values":[["2020-01-01T00:00:00Z",1e+21,1e-7,9223372036854775807,123456789012]]}]}]}\n'
    )


def test_chunks_carry_partial_in_series_and_result() -> None:
    first = (
        '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","v"],"values":'
        '[["2020-01-01T00:00:00Z",1],["2020-01-01T00:00:01Z",2]],"partial":true}],"partial":true}]}\n'
    )
    last = (
        '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","v"],"values":'
        '[["2020-01-01T00:00:02Z",3]]}]}]}\n'
    )
    for cut in (1, 2, 3):
        assert text(answer(*three_rows(cut)), chunk_size=2) == first + last


def test_a_series_that_ends_with_a_full_chunk_is_not_partial_but_its_result_is() -> None:
    other = SeriesChunk("n", None, ("time", "v"), (seconds(0), floats(9)))
    documents = [json.loads(line) for line in text(answer(*three_rows(), other), chunk_size=3).splitlines()]
    series = [document["results"][0] for document in documents]
    assert [result.get("partial", False) for result in series] == [True, False]
    assert [result["series"][0].get("partial", False) for result in series] == [False, False]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_one_document_joins_the_chunks_of_a_series(cut: int) -> None:
    assert text(answer(*three_rows(cut))) == (
        '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","v"],"values":'
        '[["2020-01-01T00:00:00Z",1],["2020-01-01T00:00:01Z",2],["2020-01-01T00:00:02Z",3]]}]}]}\n'
    )


def test_several_series_and_statements() -> None:
    grouped = [SeriesChunk("m", {"h": tag}, ("time", "count"), (times(0), floats(1))) for tag in ("", "a")]
    assert text(answer(*grouped), answer(statement_id=1), answer(statement_id=2, error="not executed")) == (
        '{"results":[{"statement_id":0,"series":['
        '{"name":"m","tags":{"h":""},"columns":["time","count"],"values":[["1970-01-01T00:00:00Z",1]]},'
        '{"name":"m","tags":{"h":"a"},"columns":["time","count"],"values":[["1970-01-01T00:00:00Z",1]]}]},'
        '{"statement_id":1},{"statement_id":2,"error":"not executed"}]}\n'
    )


def test_answers_without_name_and_without_rows() -> None:
    series = answer(SeriesChunk("", None, ("key",), (strings("cpu,h=a,r=x"),)))
    assert (
        text(series) == '{"results":[{"statement_id":0,"series":[{"columns":["key"],"values":[["cpu,h=a,r=x"]]}]}]}\n'
    )
    databases = answer(SeriesChunk("databases", None, ("name",), (strings(),)))
    assert text(databases) == '{"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"]}]}]}\n'


def test_no_statement_gives_an_empty_object() -> None:
    assert text() == "{}\n"


def test_pretty_indents_by_four_blanks() -> None:
    result = answer(
        SeriesChunk("m", {"h": "a"}, ("time", "v"), (seconds(0), floats(None))), messages=[("warning", "deprecated")]
    )
    assert text(result, pretty=True) == (
        """{
    "results": [
        {
            "statement_id": 0,
            "series": [
                {
                    "name": "m",
                    "tags": {
                        "h": "a"
                    },
                    "columns": [
                        "time",
                        "v"
                    ],
                    "values": [
                        [
                            "2020-01-01T00:00:00Z",
                            null
                        ]
                    ]
                }
            ],
            "messages": [
                {
                    "level": "warning",
                    "text": "deprecated"
                }
            ]
        }
    ]
}
"""
    )


def test_pretty_is_what_python_would_indent() -> None:
    results = [answer(*three_rows(2), *three_rows(1)), answer(statement_id=1, error="x")]
    plain = json.loads(text(*results))
    results = [answer(*three_rows(2), *three_rows(1)), answer(statement_id=1, error="x")]
    assert text(*results, pretty=True) == json.dumps(plain, indent=4) + "\n"


def test_strings_are_escaped_as_go_escapes_them() -> None:
    assert json_string('<a href="x">&\\\n\r\t\x00\x1f\u2028\u2029é温\x7f\ud800') == (
        '"\\u003ca href=\\"x\\"\\u003e\\u0026\\\\\\n\\r\\t\\u0000\\u001f\\u2028\\u2029é温\x7f\\ufffd"'
    )


def test_nan_is_null() -> None:
    assert '["2020-01-01T00:00:00Z",null]' in text(
        answer(SeriesChunk("m", None, ("time", "v"), (seconds(0), floats(float("nan")))))
    )


def test_an_error_part_way_stands_after_the_rows_that_were_read() -> None:
    result = breaking_off(*three_rows(2)[:1], error=LimitExceeded("out of memory", limit="memory"))
    assert json.loads(text(result)) == {
        "results": [
            {
                "statement_id": 0,
                "series": [
                    {
                        "name": "m",
                        "columns": ["time", "v"],
                        "values": [["2020-01-01T00:00:00Z", 1], ["2020-01-01T00:00:01Z", 2]],
                    }
                ],
                "error": "out of memory",
            }
        ]
    }
    assert result.error == "out of memory"


def test_in_chunks_an_error_part_way_is_the_last_document() -> None:
    result = breaking_off(*three_rows(2)[:1], error=LimitExceeded("out of memory", limit="memory"))
    first, last = (json.loads(line) for line in text(result, chunk_size=100).splitlines())
    assert first["results"][0]["partial"] is True
    assert last == {"results": [{"statement_id": 0, "error": "out of memory"}]}


def test_the_error_of_a_query_is_its_one_line() -> None:
    error = ParseError("found EOF", query="SELECT", span=Span(6, 6), hint="name a field")
    assert (
        text(breaking_off(error=error)) == '{"results":[{"statement_id":0,"error":"error parsing query: found EOF"}]}\n'
    )


@pytest.mark.parametrize("chunk_size", [0, 10])
def test_an_error_in_place_of_a_result_becomes_the_last_result(chunk_size: int) -> None:
    def results() -> Iterator[StatementResult]:
        yield answer(*three_rows())
        raise NotFound("database not found: nodb")

    written = b"".join(write_json(results(), chunk_size=chunk_size)).decode()
    last = json.loads(written.splitlines()[-1])["results"][-1]
    assert last == {"statement_id": 1, "error": "database not found: nodb"}


@pytest.mark.parametrize("chunk_size", [0, 1, 10])
def test_infinity_ends_the_result_with_an_error_that_names_the_place(chunk_size: int) -> None:
    good = SeriesChunk("m", {"h": "a"}, ("time", "ln"), (seconds(0), floats(1)))
    bad = SeriesChunk("m", {"h": "b"}, ("time", "ln"), (seconds(0, 1), floats(1, float("-inf"))))
    result = answer(good, bad)
    documents = [json.loads(line)["results"][0] for line in text(result, chunk_size=chunk_size).splitlines()]
    assert documents[0]["series"][0]["values"] == [["2020-01-01T00:00:00Z", 1]]
    row = 1 if chunk_size == 1 else 2
    assert documents[-1]["error"] == result.error
    assert result.error.startswith(
        f"json: unsupported value: -Inf in column 'ln', row {row} (2020-01-01T00:00:01Z) of series 'm' {{h=b}}"
    )


def test_infinity_in_an_invalid_place_is_no_error() -> None:
    values = floats(1, None)
    values.values[1] = float("inf")
    result = answer(SeriesChunk("m", None, ("time", "v"), (seconds(0, 1), values)))
    assert json.loads(text(result))["results"][0]["series"][0]["values"][1] == ["2020-01-01T00:00:01Z", None]


def test_a_request_that_failed_as_a_whole() -> None:
    assert json_error("a <b>") == b'{"error":"a \\u003cb\\u003e"}\n'
    assert json_error("a", pretty=True) == b'{\n    "error": "a"\n}\n'


def test_rows_are_written_before_the_next_chunk_is_asked_for() -> None:
    asked = []

    def chunks() -> Any:
        for chunk in three_rows(1):
            asked.append(chunk)
            yield chunk

    written = b""
    for piece in write_json([StatementResult(0, chunks())]):
        written += piece
        if b"00:00:00Z" in written:
            break
    assert len(asked) == 1


def _number(item: object) -> object:
    return float(item) if isinstance(item, int | float) and not isinstance(item, bool) else item


@given(st.lists(random_series(), max_size=3), st.booleans(), st.integers(0, 5))
def test_what_is_written_reads_back(drawn: list[Any], pretty: bool, chunk_size: int) -> None:
    chunks = [chunk for series, _ in drawn for chunk in series]
    written = text(answer(*chunks), epoch="ns", pretty=pretty and not chunk_size, chunk_size=chunk_size)
    documents = [json.loads(line) for line in written.split("\n")[:-1]] if chunk_size else [json.loads(written)]
    series = [one for document in documents for one in document["results"][0].get("series", ())]
    if chunk_size:
        assert all(len(one["values"]) <= chunk_size for one in series)
    read: list[Any] = []
    continues = False
    for one in series:
        if continues:
            read[-1] += one["values"]
        else:
            read.append(one["values"])
        continues = one.get("partial", False)
    # A float without decimals is written without a point, so it comes back as an integer.
    assert [[[*map(_number, row)] for row in rows] for rows in read] == [
        [[*map(_number, row)] for row in rows] for _, rows in drawn
    ]
    assert all(one.get("tags") == drawn[0][0][0].tags for one in series[:1])
