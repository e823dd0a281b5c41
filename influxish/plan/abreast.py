"""The node that brings streams of rows together of which some stop before they are over."""

from __future__ import annotations

from dataclasses import dataclass

from influxish.plan.node import Node


@dataclass(frozen=True, slots=True)
class Stopping:
    """A call whose stream may stop before it is over.

    Attributes:
        stops: label of the column that tells how often it stops before each row. It has a value in all of its rows.
        columns: labels of its columns, its own first.
    """

    stops: str
    columns: tuple[str, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Abreast(Node):
    """The rows of calls side by side, by group and time, in the order in which they are read from streams that stop.

    Reads: rows sorted by group and time. Writes: the columns of the streams, and the others. Rows may come out in
    another order, a group more than once. `exec/interleave.py` has the rules.

    Attributes:
        streams: those that may stop.
        others: labels of the columns of calls that do not; those in one input are one stream.
        patient: goes on when all streams have stopped at once.
        descending: groups and times fall.
    """

    streams: tuple[Stopping, ...]
    others: tuple[str, ...]
    patient: bool
    descending: bool = False

    @property
    def labels(self) -> frozenset[str]:
        """Of all columns that it hands on."""
        return frozenset((*self.others, *(label for stream in self.streams for label in stream.columns)))

    def describe(self) -> str:
        beside = f" beside {', '.join(self.others)}" if self.others else ""
        order = ", backwards" if self.descending else ""
        good = " for good" if self.patient else ""
        return f"read {', '.join(stream.columns[0] for stream in self.streams)}{beside} until it stops{good}{order}"


def stops_label(call: str) -> str:
    """Label of the column that tells how often the stream of a call, known by its label, stops before each row."""
    return f"stops of {call}"
