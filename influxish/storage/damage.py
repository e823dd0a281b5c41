"""What the engine found broken and went on without: told to whoever asks, never served as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Damage:
    """One finding. `message` names the file and what was lost."""

    path: Path
    message: str

    def __str__(self) -> str:
        return self.message
