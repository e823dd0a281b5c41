"""Small ways to write to an engine and to read everything back as plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from influxish.batch import Batch
from influxish.errors import PartialWrite
from influxish.storage.engine import Engine
from influxish.storage.interface import ScanRequest, ScanStats, ShardSource
from influxish.storage.line_protocol import parse_lines
from influxish.types import DataType, FieldRequest

Key = tuple[str, int]
Model = dict[Key, dict[str, Any]]


def write(engine: Engine, lines: str, database: str = "d", policy: str = "") -> None:
    batch, rejected = parse_lines(lines.encode())
    assert not rejected, rejected
    engine.write(database, policy, batch)


def request(measurement: str = "m", fields: Sequence[FieldRequest] | None = None, **settings: Any) -> ScanRequest:
    """A scan of the fields v (float), i (integer), s (string), b (boolean) unless told otherwise, by tag h."""
    types = {"v": DataType.FLOAT, "i": DataType.INTEGER, "s": DataType.STRING, "b": DataType.BOOLEAN}
    if fields is None:
        fields = [FieldRequest(name, name, type_) for name, type_ in types.items()]
    settings.setdefault("dimensions", ("h",))
    return ScanRequest(measurement, tuple(fields), **settings)


def check_batch(batch: Batch, descending: bool = False) -> None:
    """What every batch promises."""
    assert batch.run_offsets[0] == 0
    assert batch.run_offsets[-1] == batch.rows > 0
    assert (batch.run_offsets[1:] > batch.run_offsets[:-1]).all()
    assert len(batch.run_groups) == len(batch.run_offsets) - 1
    for start, stop in zip(batch.run_offsets, batch.run_offsets[1:], strict=False):
        steps = batch.times[start + 1 : stop] - batch.times[start : stop - 1]
        assert ((steps < 0) if descending else (steps > 0)).all()
    for column in batch.columns.values():
        assert len(column) == batch.rows
        assert column.values.dtype == column.type.dtype


def rows(source: ShardSource, wanted: ScanRequest, stats: ScanStats | None = None) -> list[tuple[Key, dict[str, Any]]]:
    """((value of the first dimension, time), fields that have a value) of each row, in scan order."""
    found = []
    last: dict[int, int] = {}
    for batch in source.scan(wanted, stats or ScanStats()):
        check_batch(batch, wanted.descending)
        for row, (group, time) in enumerate(zip(batch.row_groups.tolist(), batch.times.tolist(), strict=True)):
            values = {
                label: column.values[row].item() if hasattr(column.values[row], "item") else column.values[row]
                for label, column in batch.columns.items()
                if column.valid is None or column.valid[row]
            }
            name = batch.groups.values[0][group] if batch.groups.values else ""
            if group in last and batch.groups.values:
                assert (time < last[group]) if wanted.descending else (time > last[group]), (
                    "rows of a series out of order"
                )
            last[group] = time
            found.append(((name, time), values))
    return found


def contents(engine: Engine, wanted: ScanRequest | None = None, database: str = "d", policy: str = "") -> Model:
    """Everything in all shards; no row may come twice."""
    found: Model = {}
    for shard in engine.shards(database, policy):
        for key, values in rows(shard, wanted or request()):
            assert key not in found, f"{key} came twice"
            found[key] = values
    return found


def rejected(engine: Engine, lines: str) -> PartialWrite:
    """The error of a write of which some points are refused."""
    try:
        write(engine, lines)
    except PartialWrite as error:
        return error
    raise AssertionError("nothing was refused")
