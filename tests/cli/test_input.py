"""Blocks of lines from files: where lines end, what compression hides, what a broken file still gives."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.cli import input as reading
from influxish.cli.input import BrokenInput, LineBlock, Source, last_line_end, line_blocks, line_end, numbered_lines


def ends_of_lines(data: bytes) -> list[int]:
    """Where lines end, one byte at a time: InfluxDB 1.8's models/points.go, scanLine, without its special case of an
    escape before the last byte."""
    ends, quoted, fields, equals, commas, position = [], False, False, 0, 0, 0
    while position < len(data):
        byte = data[position : position + 1]
        if byte == b"\\" and position + 1 < len(data) and (fields or data[position + 1 : position + 2] != b"\n"):
            position += 2
            continue
        if byte == b" ":
            fields = True
        if fields and not quoted and byte == b"=":
            equals += 1
        elif fields and not quoted and byte == b",":
            commas += 1
        elif fields and byte == b'"' and equals > commas:
            quoted = not quoted
        elif byte == b"\n" and not quoted:
            ends.append(position)
            fields, equals, commas = False, 0, 0
        position += 1
    return ends


keys = st.sampled_from(["cpu", "cpu,host=a", 'cpu,host="a', "c\\ pu,h\\,x=\\ y", "m,t=x\\\\"])
values = st.sampled_from(
    ["1", "-2.5", "3i", "true", '"text"', '"with \\"quotes\\" and, =\\n"', '"over\ntwo\nlines"', '"\\\\"', '""']
)
lines = st.builds(
    lambda key, fields, time: f"{key} {','.join(f'f{n}={value}' for n, value in enumerate(fields))}{time}",
    keys,
    st.lists(values, min_size=1, max_size=4),
    st.sampled_from(["", " 5", " 1577836800000000000"]),
) | st.sampled_from(["", "# a comment", "nonsense"])


@given(st.lists(lines, max_size=8), st.booleans())
def test_lines_end_where_the_server_ends_them(texts: list[str], whole: bool) -> None:
    data = "\n".join(texts).encode() + (b"\n" if whole else b"")
    expected, found, start = ends_of_lines(data), [], 0
    while (end := line_end(data, start)) >= 0:
        found.append(end)
        start = end + 1
    assert found == expected
    assert last_line_end(data) == (expected[-1] + 1 if expected else 0)


@given(st.lists(lines, max_size=30), st.integers(1, 50))
def test_blocks_hold_every_line_once_with_its_number(texts: list[str], size: int) -> None:
    data = "\n".join(texts).encode()

    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    blocks = list(line_blocks(pieces))
    assert b"".join(block.data for block in blocks) == data
    found = {number: line for block in blocks for number, line in numbered_lines(block).items()}
    starts = [0, *(end + 1 for end in ends_of_lines(data))]
    stops = [*(start - 1 for start in starts[1:]), len(data)]
    spans = [(start, stop) for start, stop in zip(starts, stops, strict=True) if start < len(data)]
    assert found == {data.count(b"\n", 0, start) + 1: data[start:stop] for start, stop in spans}


def test_gzip_is_known_by_its_content_and_may_have_several_members(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(gzip.compress(b"a v=1\n") + gzip.compress(b"b v=2\n"))
    source = Source(str(path))
    assert b"".join(source) == b"a v=1\nb v=2\n"
    assert source.position == source.size == path.stat().st_size
    source.close()


def test_a_highly_compressed_file_comes_in_bounded_pieces(tmp_path: Path) -> None:
    path = tmp_path / "zeros.gz"
    path.write_bytes(gzip.compress(bytes(64 << 20)))
    source = Source(str(path))
    sizes = [len(piece) for piece in source]
    source.close()
    assert sum(sizes) == 64 << 20
    assert max(sizes) <= reading.BLOCK_BYTES


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_truncated_gzip_gives_its_whole_lines_and_then_an_error(tmp_path: Path, kept: float) -> None:
    whole = b"".join(b"cpu v=%d %d\n" % (number * 7919 % 1000, number) for number in range(20_000))
    packed = gzip.compress(whole)
    path = tmp_path / "cut.gz"
    path.write_bytes(packed[: int(len(packed) * kept)])
    source, blocks = Source(str(path)), []
    with pytest.raises(BrokenInput, match=r"cut\.gz: the gzip data is cut off after byte [\d,]+: the file is"):
        blocks.extend(line_blocks(source))
    source.close()
    found = b"".join(block.data for block in blocks)
    assert whole.startswith(found)
    assert found.endswith(b"\n")


def test_damaged_gzip_names_the_place(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"".join(b"cpu v=%d\n" % (n * n) for n in range(5000))))
    packed[len(packed) // 2] ^= 0xFF
    path = tmp_path / "bad.gz"
    path.write_bytes(packed)
    source = Source(str(path))
    with pytest.raises(BrokenInput, match=r"bad\.gz: the gzip data is damaged before byte"):
        list(source)
    source.close()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BrokenInput, match=r"cannot open .*nowhere: No such file"):
        Source(str(tmp_path / "nowhere"))
    with pytest.raises(BrokenInput, match=r"cannot be read beyond byte 0: Is a directory|cannot open .*Is a directory"):
        list(Source(str(tmp_path)))


def test_a_line_without_end_is_refused_and_the_next_one_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 10_000)
    monkeypatch.setattr(reading, "BLOCK_BYTES", 4_096)
    path = tmp_path / "long.lp"
    path.write_bytes(b"a v=1\n" + b"x" * 50_000 + b"\nb v=2\n")
    blocks = list(line_blocks(Source(str(path))))
    assert blocks[0] == LineBlock(1, b"a v=1\n")
    assert (blocks[1].first_line, blocks[1].data, blocks[1].too_long[:3]) == (2, b"", b"xxx")
    assert blocks[2] == LineBlock(3, b"b v=2\n")


def test_a_quote_that_never_closes_costs_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 10_000)
    monkeypatch.setattr(reading, "BLOCK_BYTES", 4_096)
    path = tmp_path / "quote.lp"
    rest = b"".join(b"b v=%d\n" % number for number in range(5_000))
    path.write_bytes(b'a v="open\n' + rest)
    blocks = list(line_blocks(Source(str(path))))
    assert blocks[0] == LineBlock(1, b'a v="open\n')
    assert b"".join(block.data for block in blocks[1:]) == rest
