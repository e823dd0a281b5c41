"""One line of InfluxDB's line protocol, with every escape and every error text: the careful way.

`line_protocol` reads most lines in bulk and comes here for the first line of each form, for odd ones and for bad ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from influxish.errors import WriteError
from influxish.storage.points import Tags, check_key_length
from influxish.types import MAX_TIME, MIN_TIME, DataType

FieldValue = float | int | str | bool

TRUE_WORDS = ("t", "T", "true", "True", "TRUE")
FALSE_WORDS = ("f", "F", "false", "False", "FALSE")
OUT_OF_RANGE = f"time outside range {MIN_TIME} - {MAX_TIME}"
UNBALANCED = "unbalanced quotes"

# A backslash escapes only what would end the word; anywhere else it stands for itself.
_MEASUREMENT = re.compile(r"(?:[^\\, ]+|\\[, ]?)*")
_WORD = re.compile(r"(?:[^\\,= ]+|\\[,= ]?)*")
_STRING = re.compile(r'"((?:[^"\\]+|\\.)*)"', re.DOTALL)
_TOKEN = re.compile(r"[^, ]*")
_BLANKS = re.compile(r"[ \t\0]*")
_TIME = re.compile(r"-?[0-9]+")
_FLOAT = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]+i")
_UNSIGNED = re.compile(r"[0-9]+u")


class BadLine(Exception):
    """Why a line is no point, in the server's words."""


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """One point. `time` is in the unit of the input, None when the line has none."""

    measurement: str
    tags: Tags
    fields: dict[str, tuple[DataType, FieldValue]]
    time: int | None


def parse_line(line: str) -> ParsedLine:
    """The point that a line says. The line is not empty and no comment.

    Raises:
        BadLine: it is no point.
    """
    start = _skip(line, 0)
    measurement, tags, position = _key(line, start)
    position = _skip(line, position)
    if position == len(line):
        raise BadLine("missing fields")
    fields, position = _fields(line, position)
    return ParsedLine(measurement, tags, fields, _time(line, _skip(line, position)))


def parse_key(key: str) -> tuple[str, Tags]:
    """Measurement and tags of what stands before the first blank of a line.

    Raises:
        BadLine: it is no key.
    """
    measurement, tags, _ = _key(key, 0)
    return measurement, tags


def _skip(line: str, position: int) -> int:
    match = _BLANKS.match(line, position)
    return match.end() if match else position


def _scan(pattern: re.Pattern[str], line: str, position: int) -> str:
    match = pattern.match(line, position)
    return match.group() if match else ""


def _key(line: str, position: int) -> tuple[str, Tags, int]:
    name = _scan(_MEASUREMENT, line, position)
    if not name:
        raise BadLine("missing measurement")
    position += len(name)
    pairs: dict[str, str] = {}
    repeated = False
    while line[position : position + 1] == ",":
        key = _scan(_WORD, line, position + 1)
        position += 1 + len(key)
        if not key:
            raise BadLine("missing tag key")
        value = _scan(_WORD, line, position + 1) if line[position : position + 1] == "=" else ""
        if not value:
            raise BadLine("missing tag value")
        position += 1 + len(value)
        if line[position : position + 1] == "=":
            raise BadLine("invalid tag format")
        plain = _unescape(key, ",= ")
        repeated |= plain in pairs
        pairs[plain] = _unescape(value, ",= ")
    if repeated:
        raise BadLine("duplicate tags")
    measurement, tags = _unescape(name, ", "), tuple(sorted(pairs.items()))
    try:
        check_key_length(measurement, tags)
    except WriteError as error:
        raise BadLine(str(error)) from None
    return measurement, tags, position


def _fields(line: str, position: int) -> tuple[dict[str, tuple[DataType, FieldValue]], int]:
    fields: dict[str, tuple[DataType, FieldValue]] = {}
    malformed = False  # told only when nothing worse comes after it
    while True:
        key = _scan(_WORD, line, position)
        position += len(key)
        if line[position : position + 1] == "=":
            if not key:
                raise BadLine("missing field key")
            value, position = _value(line, position + 1)
            fields[_unescape(key, ',= "')] = value
        else:
            malformed = True
        following = line[position : position + 1]
        if following == ",":
            position += 1
            continue
        if malformed or following not in ("", " "):
            raise BadLine("invalid field format")
        return fields, position


def _value(line: str, position: int) -> tuple[tuple[DataType, FieldValue], int]:
    first = line[position : position + 1]
    if first in ("", ",", " "):
        raise BadLine("missing field value")
    if first == '"':
        match = _STRING.match(line, position)
        if match is None:
            raise BadLine(UNBALANCED)
        return (DataType.STRING, _unescape(match.group(1), '"\\')), match.end()
    token = _scan(_TOKEN, line, position)
    position += len(token)
    if first in "0123456789.-Nn":
        return _number(token), position
    if token in TRUE_WORDS or token in FALSE_WORDS:
        return (DataType.BOOLEAN, token in TRUE_WORDS), position
    raise BadLine("invalid boolean")


def _number(token: str) -> tuple[DataType, FieldValue]:
    if _INTEGER.fullmatch(token):
        return DataType.INTEGER, _ranged(token[:-1], "integer", "ParseInt", -(2**63), 2**63 - 1)
    if _UNSIGNED.fullmatch(token):
        return DataType.UNSIGNED, _ranged(token[:-1], "unsigned", "ParseUint", 0, 2**64 - 1)
    if not _FLOAT.fullmatch(token):
        raise BadLine("invalid number")
    value = float(token)
    if abs(value) == float("inf"):
        raise BadLine("invalid float")
    return DataType.FLOAT, value


def _ranged(digits: str, kind: str, function: str, least: int, greatest: int) -> int:
    value = int(digits) if len(digits) < 1000 else greatest + 1
    if not least <= value <= greatest:
        shown = shortened(digits)
        raise BadLine(f'unable to parse {kind} {shown}: strconv.{function}: parsing "{shown}": value out of range')
    return value


def _time(line: str, position: int) -> int | None:
    if position == len(line):
        return None
    digits = _scan(_TIME, line, position)
    position += len(digits)
    if not digits or line[position : position + 1] not in ("", " "):
        raise BadLine("bad timestamp")
    if _skip(line, position) != len(line):
        raise BadLine("point is invalid")
    value = int(digits) if len(digits) < 1000 else 1 << 64
    if not -(2**63) <= value < 2**63:
        raise BadLine(f'strconv.ParseInt: parsing "{shortened(digits)}": value out of range')
    return value


def _unescape(text: str, escaped: str) -> str:
    if "\\" not in text:
        return text
    return re.sub(rf"\\([{re.escape(escaped)}])", r"\1", text)


def shortened(text: str) -> str:
    """Text for a message: a megabyte would flood it."""
    return text if len(text) <= 200 else text[:200] + "…"
