"""The order in which rows are read from several streams, some of which stop before they are over.

Source: influxdata/influxdb 1.6, multiScannerCursor and the scanners of query/cursor.go, and the loop around Emit. For
each row every stream is looked at, the least key among them is answered, and every stream is asked for it. Who stops
says so once and has a row the next time; so its rows come late, and meet what others have there. When all of them say
so at once the answer is handed on, and read on; when they say so again at once, or before any row, it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from influxish.batch import Positions
from influxish.functions.interruption import look


@dataclass(frozen=True, eq=False)
class Stream:
    """The rows of one stream.

    Attributes:
        keys: (n,) int64 rising numbers: equal ones of several streams make one row.
        stops: (n,) how often it stops before each row, or None: never.
    """

    keys: Positions
    stops: Positions | None = None


@dataclass(frozen=True, eq=False)
class Interleaved:
    """The answer's rows.

    Attributes:
        keys: (r,) that of each row.
        places: for each stream the rows of the answer in which its first rows stand; the others are not answered.
    """

    keys: Positions
    places: Sequence[Positions]


def interleave(streams: Sequence[Stream], *, patient: bool) -> Interleaved:
    """Read streams side by side until all are over, or have stopped.

    Where none has stopped, all rows up to the next stop are taken at once: as the keys of each rise, they are merged.

    Args:
        patient: goes on when all have stopped at once, unless it is for the second time or before any row.
    """
    reading = _Reading([_Reader.of(stream) for stream in streams])
    idle = True
    while True:
        look()
        if not any(reader.waiting for reader in reading.readers):
            if all(reader.is_over for reader in reading.readers):
                break
            reading.take_until_stop()
            idle = False
        elif reading.take_row():
            idle = False
        elif idle or not patient:
            break
        else:
            idle = True
    return reading.finish()


@dataclass(slots=True)
class _Reader:
    """One stream on its way.

    Attributes:
        at: the next row.
        waiting: how often it stops before that.
        halts: rows before which it stops, rising, those before `at` left out as it goes.
        places: where the rows taken so far stand in the answer, in pieces.
    """

    stream: Stream
    halts: list[int]
    at: int = 0
    waiting: int = 0
    places: list[Positions] = field(default_factory=list)

    @staticmethod
    def of(stream: Stream) -> _Reader:
        halts = [] if stream.stops is None else np.flatnonzero(stream.stops)[::-1].tolist()
        reader = _Reader(stream, halts)
        reader.take(0, np.zeros(0, np.int64))
        return reader

    @property
    def is_over(self) -> bool:
        return self.at == len(self.stream.keys)

    def take(self, rows: int, places: Positions) -> None:
        """Take the next rows, and note that it may stop behind them."""
        self.at += rows
        self.places.append(places)
        if self.halts and self.halts[-1] == self.at:
            assert self.stream.stops is not None
            self.waiting = int(self.stream.stops[self.halts.pop()])


@dataclass(slots=True)
class _Reading:
    readers: list[_Reader]
    keys: list[Positions] = field(default_factory=list)
    rows: int = 0

    def take_until_stop(self) -> None:
        """The rows up to the one behind which a stream stops first, or all."""
        ends = [int(r.stream.keys[r.halts[-1] - 1]) for r in self.readers if r.halts]
        pieces = []
        for reader in self.readers:
            stop = int(np.searchsorted(reader.stream.keys, min(ends), "right")) if ends else len(reader.stream.keys)
            pieces.append(reader.stream.keys[reader.at : max(stop, reader.at)])
        merged = np.unique(np.concatenate(pieces))
        for reader, piece in zip(self.readers, pieces, strict=True):
            reader.take(len(piece), np.searchsorted(merged, piece) + self.rows)
        self.keys.append(merged)
        self.rows += len(merged)

    def take_row(self) -> bool:
        """One row while some stream has stopped; False if none has a row."""
        heads = []
        for reader in self.readers:
            if reader.waiting:
                reader.waiting -= 1
            elif not reader.is_over:
                heads.append(int(reader.stream.keys[reader.at]))
        if not heads:
            return False
        key = min(heads)
        for reader in self.readers:
            if reader.waiting:
                reader.waiting -= 1
            elif not reader.is_over and reader.stream.keys[reader.at] == key:
                reader.take(1, np.array([self.rows], np.int64))
        self.keys.append(np.array([key], np.int64))
        self.rows += 1
        return True

    def finish(self) -> Interleaved:
        none = np.zeros(0, np.int64)
        return Interleaved(
            np.concatenate([none, *self.keys]), [np.concatenate([none, *reader.places]) for reader in self.readers]
        )
