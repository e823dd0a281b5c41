"""Line protocol to points: the server's error texts, escapes, types, and that the fast and the careful way agree."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.errors import WriteError
from influxish.storage import line_syntax
from influxish.storage.line_protocol import parse_lines
from influxish.storage.points import PointBatch
from influxish.types import MAX_TIME, MIN_TIME, PRECISIONS, DataType

BIG = "9223372036854775808"


def points(batch: PointBatch) -> list[tuple]:
    """(line, measurement, tags, time, fields) of each point, by line."""
    found = []
    for table in batch.tables:
        for row in range(len(table)):
            fields = {
                name: (column.type, column.values[row])
                for name, column in table.fields.items()
                if column.valid is None or column.valid[row]
            }
            tags = table.series[table.rows[row]]
            found.append((int(table.lines[row]), table.measurement, tags, int(table.times[row]), fields))
    return sorted(found, key=lambda point: point[0])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("bad", "missing fields"),
        ("m", "missing fields"),
        ("m ", "missing fields"),
        ("m v", "invalid field format"),
        ("m v=", "missing field value"),
        ("m v=1,", "invalid field format"),
        ("m v=1,w", "invalid field format"),
        ("m v=,w=1", "missing field value"),
        ("m =1", "missing field key"),
        ("m v=1,=2", "missing field key"),
        ("m v=abc", "invalid boolean"),
        ("m v=NaN", "invalid number"),
        ("m v=nan", "invalid number"),
        ("m v=-Inf", "invalid number"),
        ("m v=Inf", "invalid boolean"),
        ("m v=1.2.3", "invalid number"),
        ("m v=1e999", "invalid float"),
        ("m v=-5u", "invalid number"),
        ('m v="a', "unbalanced quotes"),
        ('m v="a"b', "invalid field format"),
        ("m,t= v=1", "missing tag value"),
        ("m,t v=1", "missing tag value"),
        ("m, v=1", "missing tag key"),
        ("m,=a v=1", "missing tag key"),
        ("m,a=b=c v=1", "invalid tag format"),
        ("m,a=1,a=2 v=1", "duplicate tags"),
        (",a=1 v=1", "missing measurement"),
        ("m v=1 12.5", "bad timestamp"),
        ("m v=1 x", "bad timestamp"),
        ("m v=1 1 2", "point is invalid"),
        (f"m v={BIG}i", f'unable to parse integer {BIG}: strconv.ParseInt: parsing "{BIG}": value out of range'),
        ("m v=99999999999999999999u", 'unable to parse unsigned 99999999999999999999: strconv.ParseUint: parsing "99999999999999999999": value out of range'),  # noqa: E501
        ("m v=1 9223372036854775807", f"time outside range {MIN_TIME} - {MAX_TIME}"),
        (f"m v=1 {BIG}", f'strconv.ParseInt: parsing "{BIG}": value out of range'),
    ],
)  # fmt: skip
def test_each_bad_line_is_refused_with_the_servers_text_and_good_lines_are_kept(line: str, reason: str) -> None:
    for text, place in ((line, 1), (f"m v=1 1\n{line}\nm v=2 2\n", 2), (f"m v=1\nm v=2\n\n{line}", 4)):
        batch, rejected = parse_lines(text.encode(), default_time=0)
        assert [(item.line, item.reason) for item in rejected] == [(place, f"unable to parse '{line}': {reason}")]
        assert batch.rows == (2 if place > 1 else 0)


def test_all_types_are_read() -> None:
    text = 'm f=1.5,g=-2e3,i=-12i,u=18446744073709551615u,s="x y,z=1",t=t,b=FALSE 7'
    (point,) = points(parse_lines(text.encode())[0])
    assert point[4] == {
        "f": (DataType.FLOAT, 1.5),
        "g": (DataType.FLOAT, -2000.0),
        "i": (DataType.INTEGER, -12),
        "u": (DataType.UNSIGNED, 2**64 - 1),
        "s": (DataType.STRING, "x y,z=1"),
        "t": (DataType.BOOLEAN, True),
        "b": (DataType.BOOLEAN, False),
    }


@pytest.mark.parametrize("word", ["t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"])
def test_each_boolean_word_is_read(word: str) -> None:
    (point,) = points(parse_lines(f"m v={word} 1".encode())[0])
    assert point[4]["v"] == (DataType.BOOLEAN, word in line_syntax.TRUE_WORDS)


def test_escapes_are_undone_where_they_mean_something_and_kept_elsewhere() -> None:
    text = r'my\ m\,x\=y,tag\ key\,\==a\ b\,c\=d\n,back\slash=\\x f\ 1\,\==1,s="say \"hi\" \\ \n" 5'
    (point,) = points(parse_lines(text.encode())[0])
    assert point[1] == r"my m,x\=y"
    assert point[2] == ((r"back\slash", r"\\x"), ("tag key,=", r"a b,c=d\n"))
    assert point[4] == {"f 1,=": (DataType.FLOAT, 1.0), "s": (DataType.STRING, 'say "hi" \\ \\n')}


def test_comments_blank_lines_carriage_returns_and_extra_blanks_are_accepted() -> None:
    text = "# a comment\r\n\r\n  m,h=a   v=1   5  \r\n \t# more\r\nm,h=a v=2 6\r\n"
    batch, rejected = parse_lines(text.encode())
    assert not rejected
    assert [(p[0], p[3], p[4]["v"][1]) for p in points(batch)] == [(3, 5, 1.0), (5, 6, 2.0)]


def test_a_string_may_go_on_over_lines_and_line_numbers_stay_right() -> None:
    batch, rejected = parse_lines(b'm s="a\nb",v=1 1\nm v=2 2\nbad\n')
    assert [(p[0], p[4]) for p in points(batch)] == [
        (1, {"s": (DataType.STRING, "a\nb"), "v": (DataType.FLOAT, 1.0)}),
        (2 + 1, {"v": (DataType.FLOAT, 2.0)}),
    ]
    assert [item.line for item in rejected] == [4]


def test_a_quote_that_never_closes_costs_one_line_only() -> None:
    batch, rejected = parse_lines(b'm s="a 1\nm v=2 2\nm s="ok" 3\nm v=4 4')
    assert [item.line for item in rejected] == [1]
    assert [p[0] for p in points(batch)] == [2, 3, 4]


@pytest.mark.parametrize(("precision", "unit"), PRECISIONS.items())
def test_times_are_multiplied_by_the_precision_and_overflow_is_refused(precision: str, unit: int) -> None:
    batch, rejected = parse_lines(b"m v=1 3\nm v=1 -3", precision)
    assert [p[3] for p in points(batch)] == [3 * unit, -3 * unit]
    assert not rejected
    batch, rejected = parse_lines(f"m v=1 {MAX_TIME // unit + 1}\nm v=2 {MAX_TIME // unit}".encode(), precision)
    assert [item.reason.split(": ")[1] for item in rejected] == [f"time outside range {MIN_TIME} - {MAX_TIME}"]
    assert [p[3] for p in points(batch)] == [MAX_TIME // unit * unit]


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(WriteError, match="there is no precision"):
        parse_lines(b"m v=1 1", "fortnight")


def test_lines_without_time_get_the_default() -> None:
    assert [p[3] for p in points(parse_lines(b"m v=1\nm v=2 5", default_time=42)[0])] == [42, 5]


def test_tags_in_any_order_are_one_series() -> None:
    batch, _ = parse_lines(b"m,b=2,a=1 v=1 1\nm,a=1,b=2 v=2 2")
    (table,) = batch.tables
    assert table.series == ((("a", "1"), ("b", "2")),)


def test_a_field_with_two_types_makes_two_tables() -> None:
    batch, rejected = parse_lines(b"m v=1 1\nm v=2i 2\nm v=3 3")
    assert not rejected
    assert [(len(table), table.fields["v"].type) for table in batch.tables] == [
        (2, DataType.FLOAT),
        (1, DataType.INTEGER),
    ]


def test_a_megabyte_on_one_line_is_read_and_a_bad_one_is_reported_briefly() -> None:
    long = "x" * 1_000_000
    (point,) = points(parse_lines(f'm s="{long}" 1'.encode())[0])
    assert point[4]["s"][1] == long
    for text in (f"m v={long}", f"m,t={long} v=1", f"m {'1' * 1_000_000}i", f"m v={'1' * 1_000_000}i", long):
        (item,) = parse_lines(text.encode())[1]
        assert len(item.reason) < 1000
        assert len(item.text) == 201


def test_a_line_that_is_not_utf8_is_refused_and_the_others_kept() -> None:
    batch, rejected = parse_lines(b"m v=1 1\nm,t=\xff v=1 2\nm v=3 3")
    assert [(item.line, item.reason.split(": ")[1]) for item in rejected] == [(2, "invalid UTF-8")]
    assert [p[0] for p in points(batch)] == [1, 3]


def test_two_equals_signs_are_not_taken_for_another_field() -> None:
    batch, rejected = parse_lines(b"m a=1,b=2 1\nm a=1=b,2 2\nm a=1,b=2=3 3")
    assert [item.line for item in rejected] == [2, 3]
    assert batch.rows == 1


def escaped(text: str, characters: str) -> str:
    return "".join("\\" + c if c in characters else c for c in text)


names = st.text(st.sampled_from('ab ,="é'), min_size=1, max_size=4)
values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.text(st.sampled_from('ab ,="\\é#'), max_size=6),
)
written = st.tuples(
    st.sampled_from(["m", "m m", "a,b"]),
    st.dictionaries(st.sampled_from(["h", "t t", "x=,"]), names, max_size=3),
    st.dictionaries(st.sampled_from(["v", "w w", "x=,"]), values, min_size=1, max_size=3),
    st.integers(MIN_TIME, MAX_TIME),
)


def to_line(point: tuple) -> str:
    measurement, tags, fields, time = point
    key = "".join(f",{escaped(k, ',= ')}={escaped(v, ',= ')}" for k, v in tags.items())
    pairs = []
    for name, value in fields.items():
        text = repr(value)
        if isinstance(value, str):
            text = '"' + escaped(value, '"\\') + '"'
        elif isinstance(value, int) and not isinstance(value, bool):
            text = f"{value}i"
        pairs.append(f"{escaped(name, ',= ')}={text}")
    return f"{escaped(measurement, ', ')}{key} {','.join(pairs)} {time}"


@given(st.lists(written, min_size=1, max_size=30))
def test_what_a_writer_writes_is_read_back(wanted: list[tuple]) -> None:
    batch, rejected = parse_lines("\n".join(map(to_line, wanted)).encode())
    assert not rejected
    for (number, *found), (measurement, tags, fields, time) in zip(points(batch), wanted, strict=True):
        assert found[:3] == [measurement, tuple(sorted(tags.items())), time], number
        assert {name: value for name, (_, value) in found[3].items()} == fields
        for name, (type_, _) in found[3].items():
            kind = {float: "float", int: "integer", bool: "boolean", str: "string"}[type(fields[name])]
            assert type_ is DataType(kind)


@given(st.lists(st.text(st.sampled_from('m,=v 1i."\\tu-e#'), max_size=14), max_size=12))
def test_the_fast_way_reads_no_line_otherwise_than_the_careful_way(lines: list[str]) -> None:
    text = "\n".join(["m,t=1 v=1,t=1i 1", *lines, "m,t=1 v=1,t=1i 1"])
    if '"' in text:
        return  # a string over lines is one line for the one and two for the other
    batch, rejected = parse_lines(text.encode(), default_time=0)
    expected, refused = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        try:
            parsed = line_syntax.parse_line(line)
            expected.append((number, parsed.measurement, parsed.tags, parsed.time or 0, parsed.fields))
        except line_syntax.BadLine:
            refused.append(number)
    assert [item.line for item in rejected] == refused
    for got, want in zip(points(batch), expected, strict=True):
        assert got == want
        assert not any(isinstance(value, float) and math.isnan(value) for _, value in got[4].values())
