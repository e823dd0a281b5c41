"""CSV → columns: the meaning of columns, the types of fields, and rows that are left out."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from influxish.cli import csv_input
from influxish.cli.csv_input import BadHeader, CsvReader, CsvShape
from influxish.cli.input import LONGEST_LINE, BrokenInput, Source
from influxish.types import SECOND, DataType


def read(tmp_path: Path, text: str | bytes, **shape: Any) -> tuple[CsvReader, list[Any]]:
    path = tmp_path / "data.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    reader = CsvReader(Source(str(path)), CsvShape(**shape))
    return reader, list(reader.blocks())


def test_types_are_inferred_from_the_rows(tmp_path: Path) -> None:
    text = "timestamp,n,x,ok,s,e\n2020-01-01 00:00:00,1,1.5,true,a,\n2020-01-01 00:00:10,2,nan,,b,\n"
    reader, (block,) = read(tmp_path, text)
    assert reader.time == "timestamp"
    assert reader.fields == {
        "n": DataType.FLOAT,
        "x": DataType.FLOAT,
        "ok": DataType.BOOLEAN,
        "s": DataType.STRING,
        "e": DataType.FLOAT,
    }
    assert block.columns["timestamp"].tolist() == [1577836800 * SECOND, 1577836810 * SECOND]
    assert block.columns["n"].tolist() == [1.0, 2.0]
    assert np.isnan(block.columns["x"]).tolist() == [False, True]
    assert block.columns["ok"].tolist() == [True, None]
    assert block.columns["s"].tolist() == ["a", "b"]


def test_types_can_be_declared(tmp_path: Path) -> None:
    fields = {"i": DataType.INTEGER, "u": DataType.UNSIGNED, "s": DataType.STRING}
    _, (block,) = read(tmp_path, f"time,i,u,s\n0,-5,{2**64 - 1},7\n1,,,\n", fields=fields)
    assert block.columns["i"].tolist() == [-5, None]
    assert block.columns["u"].tolist() == [2**64 - 1, None]
    assert isinstance(block.columns["u"][0], np.unsignedinteger)
    assert block.columns["s"].tolist() == ["7", None]


def test_bad_rows_are_left_out_with_line_and_reason(tmp_path: Path) -> None:
    text = (
        "time,host,v,n\n"
        "0,a,1,1\n"
        "soon,a,2,2\n"  # line 3
        "2,a,three,3\n"
        "3,a,4\n"
        "4,a,inf,5\n"
        "\n"
        '5,"over\ntwo lines",6,6\n'
        "6,a,7,7.5\n"  # line 10
        "7,a,8,8\n"
    )
    fields = {"v": DataType.FLOAT, "n": DataType.INTEGER}
    _, (block,) = read(tmp_path, text, tags=("host",), fields=fields)
    assert [(line, reason) for line, reason, _ in block.rejected] == [
        (3, "'soon' is no time: use RFC 3339, YYYY-MM-DD HH:MM:SS or an integer"),
        (4, "column 'v': 'three' is no number"),
        (5, "3 cells under 4 columns"),
        (6, "column 'v': 'inf' is no finite number"),
        (10, "column 'n': '7.5' is no whole number"),
    ]
    assert block.lines == [2, 8, 11]
    assert block.columns["v"].tolist() == [1.0, 6.0, 8.0]
    assert block.columns["host"].tolist() == ["a", "over\ntwo lines", "a"]


def test_bytes_that_are_no_utf8_are_named(tmp_path: Path) -> None:
    _, (block,) = read(tmp_path, b"time,s\n0,ok\n1,\xff\n")
    assert [(line, reason) for line, reason, _ in block.rejected] == [(3, "column 's' is not UTF-8")]
    assert block.columns["s"].tolist() == ["ok"]


def test_a_byte_order_mark_and_other_delimiters(tmp_path: Path) -> None:
    reader, (block,) = read(tmp_path, "\ufefftime;v\n0;1\n", delimiter=";")
    assert reader.header == ["time", "v"]
    assert block.columns["v"].tolist() == [1.0]


NEVER_CLOSED = "a quote that opens on this line is not closed well: unexpected end of data"
CLOSED_BADLY = "a quote that opens on this line is not closed well: ',' expected after '\"'"


@pytest.mark.parametrize(
    ("text", "rejected", "kept"),
    [
        ('0,a\n1,"open\n2,b\n3,c\n', [(3, NEVER_CLOSED, ['1,"open'])], ["a", "b", "c"]),
        ('0,a\n1,"open\n2,b\n3,"c"\n', [(3, CLOSED_BADLY, ['1,"open'])], ["a", "b", "c"]),
        ('0,a\r\n1,"open\r\n2,"b\r\nb"\r\n4,c', [(3, CLOSED_BADLY, ['1,"open'])], ["a", "b\r\nb", "c"]),
        ('0,"a"x\n1,b\n', [(2, "',' expected after '\"'", ['0,"a"x'])], ["b"]),
        ('0,a\n1,"open', [(3, "unexpected end of data", ['1,"open'])], ["a"]),
        ('0,"a\n\n""b""\n"\n9,c\n', [], ['a\n\n"b"\n', "c"]),
    ],
)
def test_a_quote_without_its_partner_costs_its_own_line(
    tmp_path: Path, text: str, rejected: list[Any], kept: list[str]
) -> None:
    _, (block,) = read(tmp_path, "time,s\n" + text)
    assert block.rejected == rejected
    assert block.columns["s"].tolist() == kept


def test_lines_after_a_bad_one_keep_their_numbers(tmp_path: Path) -> None:
    _, (block,) = read(tmp_path, 'time,s\n0,"open\n1,"a\nb"\nlater,c\n4,d\n')
    assert [line for line, _, _ in block.rejected] == [2, 5]
    assert block.lines == [3, 6]


def test_a_quote_that_stays_open_for_megabytes_costs_its_own_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(csv_input, "LONGEST_LINE", 1_000)
    rows = "".join(f"{number},b\n" for number in range(1_000))
    try:
        _, (block,) = read(tmp_path, f'time,s\n7,"open\n{rows}')
    finally:
        csv.field_size_limit(LONGEST_LINE)
    assert [(line, cells) for line, _, cells in block.rejected] == [(2, ['7,"open'])]
    assert len(block.lines) == 1_000


def test_lines_before_a_break_of_the_source_are_read_though_a_quote_is_open(tmp_path: Path) -> None:
    rows = "".join(f"{number},{number * 7919 % 1000}\n" for number in range(20_000))
    packed = gzip.compress(f'time,s\n7,"open\n{rows}'.encode())
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(packed[: len(packed) // 2])
    blocks = CsvReader(Source(str(path)), CsvShape()).blocks()
    assert 1_000 < len(next(blocks).lines) < 20_000
    with pytest.raises(BrokenInput, match="cut off"):
        next(blocks)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("", {}, "there is no header line"),
        ('time,"a\n0,1\n', {}, "the header line cannot be read: a quote"),
        ("a,b\n1,2\n", {}, "no column looks like the time; say which with --time. The columns are a, b"),
        ("time,a\n", {"tags": ("b",)}, "there is no column 'b'. The columns are time, a"),
        ("time,a,a\n", {}, "more than one column is named 'a'"),
        ("time,a\n", {"tags": ("a",)}, "no column is left to be a field"),
    ],
)
def test_headers_that_do_not_fit(tmp_path: Path, text: str, shape: dict[str, Any], message: str) -> None:
    with pytest.raises(BadHeader) as caught:
        read(tmp_path, text, **shape)
    assert message in str(caught.value)
