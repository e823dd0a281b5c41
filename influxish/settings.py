"""What a setting accepts: one record for each, which checks a value and says what is wrong with it.

The settings themselves stand where they are used, as fields of frozen dataclasses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

from influxish.errors import InfluxishError

_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Setting:
    """What values a setting may have.

    Attributes:
        accepts: in words, to follow "must be".
        example: a value that is fine, as it is written in Python.
        holds: whether a value is fine.
    """

    accepts: str
    example: str
    holds: Callable[[Any], bool]

    @property
    def metadata(self) -> Mapping[str, Setting]:
        """For `dataclasses.field`, where `check_settings` finds it."""
        return {"setting": self}

    def check(self, name: str, value: object) -> None:
        """Raises: InfluxishError: `value` is not what the setting called `name` accepts."""
        if not self.holds(value):
            found = repr(value)
            if len(found) > _SHOWN_CHARACTERS:
                found = found[:_SHOWN_CHARACTERS] + "…"
            raise InfluxishError(f"{name} must be {self.accepts}, such as {name}={self.example}; it is {found}")


def check_settings(settings: Any) -> None:
    """Check every field of a dataclass that has a `Setting` in its metadata.

    Raises:
        InfluxishError: of the first that is not accepted.
    """
    for item in fields(settings):
        if "setting" in item.metadata:
            item.metadata["setting"].check(item.name, getattr(settings, item.name))


def whole_number(unit: str, example: str, *, least: int, most: int | None = None) -> Setting:
    """An integer of Python or numpy in [least, most]."""
    bounds = f"from {least:,} up" if most is None else f"from {least:,} to {most:,}"
    return Setting(
        f"a whole number of {unit} {bounds}",
        example,
        lambda value: _is_number(value, Integral) and value >= least and (most is None or value <= most),
    )


def duration(example: str) -> Setting:
    """Seconds; 0 and infinity are no limit."""
    return Setting(
        "a number of seconds from 0 up (0 is no limit)",
        example,
        lambda value: _is_number(value, Real) and value >= 0,
    )


def period(example: str) -> Setting:
    """Seconds from one time to the next; 0 is never."""
    return Setting(
        "a number of seconds from 0 up to a billion (0 is never)",
        example,
        lambda value: _is_number(value, Real) and 0 <= value <= 1e9,
    )


def flag() -> Setting:
    """True or False."""
    return Setting("True or False", "True", lambda value: isinstance(value, bool))


def one_of(*words: str) -> Setting:
    """One of some words."""
    quoted = [f'"{word}"' for word in words]
    return Setting(" or ".join(quoted), quoted[0], lambda value: isinstance(value, str) and value in words)


def object_like(kind: type, what: str) -> Setting:
    """Anything that has the public methods of `kind`."""
    methods = [name for name in vars(kind) if not name.startswith("_")]
    return Setting(
        what,
        f"{kind.__name__}()",
        lambda value: not isinstance(value, type) and all(callable(getattr(value, name, None)) for name in methods),
    )


def _is_number(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
