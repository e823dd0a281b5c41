"""What the parser says about texts it cannot read: InfluxDB's words, and carets under the place."""

from __future__ import annotations

import pytest

from influxish.errors import ParseError
from influxish.influxql import parse
from tests.influxql.cases import read_pairs


@pytest.mark.parametrize(("query", "message"), read_pairs("errors.txt"))
def test_error_has_influxdbs_words(query: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(query)
    assert caught.value.message == message
    assert caught.value.query == query


def test_missing_parameter_is_named() -> None:
    with pytest.raises(ParseError) as caught:
        parse("SELECT v FROM neg WHERE v > $x", params={})
    assert caught.value.message == "missing parameter: x"


@pytest.mark.parametrize(
    ("query", "picture"),
    [
        (
            "SELECT v FROM cpu WHERE v IN (1)",
            "found IN, expected ; at line 1, char 27\n"
            "1 | SELECT v FROM cpu WHERE v IN (1)\n"
            "                              ^^",
        ),
        (
            "SELECT v\nFROM cpu\nWHERE h =~ /a(/",
            "error parsing regexp: missing closing ): `a(` at line 3, char 11\n"
            "3 | WHERE h =~ /a(/\n"
            "               ^^^^",
        ),
        (
            "SELECT v FROM",
            "found EOF, expected identifier at line 1, char 15\n"
            "1 | SELECT v FROM\n"
            "                 ^",
        ),
        (
            "SELECT mean(v) FROM cpu GROUP BY time(1m) fill(x)",
            "expected number argument in fill()\n"
            "1 | SELECT mean(v) FROM cpu GROUP BY time(1m) fill(x)\n"
            "                                                   ^\n"
            "hint: fill() takes null, none, previous, linear (lower case) or a number",
        ),
        (
            "SELECT v FROM cpu WHERE h = 'a",
            "found a, expected identifier, string, number, bool at line 1, char 28\n"
            "1 | SELECT v FROM cpu WHERE h = 'a\n"
            "                                ^^\n"
            "hint: close the string with '",
        ),
        (
            "SELECT key FROM cpu",
            "found KEY, expected identifier, string, number, bool at line 1, char 8\n"
            "1 | SELECT key FROM cpu\n"
            "           ^^^\n"
            'hint: KEY is a keyword; as a name it needs double quotes: "key"',
        ),
    ],
)  # fmt: skip
def test_caret_stands_under_the_words_at_fault(query: str, picture: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(query)
    assert str(caught.value) == picture


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("SELECT v\nFROM cpu\nWHERE v IN", "line 3, char 9"),
        ("SELECT v\r\nFROM cpu\r\nWHERE v IN", "line 3, char 9"),
        ("SELECT v FROM cpu -- all of it\nLIMIT x", "line 2, char 7"),
        ("SELECT v FROM cpu /* a\nb */ LIMIT x", "line 2, char 12"),
        ("SELECT v FROM cpu;\n\n SELECT", "line 3, char 9"),
    ],
)
def test_place_counts_lines_and_characters(query: str, place: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(query)
    assert caught.value.message.endswith(f" at {place}")
