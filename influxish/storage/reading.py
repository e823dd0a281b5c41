"""From pieces to rows: which rows are wanted, how one piece is decoded, how overlapping pieces are merged.

The result is batches keyed by series number with the requested columns; predicates and groups come after, in `scan`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from influxish.batch import Batch, Column, Mask
from influxish.storage.interface import ScanStats
from influxish.storage.pieces import Key, Layer, Piece, Runs
from influxish.storage.rows import BY_SERIES, merged, position
from influxish.types import ALL_TIME, DataType, FieldRequest, TimeRange


@dataclass(frozen=True, eq=False)
class Selection:
    """The rows wanted, by key alone.

    Attributes:
        series: (s,) bool by series number, None for all.
        series_start, series_stop: only numbers in this half-open range.
        time_range: only times in it.
    """

    series: Mask | None = None
    series_start: int = 0
    series_stop: int = 1 << 62
    time_range: TimeRange = ALL_TIME

    def misses(self, piece: Piece) -> bool:
        """Whether the bounds of the piece alone show that nothing of it is wanted."""
        first, last = piece.start[0], piece.stop[0]
        if first >= self.series_stop or last < self.series_start or not piece.time_range.overlaps(self.time_range):
            return True
        return self.series is not None and not self.series[first : last + 1].any()

    def runs(self, runs: Runs) -> Mask:
        """(k,) bool: the runs that may have wanted rows."""
        kept = (runs.first < self.time_range.stop) & (runs.last >= self.time_range.start)
        if runs.series[0] < self.series_start or runs.series[-1] >= self.series_stop:
            kept &= (runs.series >= self.series_start) & (runs.series < self.series_stop)
        if self.series is not None:
            kept &= self.series[runs.series]
        return kept


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads the wanted rows of pieces.

    Attributes:
        fields: the columns that the rows shall have, by label.
        selection: which rows.
        stats: where to count.
        prune: says of a piece that need not be merged that no row of it will pass; it is skipped then.
        descending: the last rows first.
    """

    fields: Sequence[FieldRequest]
    selection: Selection
    stats: ScanStats
    prune: Callable[[Piece, Mask], bool] = lambda piece, kept: False
    descending: bool = False

    def read(self, groups: Sequence[Sequence[Layer]]) -> Iterator[Batch]:
        """The rows of clusters of layers, as `pieces.clusters` makes them."""
        for layers in reversed(groups) if self.descending else groups:
            yield from self._single(layers[0]) if len(layers) == 1 else self._merging(layers)

    def _single(self, layer: Layer) -> Iterator[Batch]:
        for piece in reversed(layer.pieces) if self.descending else layer.pieces:
            rows = self._unmerged(piece)
            if rows is not None:
                yield rows.reversed() if self.descending else rows

    def _unmerged(self, piece: Piece) -> Batch | None:
        kept = None if self.selection.misses(piece) else self.selection.runs(piece.runs)
        if kept is None or not kept.any() or self.prune(piece, kept):
            self.stats.blocks_skipped += 1
            return None
        return self._decode(piece, kept)

    def _merging(self, layers: Sequence[Layer]) -> Iterator[Batch]:
        """Cut the keys where pieces begin; between two cuts merge what overlaps. Holds one piece per layer or so."""
        wanted = []
        for layer in layers:
            for piece in layer.pieces:
                if self.selection.misses(piece) or not self.selection.runs(piece.runs).any():
                    self.stats.blocks_skipped += 1
                else:
                    wanted.append(piece)
        types = {request.label: request.type for request in self.fields}
        decoded: dict[int, Batch | None] = {}
        for low, high, active in self._windows(wanted):
            decoded = {id(piece): decoded[id(piece)] for piece in active if id(piece) in decoded}
            if len(active) == 1 and active[0].start >= low and (high is None or active[0].stop < high):
                rows = self._unmerged(active[0])
            else:
                parts = [self._between(self._cached(piece, decoded), low, high) for piece in active]
                filled = [part for part in parts if part is not None]
                rows = merged(filled, types) if filled else None
            if rows is not None:
                yield rows.reversed() if self.descending else rows

    def _windows(self, pieces: list[Piece]) -> list[tuple[Key, Key | None, list[Piece]]]:
        """[low, high) ranges of keys in scan order, each with the pieces that reach into it, oldest first."""
        age = {id(piece): number for number, piece in enumerate(pieces)}
        pending = sorted(pieces, key=lambda piece: piece.start, reverse=True)
        cuts = sorted({piece.start for piece in pieces})
        windows: list[tuple[Key, Key | None, list[Piece]]] = []
        active: list[Piece] = []
        for number, low in enumerate(cuts):
            high = cuts[number + 1] if number + 1 < len(cuts) else None
            active = [piece for piece in active if piece.stop >= low]
            while pending and pending[-1].start == low:
                active.append(pending.pop())
            windows.append((low, high, sorted(active, key=lambda piece: age[id(piece)])))
        return windows[::-1] if self.descending else windows

    def _cached(self, piece: Piece, decoded: dict[int, Batch | None]) -> Batch | None:
        if id(piece) not in decoded:
            decoded[id(piece)] = self._decode(piece, self.selection.runs(piece.runs))
        return decoded[id(piece)]

    @staticmethod
    def _between(rows: Batch | None, low: Key, high: Key | None) -> Batch | None:
        if rows is None:
            return None
        start = position(rows, *low)
        stop = rows.rows if high is None else position(rows, *high)
        return rows.slice(start, stop) if start < stop else None

    def _decode(self, piece: Piece, kept: Mask) -> Batch | None:
        """The wanted rows of a piece, all in the runs `kept`; None if it turns out that there are none."""
        self.stats.blocks_read += 1
        runs, times = piece.runs, piece.times(self.stats)
        whole = Batch(BY_SERIES, runs.series, runs.offsets, times, self._columns(piece))
        wanted, places = self.selection.time_range, np.flatnonzero(kept)
        inside = bool(runs.first[places].min() >= wanted.start and runs.last[places].max() < wanted.stop)
        first, last = int(places[0]), int(places[-1])
        adjacent = last - first + 1 == len(places)
        start, stop = int(runs.offsets[first]), int(runs.offsets[last + 1])
        if inside and adjacent:
            return whole if stop - start == piece.rows else whole.slice(start, stop)
        if adjacent and len(places) == 1:
            start, stop = start + np.searchsorted(times[start:stop], [wanted.start, wanted.stop]).astype(np.int64)
            return whole.slice(int(start), int(stop)) if start < stop else None
        mask = np.repeat(kept, np.diff(runs.offsets))
        if not inside:
            mask &= (times >= wanted.start) & (times < wanted.stop)
        return whole.where(mask) if mask.any() else None

    def _columns(self, piece: Piece) -> Mapping[str, Column]:
        stored: dict[str, Column] = {}
        columns = {}
        for request in self.fields:
            type_ = piece.field_type(request.name)
            if type_ is None or not convertible(type_, request.type):
                columns[request.label] = Column.absent(request.type, piece.rows)
                continue
            if request.name not in stored:
                stored[request.name] = piece.column(request.name, self.stats)
            columns[request.label] = converted(stored[request.name], request.type)
        return columns


def convertible(stored: DataType, asked: DataType) -> bool:
    """Whether values of type `stored` can be read as `asked`: the same type, or both numbers."""
    return stored is asked or (stored.is_numeric and asked.is_numeric)


def converted(column: Column, type_: DataType) -> Column:
    """The column as `type_`; floats lose their fraction when they become integers."""
    if column.type is type_:
        return column
    with np.errstate(invalid="ignore"):
        return Column(type_, column.values.astype(type_.dtype), column.valid)
