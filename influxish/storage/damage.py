"""What the engine found broken and went on without: told to whoever asks, never served as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Damage:
    """One finding. `message` names the file and what was lost.

    Attributes:
        torn: whether it is only the end of a log that was cut off while it was written.
    """

    path: Path
    message: str
    torn: bool = False

    def __str__(self) -> str:
        return self.message
