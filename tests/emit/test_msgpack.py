"""The MessagePack writer, read as influxdb-python reads it: extension type 5 holds a time."""

from __future__ import annotations

import struct
from typing import Any

import msgpack
from hypothesis import given
from hypothesis import strategies as st

from influxish.emit.msgpack import msgpack_error, write_msgpack
from influxish.emit.series import SeriesChunk, StatementResult
from influxish.errors import LimitExceeded
from influxish.types import DataType
from tests.emit.answers import answer, breaking_off, column, floats, random_series, seconds, times


def read(*results: StatementResult, **options: Any) -> list[Any]:
    unpacker = msgpack.Unpacker(ext_hook=_moment)
    for piece in write_msgpack(results, **options):
        unpacker.feed(piece)
    return list(unpacker)


def _moment(code: int, data: bytes) -> int:
    assert code == 5
    whole, fraction = struct.unpack(">qI", data)
    assert 0 <= fraction < 1_000_000_000
    return int(whole * 1_000_000_000 + fraction)


def test_the_structure_is_that_of_the_json_answer() -> None:
    chunk = SeriesChunk("m", {"h": "a"}, ("time", "v"), (seconds(0, 1), floats(1.5, None)))
    results = [answer(chunk, messages=[("warning", "old")]), answer(statement_id=1, error="not executed")]
    assert read(*results, epoch="s") == [
        {
            "results": [
                {
                    "statement_id": 0,
                    "series": [
                        {
                            "name": "m",
                            "tags": {"h": "a"},
                            "columns": ["time", "v"],
                            "values": [[1577836800, 1.5], [1577836801, None]],
                        }
                    ],
                    "messages": [{"level": "warning", "text": "old"}],
                },
                {"statement_id": 1, "error": "not executed"},
            ]
        }
    ]


def test_a_time_is_seconds_and_nanoseconds() -> None:
    chunk = SeriesChunk("m", None, ("time",), (times(1_500_000_000_123_456_789),))
    packed = b"".join(write_msgpack([answer(chunk)]))
    assert packed.endswith(b"\x91\xc7\x0c\x05" + struct.pack(">QI", 1_500_000_000, 123_456_789))


def test_before_1970_seconds_are_negative_and_nanoseconds_are_not() -> None:
    chunk = SeriesChunk("m", None, ("time",), (times(-1_500_000_000),))
    assert b"".join(write_msgpack([answer(chunk)])).endswith(struct.pack(">qI", -2, 500_000_000))


def test_gaps_change_nothing_about_the_other_cells() -> None:
    whole = (seconds(0, 1), floats(1, 2), column(DataType.UNSIGNED, [0, 2**64 - 1]), column(DataType.INTEGER, [-1, 5]))
    names = ("time", "f", "u", "i")
    (without,) = read(answer(SeriesChunk("m", None, names, whole)))
    (with_gap,) = read(answer(SeriesChunk("m", None, (*names, "gap"), (*whole, floats(None, float("nan"))))))
    rows = without["results"][0]["series"][0]["values"]
    assert rows[1][1:] == [2, 2**64 - 1, 5]
    assert [[*row, None] for row in rows] == with_gap["results"][0]["series"][0]["values"]


def test_infinity_is_a_float_like_others() -> None:
    (document,) = read(answer(SeriesChunk("m", None, ("v",), (floats(float("inf")),))))
    assert document["results"][0]["series"][0]["values"] == [[float("inf")]]


def test_chunks_carry_partial_in_series_and_result() -> None:
    chunk = SeriesChunk("m", None, ("time", "v"), (seconds(0, 1, 2), floats(1, 2, 3)))
    first, last = (document["results"][0] for document in read(answer(chunk), epoch="s", chunk_size=2))
    assert (first["partial"], first["series"][0]["partial"]) == (True, True)
    assert "partial" not in last
    assert "partial" not in last["series"][0]
    assert last["series"][0]["values"] == [[1577836802, 3.0]]


def test_an_error_part_way_comes_with_what_was_read() -> None:
    chunk = SeriesChunk("m", None, ("time", "v"), (seconds(0), floats(1)), partial=True)
    (document,) = read(breaking_off(chunk, error=LimitExceeded("out", limit="memory")), epoch="s")
    assert document["results"][0]["series"][0]["values"] == [[1577836800, 1.0]]
    assert document["results"][0]["error"] == "out"
    partial, last = read(breaking_off(chunk, error=LimitExceeded("out", limit="memory")), chunk_size=5)
    assert partial["results"][0]["partial"] is True
    assert last == {"results": [{"statement_id": 0, "error": "out"}]}


def test_a_request_that_failed_as_a_whole() -> None:
    assert msgpack.unpackb(msgpack_error("no")) == {"error": "no"}


@given(st.lists(random_series(), max_size=3), st.integers(0, 5), st.sampled_from(["", "ns"]))
def test_what_is_written_reads_back(drawn: list[Any], chunk_size: int, epoch: str) -> None:
    chunks = [chunk for series, _ in drawn for chunk in series]
    got: list[Any] = []
    continues = False
    for document in read(answer(*chunks), epoch=epoch, chunk_size=chunk_size):
        for one in document["results"][0]["series"]:
            assert one["columns"] == list(drawn[len(got) - continues][0][0].columns)
            if continues:
                got[-1] += one["values"]
            else:
                got.append(one["values"])
            continues = one.get("partial", False)
    assert got == [rows for _, rows in drawn]
