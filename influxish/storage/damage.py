"""What the engine found broken and went on without: told to whoever asks, never served as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Damage:
    """One finding. `message` names the file and what was lost.

    Attributes:
        torn: whether it is only the beginning of a record, at the end of the log that was written last: nobody was told
            that such a write is kept.
    """

    path: Path
    message: str
    torn: bool = False

    def __str__(self) -> str:
        return self.message
