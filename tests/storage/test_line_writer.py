"""What is written as line protocol is read back as the same points."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from influxish.storage.line_protocol import parse_lines
from influxish.storage.line_writer import series_key, write_lines
from influxish.storage.points import PointBatch

NAMES = st.text(st.sampled_from("ab ,=ü😀\"'"), min_size=1, max_size=6).filter(lambda name: name != "time")
VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=10),
)


@given(
    NAMES,
    st.dictionaries(NAMES, NAMES, max_size=3),
    st.dictionaries(NAMES, VALUES, min_size=1, max_size=4),
    st.integers(-(2**60), 2**60),
)
def test_a_point_is_read_back(measurement: str, tags: dict[str, str], fields: dict[str, object], time: int) -> None:
    batch = PointBatch.from_columns(measurement, [time], tags, {name: [value] for name, value in fields.items()})
    (line,) = write_lines(batch)
    read, refused = parse_lines(line.encode(), "ns")
    assert not refused
    (table,) = read.tables
    assert (table.measurement, dict(table.series[0])) == (measurement, tags)
    assert table.times.tolist() == [time]
    found = {name: column.values[0] for name, column in table.fields.items()}
    assert {name: (type(value), value) for name, value in fields.items()} == {
        name: (type(fields[name]), type(fields[name])(value)) for name, value in found.items()
    }


def test_places_without_a_value_are_left_out() -> None:
    batch = PointBatch.from_columns("m", [1, 2], {"h": ["a", None]}, {"v": [1.0, None], "w": [None, 2]})
    assert list(write_lines(batch)) == ["m,h=a v=1.0 1", "m w=2i 2"]


def test_a_line_feed_in_a_tag_does_not_end_the_line() -> None:
    batch = PointBatch.from_columns("m", [1], {"h": "a\nb"}, {"v": [1.0]})
    assert list(write_lines(batch)) == ["m,h=a\\nb v=1.0 1"]


def test_a_series_key_has_the_escapes_of_line_protocol() -> None:
    assert series_key("a b,c=d", [("k=1", "v w"), ("l", "x,y")]) == "a\\ b\\,c=d,k\\=1=v\\ w,l=x\\,y"
