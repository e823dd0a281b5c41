"""The node that SELECT … INTO ends in: its rows become points instead of an answer.

All other kinds of node are in `nodes.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from influxish.plan.node import Node


@dataclass(frozen=True, eq=False, kw_only=True)
class Write(Node):
    """The root of a SELECT … INTO.

    Reads: the rows that its one input, an `Emit`, would answer. Writes: one row, which tells how many points were
    written. The times of the rows are those of the points, what they are grouped by their tags, columns their fields.

    Attributes:
        database, policy: where to; "" for the default.
        measurement: of the points; "" for the one that each row comes from.
        tags: so many of the last columns become tags, too: those that top() and bottom() list.
        distinct: no two rows make the same point, so their order does not matter.
    """

    database: str = ""
    policy: str = ""
    measurement: str = ""
    tags: int = 0
    distinct: bool = False

    def describe(self) -> str:
        path = ".".join(part for part in (self.database, self.policy) if part)
        return f"write into {path + '.' if path else ''}{self.measurement or ':MEASUREMENT'}"
