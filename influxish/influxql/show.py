"""The SHOW statements of InfluxQL, which tell what there is. They follow the rules of `ast.py`.

In all of them `database` is "" without ON, and limits are 0 when absent.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from influxish.influxql.ast import Dimension, Expression, Measurement, RegexLiteral, SortField, Source, Statement
from influxish.influxql.node import AstNode, node

# --- what several have in common; never made themselves ------------------------------------------------------------


@node
class Paged(Statement):
    """A list of what a database has, and which page of it is wanted."""

    database: str = ""
    limit: int = 0
    offset: int = 0


@node
class PagedSeries(Paged):
    """A list of something that series have, and which series are meant."""

    sources: tuple[Source, ...] = ()
    condition: Expression | None = None


# --- the statements ------------------------------------------------------------------------------------------------


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
class ShowFieldKeys(Paged):
    """`SHOW FIELD KEYS …`."""

    sources: tuple[Source, ...] = ()
    sort_fields: tuple[SortField, ...] = ()


@node
class ShowGrants(Statement):
    """`SHOW GRANTS FOR user`."""

    user: str


@node
class ShowMeasurements(Paged):
    """`SHOW MEASUREMENTS …`; `source` is what WITH MEASUREMENT names, a name or a regular expression."""

    source: Measurement | None = None
    condition: Expression | None = None
    sort_fields: tuple[SortField, ...] = ()


@node
class ShowQueries(Statement):
    """`SHOW QUERIES`."""


@node
class ShowRetentionPolicies(Statement):
    """`SHOW RETENTION POLICIES [ON database]`."""

    database: str = ""


@node
class ShowSeries(PagedSeries):
    """`SHOW SERIES …`."""

    sort_fields: tuple[SortField, ...] = ()


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
class ShowTagKeys(PagedSeries):
    """`SHOW TAG KEYS …`."""

    sort_fields: tuple[SortField, ...] = ()
    slimit: int = 0
    soffset: int = 0


@node
class TagKeyFilter(AstNode):
    """`KEY = name`, `KEY != name`, `KEY IN (…)` (all in `names`), `KEY =~ /…/` or `KEY !~ /…/` (in `regex`)."""

    operator: Literal["=", "!=", "=~", "!~", "IN"]
    names: tuple[str, ...] = ()
    regex: RegexLiteral | None = None


@node
class ShowTagValues(PagedSeries):
    """`SHOW TAG VALUES … WITH KEY …`."""

    keys: TagKeyFilter = field(kw_only=True)
    sort_fields: tuple[SortField, ...] = ()


@node
class ShowUsers(Statement):
    """`SHOW USERS`."""


@node
class ShowCardinality(PagedSeries):
    """What `SHOW … [EXACT] CARDINALITY` statements have in common. Never made itself."""

    exact: bool = False
    dimensions: tuple[Dimension, ...] = ()


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

    keys: TagKeyFilter = field(kw_only=True)
