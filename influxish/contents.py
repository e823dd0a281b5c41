"""What a database holds, as its face has it: points are written here, and the names of what was written are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from influxish.errors import PartialWrite
from influxish.storage.engine import Engine
from influxish.storage.line_protocol import parse_lines
from influxish.types import DataType
from influxish.writing import columns_to_points, line_protocol, refusal

Text = str | bytes | bytearray | memoryview


class SupportsColumns(Protocol):
    """A dataframe, as far as writing needs to know it."""

    @property
    def columns(self) -> Any: ...

    def __getitem__(self, name: Any) -> Any: ...


class Contents:
    """The methods of a database that write, and that list what there is."""

    engine: Engine

    def write(
        self,
        data: Text | Iterable[Text] | Mapping[str, Any] | SupportsColumns,
        *,
        database: str,
        policy: str = "",
        precision: str = "ns",
        measurement: str = "",
        tags: Sequence[str] = (),
        time: str = "time",
    ) -> int:
        """Write points; they are durable when this returns.

        Args:
            data: line protocol (text, bytes, or an iterable of such lines, for instance an open file), or columns: a
                mapping of name → sequence, or a pandas or Polars dataframe.
            database: where to; it must exist.
            policy: retention policy, "" for the default.
            precision: unit of the times: ns, us, ms, s, m or h. Columns of datetime64 carry their own.
            measurement: for columns, what they are.
            tags: for columns, which of them are tags; all others but the time are fields.
            time: for columns, which one holds the times.
        Returns:
            how many points were written.
        Raises:
            PartialWrite: some points were refused, all others were written.
            WriteError: nothing could be written.
            NotFound: no such database or retention policy.
        """
        lines = line_protocol(data)
        if lines is not None:
            return self._write_lines(lines, database, policy, precision)
        points = columns_to_points(data, measurement, tags, time, precision)
        self.engine.write(database, policy, points)
        return points.rows

    def _write_lines(self, data: bytes, database: str, policy: str, precision: str) -> int:
        points, unparsed = parse_lines(data, precision)
        rejected = [(line.line, line.reason) for line in unparsed]
        written = points.rows
        try:
            if points.rows:
                self.engine.write(database, policy, points)
        except PartialWrite as error:
            rejected = sorted([*rejected, *error.rejected])
            written = error.written
        if rejected:
            raise PartialWrite(refusal(rejected, written), rejected=rejected, written=written)
        return written

    def create_database(self, name: str) -> None:
        """Make a database; does nothing if it exists."""
        self.engine.create_database(name)

    def databases(self) -> list[str]:
        """Names of all databases, in order of creation."""
        return self.engine.databases()

    def measurements(self, database: str) -> list[str]:
        """Names of the measurements of a database, sorted."""
        return self.engine.measurements(database)

    def tag_keys(self, database: str, measurement: str) -> list[str]:
        """Tag keys of a measurement, sorted."""
        return self.engine.tag_keys(database, measurement)

    def tag_values(self, database: str, measurement: str, key: str) -> list[str]:
        """Values of one tag of a measurement, sorted."""
        return self.engine.tag_values(database, measurement, key)

    def field_keys(self, database: str, measurement: str) -> dict[str, tuple[DataType, ...]]:
        """Fields of a measurement and the types they have, sorted by name."""
        return self.engine.field_keys(database, measurement)
