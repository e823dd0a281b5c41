"""What can be chosen when a store is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from influxish.settings import check_settings, object_like, one_of, whole_number
from influxish.storage.files import Files


@dataclass(frozen=True, slots=True)
class StorageOptions:
    """Settings of an engine.

    Raises: InfluxishError: a value that makes no sense.

    Attributes:
        durability: "fsync": an acknowledged write survives a power failure. "process": it survives the end of this
            process, however violent, but a power failure may take the last seconds.
        memtable_bytes: a flush begins when memtables hold so much.
        merge_segments: a shard's newest segments are merged when so many of similar size have come together.
        files: the operating system's files; tests give one that fails.
    """

    # A misspelt word must not quietly mean the weaker promise.
    durability: Literal["fsync", "process"] = field(default="fsync", metadata=one_of("fsync", "process").metadata)
    memtable_bytes: int = field(default=128 << 20, metadata=whole_number("bytes", "128 << 20", least=1).metadata)
    merge_segments: int = field(default=4, metadata=whole_number("segments", "4", least=2).metadata)
    files: Files = field(
        default_factory=Files, metadata=object_like(Files, "an object with the methods of Files").metadata
    )

    def __post_init__(self) -> None:
        check_settings(self)
