"""The SHOW statements of InfluxQL, which tell what there is. They follow the rules of `ast.py`.

In all of them `database` is "" without ON, and limits are 0 when absent.
"""

from __future__ import annotations

from typing import Literal

from influxish.influxql.ast import Dimension, Expression, Measurement, RegexLiteral, SortField, Source, Statement
from influxish.influxql.node import AstNode, node


@node
class ShowContinuousQueries(Statement):
    """`SHOW CONTINUOUS QUERIES`."""


@node
class ShowDatabases(Statement):
    """`SHOW DATABASES`."""


@node
class ShowDiagnostics(Statement):
    """`SHOW DIAGNOSTICS [FOR 'module']`."""

    module: str = ""


@node
class ShowFieldKeys(Statement):
    """`SHOW FIELD KEYS …`."""

    database: str = ""
    sources: tuple[Source, ...] = ()
    sort_fields: tuple[SortField, ...] = ()
    limit: int = 0
    offset: int = 0


@node
class ShowGrants(Statement):
    """`SHOW GRANTS FOR user`."""

    user: str


@node
class ShowMeasurements(Statement):
    """`SHOW MEASUREMENTS …`; `source` is what WITH MEASUREMENT names, a name or a regular expression."""

    database: str = ""
    source: Measurement | None = None
    condition: Expression | None = None
    sort_fields: tuple[SortField, ...] = ()
    limit: int = 0
    offset: int = 0


@node
class ShowQueries(Statement):
    """`SHOW QUERIES`."""


@node
class ShowRetentionPolicies(Statement):
    """`SHOW RETENTION POLICIES [ON database]`."""

    database: str = ""


@node
class ShowSeries(Statement):
    """`SHOW SERIES …`."""

    database: str = ""
    sources: tuple[Source, ...] = ()
    condition: Expression | None = None
    sort_fields: tuple[SortField, ...] = ()
    limit: int = 0
    offset: int = 0


@node
class ShowShards(Statement):
    """`SHOW SHARDS`."""


@node
class ShowShardGroups(Statement):
    """`SHOW SHARD GROUPS`."""


@node
class ShowStats(Statement):
    """`SHOW STATS [FOR 'module']`."""

    module: str = ""


@node
class ShowSubscriptions(Statement):
    """`SHOW SUBSCRIPTIONS`."""


@node
class ShowTagKeys(Statement):
    """`SHOW TAG KEYS …`."""

    database: str = ""
    sources: tuple[Source, ...] = ()
    condition: Expression | None = None
    sort_fields: tuple[SortField, ...] = ()
    limit: int = 0
    offset: int = 0
    slimit: int = 0
    soffset: int = 0


@node
class TagKeyFilter(AstNode):
    """`KEY = name`, `KEY != name`, `KEY IN (…)` (all in `names`), `KEY =~ /…/` or `KEY !~ /…/` (in `regex`)."""

    operator: Literal["=", "!=", "=~", "!~", "IN"]
    names: tuple[str, ...] = ()
    regex: RegexLiteral | None = None


@node
class ShowTagValues(Statement):
    """`SHOW TAG VALUES … WITH KEY …`."""

    keys: TagKeyFilter
    database: str = ""
    sources: tuple[Source, ...] = ()
    condition: Expression | None = None
    sort_fields: tuple[SortField, ...] = ()
    limit: int = 0
    offset: int = 0


@node
class ShowUsers(Statement):
    """`SHOW USERS`."""


@node
class ShowCardinality(Statement):
    """What `SHOW … [EXACT] CARDINALITY` statements have in common. Never made itself."""

    exact: bool = False
    database: str = ""
    sources: tuple[Source, ...] = ()
    condition: Expression | None = None
    dimensions: tuple[Dimension, ...] = ()
    limit: int = 0
    offset: int = 0


@node
class ShowFieldKeyCardinality(ShowCardinality):
    """`SHOW FIELD KEY [EXACT] CARDINALITY …`."""


@node
class ShowMeasurementCardinality(ShowCardinality):
    """`SHOW MEASUREMENT [EXACT] CARDINALITY …`."""


@node
class ShowSeriesCardinality(ShowCardinality):
    """`SHOW SERIES [EXACT] CARDINALITY …`."""


@node
class ShowTagKeyCardinality(ShowCardinality):
    """`SHOW TAG KEY [EXACT] CARDINALITY …`."""


@node
class ShowTagValuesCardinality(ShowCardinality):
    """`SHOW TAG VALUES [EXACT] CARDINALITY … WITH KEY …`."""

    keys: TagKeyFilter = TagKeyFilter("IN")
