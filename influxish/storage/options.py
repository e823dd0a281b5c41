"""What can be chosen when a store is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from influxish.errors import StorageError
from influxish.storage.files import Files


@dataclass(frozen=True, slots=True)
class StorageOptions:
    """Settings of an engine.

    Attributes:
        durability: "fsync": an acknowledged write survives a power failure. "process": it survives the end of this
            process, however violent, but a power failure may take the last seconds.
        memtable_bytes: a flush begins when memtables hold so much.
        merge_segments: a shard's newest segments are merged when so many of similar size have come together.
        files: the operating system's files; tests give one that fails.
    """

    durability: Literal["fsync", "process"] = "fsync"
    memtable_bytes: int = 128 << 20
    merge_segments: int = 4
    files: Files = field(default_factory=Files)

    def __post_init__(self) -> None:
        # A misspelt word must not quietly mean the weaker promise.
        if self.durability not in ("fsync", "process"):
            raise StorageError(f'there is no durability "{self.durability}": it is "fsync" or "process"')
