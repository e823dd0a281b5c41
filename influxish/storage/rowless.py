"""Series without any row, as a crash leaves them between the series log and the log of writes: found, and removed.

What has been seen of rows is gathered while a store is opened; the series that it names nothing of have none.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from influxish.storage.databases import DatabaseState
from influxish.storage.deleting import remove_series
from influxish.types import Array


class SeenRows:
    """Which series have rows, in segments or in the log; also such rows as are deleted, whose series are removed."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], list[Array]] = {}

    def add(self, database: int, measurement: str, series: Array) -> None:
        """Rows of these series were seen; a number may come any number of times."""
        self._found.setdefault((database, measurement), []).append(series)

    def remove_others(self, databases: Iterable[DatabaseState]) -> None:
        """Remove every series of which no row was seen. The next flush puts them into the catalog."""
        for state in databases:
            for measurement, series in state.index.view().items():
                selected = series.select(None)
                rowless = np.ones(series.count, np.bool_) if selected is None else selected
                for numbers in self._found.get((state.id, measurement), ()):
                    rowless[numbers] = False
                remove_series(state, measurement, np.flatnonzero(rowless))
