"""Tables for people, as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.emit.series import SeriesChunk, StatementResult
from influxish.emit.table import BLOCK_ROWS, write_table
from influxish.emit.widths import clipped, printable, text_width
from influxish.types import DataType
from tests.emit.answers import answer, column, floats, random_series, seconds, strings


def text(*results: StatementResult, width: int = 0, max_rows: int = 0) -> str:
    return "".join(write_table(results, width=width, max_rows=max_rows))


def rows_of(count: int, fields: int = 1, tags: dict[str, str] | None = None) -> SeriesChunk:
    values = [floats(*(row * 1.25 + field for row in range(count))) for field in range(fields)]
    names = tuple(f"field{field}" for field in range(fields))
    return SeriesChunk("cpu", tags, ("time", *names), (seconds(*range(count)), *values))


def test_a_series_has_a_heading_numbers_to_the_right_and_a_dash_for_no_value() -> None:
    chunk = SeriesChunk(
        "cpu",
        {"host": "a", "region": ""},
        ("time", "usage", "state"),
        (seconds(0, 1), floats(7.25, None), strings("ok", "overheated")),
    )
    assert text(answer(chunk)) == (
        "cpu  host=a  region=\n"
        "time                  usage  state\n"
        "────────────────────  ─────  ──────────\n"
        "2020-01-01T00:00:00Z   7.25  ok\n"
        "2020-01-01T00:00:01Z      -  overheated\n"
    )


def test_series_of_one_row_share_a_table_with_their_tags_as_columns() -> None:
    chunks = [
        SeriesChunk("cpu", {"host": host}, ("time", "max"), (seconds(0), floats(value)))
        for host, value in (("a", 99.5), ("host-b", 7.0))
    ]
    assert text(answer(*chunks)) == (
        "cpu\n"
        "host    time                   max\n"
        "──────  ────────────────────  ────\n"
        "a       2020-01-01T00:00:00Z  99.5\n"
        "host-b  2020-01-01T00:00:00Z     7\n"
    )


def test_one_series_of_one_row_keeps_its_heading() -> None:
    assert text(answer(rows_of(1, tags={"host": "a"}))).startswith("cpu  host=a\ntime ")


def test_series_and_statements_are_parted_by_a_blank_line() -> None:
    drawn = text(answer(rows_of(2), rows_of(2)), answer(rows_of(2), statement_id=1), answer(statement_id=2))
    assert drawn.count("\n\n") == 2
    assert not drawn.endswith("\n\n")


def test_a_narrow_terminal_cuts_text_before_decimals_and_never_the_time() -> None:
    chunk = SeriesChunk(
        "m",
        None,
        ("time", "message", "value"),
        (seconds(0), strings("a rather long message from the kernel"), floats(1234.56789)),
    )
    assert text(answer(chunk), width=44) == (
        "m\n"
        "time                  message          value\n"
        "────────────────────  ──────────  ──────────\n"
        "2020-01-01T00:00:00Z  a rather …  1234.56789\n"
    )
    assert text(answer(chunk), width=35).splitlines()[-1] == "2020-01-01T00:00:00Z  a r…  1234.5…"


def test_columns_that_cannot_fit_are_named() -> None:
    drawn = text(answer(rows_of(2, fields=6)), width=40)
    assert drawn.splitlines()[-1] == "… 3 more columns do not fit: field3, fi…"
    assert max(map(text_width, drawn.splitlines())) <= 40


def test_rows_beyond_the_cap_are_counted() -> None:
    assert text(answer(rows_of(5)), max_rows=3).splitlines()[-2:] == [
        "2020-01-01T00:00:02Z     2.5",
        "… 2 more rows",
    ]
    several = [rows_of(2, tags={"host": host}) for host in "abc"]
    assert text(answer(*several), max_rows=3).splitlines()[-1] == "… 3 more rows (and 1 more series)"
    single = [rows_of(1, tags={"host": host}) for host in "abc"]
    drawn = text(answer(*single), max_rows=2)
    assert drawn.count("2020-01-01") == 2
    assert drawn.splitlines()[-1] == "… 1 more row (and 1 more series)"


def test_wide_characters_are_counted_as_two() -> None:
    chunk = SeriesChunk("m", None, ("名前", "v"), (strings("温度", "e\u0301"), floats(1, 2)))
    assert text(answer(chunk)) == "m\n名前  v\n────  ─\n温度  1\ne\u0301     2\n"


def test_what_could_move_the_cursor_is_spelled_out() -> None:
    chunk = SeriesChunk("m\x1b]0;x\x07", {"h": "\u202e"}, ("s",), (strings("a\nb\x1b[2J"),))
    drawn = text(answer(chunk))
    assert drawn == "m\\x1b]0;x\\x07  h=\\u202e\ns\n─────────────\na\\nb\\x1b[2J\n".replace("─" * 13, "─" * 10 + "─")


def test_a_long_series_is_drawn_in_blocks_under_one_heading() -> None:
    pieces = list(write_table([answer(rows_of(2 * BLOCK_ROWS + 1))]))
    drawn = "".join(pieces)
    assert drawn.count("time ") == 1
    assert len(drawn.splitlines()) == 2 * BLOCK_ROWS + 4
    assert max(piece.count("\n") for piece in pieces) <= BLOCK_ROWS + 2


def test_chunks_of_one_series_share_a_heading() -> None:
    first, second = rows_of(1, tags={"h": "a"}), rows_of(1, tags={"h": "a"})
    chunks = (SeriesChunk(first.name, first.tags, first.columns, first.values, partial=True), second)
    assert text(answer(*chunks)).count("h=a") == 1


def test_no_rows_show_the_columns() -> None:
    assert text(answer(SeriesChunk("databases", None, ("name",), (strings(),)))) == "databases\nname\n────\n"


def test_messages_follow_the_rows() -> None:
    assert text(answer(messages=[("warning", "old")])) == "warning: old\n"


def test_integers_are_never_cut() -> None:
    chunk = SeriesChunk("m", None, ("a", "b"), (column(DataType.INTEGER, [2**62]), column(DataType.INTEGER, [2**61])))
    drawn = text(answer(chunk), width=30)
    assert str(2**62) in drawn
    assert "… 1 more column does not fit" in drawn


@pytest.mark.parametrize(("size", "expected"), [(0, "温度計"), (6, "温度計"), (5, "温度…"), (4, "温…"), (1, "…")])
def test_clipping_counts_cells(size: int, expected: str) -> None:
    assert clipped("温度計", size) == expected


@given(st.lists(random_series(), min_size=1, max_size=3), st.integers(24, 120))
def test_no_line_is_wider_than_the_terminal(drawn: list[tuple[list[SeriesChunk], object]], width: int) -> None:
    chunks = [chunk for series, _ in drawn for chunk in series]
    lines = text(answer(*chunks), width=width).split("\n")
    assert max(map(text_width, lines)) <= width


@given(st.text())
def test_printable_text_has_no_control_characters(anything: str) -> None:
    shown = printable(anything)
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert printable(shown) == shown
