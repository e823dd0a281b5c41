"""Rows of streams that stop before they are over, against a reader that takes them one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxish.exec.interleave import Interleaved, Stream, interleave

Tokens = list[int | None]


class Scanner:
    """A stream as the server reads it: the next row or None, one of which may be held back."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens, self.held, self.read = tokens[::-1], None, 0

    def next(self) -> int | None:
        held, self.held = self.held, None
        if held is not None:
            return held
        return self.tokens.pop() if self.tokens else None

    def peek(self) -> int | None:
        self.held = self.next()
        return self.held


def read_one_by_one(streams: Sequence[Tokens], *, patient: bool) -> tuple[list[int], list[list[int]]]:
    scanners = [Scanner(list(tokens)) for tokens in streams]
    keys: list[int] = []
    places: list[list[int]] = [[] for _ in streams]
    pending = False
    while True:
        heads = [head for scanner in scanners if (head := scanner.peek()) is not None]
        if not heads:
            if not pending or not patient:
                return keys, places
            pending = False
            continue
        pending = True
        for scanner, place in zip(scanners, places, strict=True):
            row = scanner.next()
            if row == min(heads):
                place.append(len(keys))
            else:
                scanner.held = row
        keys.append(min(heads))


def stream_of(tokens: Tokens) -> Stream:
    keys, stops, stopped = [], [], 0
    for token in tokens:
        if token is None:
            stopped += 1
        else:
            keys.append(token)
            stops.append(stopped)
            stopped = 0
    return Stream(np.array(keys, np.int64), np.array(stops, np.int64))


def plain(found: Interleaved) -> tuple[list[int], list[list[int]]]:
    return found.keys.tolist(), [places.tolist() for places in found.places]


@st.composite
def tokens(draw: st.DrawFn) -> Tokens:
    found: Tokens = []
    for key in sorted(draw(st.sets(st.integers(0, 12)))):
        found += [None] * draw(st.sampled_from((0, 0, 0, 1, 1, 2, 3)))
        found.append(key)
    return found


@given(st.lists(tokens(), min_size=1, max_size=4), st.booleans())
def test_rows_come_as_one_by_one(streams: list[Tokens], patient: bool) -> None:
    found = interleave([stream_of(each) for each in streams], patient=patient)
    assert plain(found) == read_one_by_one(streams, patient=patient)


@pytest.mark.parametrize(
    ("tokens", "patient", "keys"),
    [
        ([0, None, 1, 2], True, [0, 1, 2]),
        ([0, None, 1, 2], False, [0]),
        ([0, 1, None, None, 2], True, [0, 1]),
        ([None, 0, 1], True, []),
    ],
)
def test_a_single_stream_ends_where_it_stops_twice(tokens: Tokens, patient: bool, keys: list[int]) -> None:
    assert plain(interleave([stream_of(tokens)], patient=patient)) == (keys, [list(range(len(keys)))])


def test_a_row_that_comes_late_does_not_meet_its_like() -> None:
    late, other = stream_of([None, None, 0, 1, 2]), Stream(np.array([0, 1, 2], np.int64))
    assert plain(interleave([late, other], patient=True)) == ([0, 0, 1, 2], [[1, 2, 3], [0, 2, 3]])
