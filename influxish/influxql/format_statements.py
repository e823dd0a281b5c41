"""Printers of the statements besides SELECT and EXPLAIN. `format.py` loads them."""

from __future__ import annotations

from influxish.influxql import manage, show
from influxish.influxql.durations import format_duration
from influxish.influxql.node import AstNode
from influxish.influxql.printing import (
    PRINTERS,
    Password,
    Pieces,
    Url,
    clauses,
    printer,
    quote_identifier,
    quote_string,
    separated,
)

_SHOW: dict[type[AstNode], str] = {
    show.ShowContinuousQueries: "CONTINUOUS QUERIES",
    show.ShowDatabases: "DATABASES",
    show.ShowFieldKeys: "FIELD KEYS",
    show.ShowQueries: "QUERIES",
    show.ShowRetentionPolicies: "RETENTION POLICIES",
    show.ShowSeries: "SERIES",
    show.ShowShardGroups: "SHARD GROUPS",
    show.ShowShards: "SHARDS",
    show.ShowSubscriptions: "SUBSCRIPTIONS",
    show.ShowTagKeys: "TAG KEYS",
    show.ShowTagValues: "TAG VALUES",
    show.ShowUsers: "USERS",
    show.ShowFieldKeyCardinality: "FIELD KEY",
    show.ShowMeasurementCardinality: "MEASUREMENT",
    show.ShowSeriesCardinality: "SERIES",
    show.ShowTagKeyCardinality: "TAG KEY",
    show.ShowTagValuesCardinality: "TAG VALUES",
}


def _show(node: AstNode) -> Pieces:
    counted = ""
    if isinstance(node, show.ShowCardinality):
        counted = " EXACT CARDINALITY" if node.exact else " CARDINALITY"
    return ["SHOW ", _SHOW[type(node)], counted, *clauses(node)]


PRINTERS.update(dict.fromkeys(_SHOW, _show))


@printer(show.ShowMeasurements)
def _show_measurements(node: show.ShowMeasurements) -> Pieces:
    pieces: Pieces = ["SHOW MEASUREMENTS"]
    shared = clauses(node)
    if node.database:
        pieces, shared = pieces + shared[:2], shared[2:]
    if node.source:
        pieces += [" WITH MEASUREMENT ", "=~ " if node.source.regex else "= ", node.source]
    return pieces + shared


@printer(show.ShowGrants)
def _show_grants(node: show.ShowGrants) -> Pieces:
    return ["SHOW GRANTS FOR ", quote_identifier(node.user)]


@printer(show.ShowDiagnostics)
def _show_diagnostics(node: show.ShowDiagnostics) -> Pieces:
    return ["SHOW DIAGNOSTICS", f" FOR {quote_string(node.module)}" if node.module else ""]


@printer(show.ShowStats)
def _show_stats(node: show.ShowStats) -> Pieces:
    return ["SHOW STATS", f" FOR {quote_string(node.module)}" if node.module else ""]


@printer(show.TagKeyFilter)
def _tag_key_filter(node: show.TagKeyFilter) -> Pieces:
    if node.operator == "IN":
        return ["KEY IN (", *separated(quote_identifier(name) for name in node.names), ")"]
    return [f"KEY {node.operator} ", node.regex or quote_identifier(node.names[0])]


# --- databases and their parts ------------------------------------------------------------------------------------


@printer(manage.CreateDatabase)
def _create_database(node: manage.CreateDatabase) -> Pieces:
    options = _policy_options(node)
    if node.policy is not None:
        options += f" NAME {quote_identifier(node.policy)}"
    return ["CREATE DATABASE ", quote_identifier(node.name), f" WITH{options}" if options else ""]


def _policy_options(
    node: manage.CreateDatabase | manage.CreateRetentionPolicy | manage.AlterRetentionPolicy,
) -> str:
    text = ""
    if node.duration is not None:
        text += f" DURATION {format_duration(node.duration)}"
    if node.replication is not None:
        text += f" REPLICATION {node.replication}"
    if node.shard_duration is not None:
        text += f" SHARD DURATION {format_duration(node.shard_duration)}"
    return text


@printer(manage.CreateRetentionPolicy)
@printer(manage.AlterRetentionPolicy)
def _retention_policy(node: manage.CreateRetentionPolicy | manage.AlterRetentionPolicy) -> Pieces:
    verb = "CREATE" if isinstance(node, manage.CreateRetentionPolicy) else "ALTER"
    name = f"{quote_identifier(node.name)} ON {quote_identifier(node.database)}"
    return [verb, " RETENTION POLICY ", name, _policy_options(node), " DEFAULT" if node.default else ""]


@printer(manage.CreateContinuousQuery)
def _create_continuous_query(node: manage.CreateContinuousQuery) -> Pieces:
    resample = f" EVERY {format_duration(node.resample_every)}" if node.resample_every else ""
    resample += f" FOR {format_duration(node.resample_for)}" if node.resample_for else ""
    name = f"{quote_identifier(node.name)} ON {quote_identifier(node.database)}"
    return [
        "CREATE CONTINUOUS QUERY ",
        name,
        f" RESAMPLE{resample}" if resample else "",
        " BEGIN ",
        node.select,
        " END",
    ]


@printer(manage.CreateSubscription)
def _create_subscription(node: manage.CreateSubscription) -> Pieces:
    destinations = separated(Url(destination) for destination in node.destinations)
    return ["CREATE SUBSCRIPTION ", _subscription(node), f" DESTINATIONS {node.mode} ", *destinations]


@printer(manage.DropSubscription)
def _drop_subscription(node: manage.DropSubscription) -> Pieces:
    return ["DROP SUBSCRIPTION ", _subscription(node)]


def _subscription(node: manage.CreateSubscription | manage.DropSubscription) -> str:
    policy = f"{quote_identifier(node.database)}.{quote_identifier(node.retention_policy)}"
    return f"{quote_identifier(node.name)} ON {policy}"


@printer(manage.DropContinuousQuery)
def _drop_continuous_query(node: manage.DropContinuousQuery) -> Pieces:
    return ["DROP CONTINUOUS QUERY ", quote_identifier(node.name), " ON ", quote_identifier(node.database)]


@printer(manage.DropRetentionPolicy)
def _drop_retention_policy(node: manage.DropRetentionPolicy) -> Pieces:
    return ["DROP RETENTION POLICY ", quote_identifier(node.name), " ON ", quote_identifier(node.database)]


@printer(manage.DropDatabase)
def _drop_database(node: manage.DropDatabase) -> Pieces:
    return ["DROP DATABASE ", quote_identifier(node.name)]


@printer(manage.DropMeasurement)
def _drop_measurement(node: manage.DropMeasurement) -> Pieces:
    return ["DROP MEASUREMENT ", quote_identifier(node.name)]


@printer(manage.DropSeries)
def _drop_series(node: manage.DropSeries) -> Pieces:
    return ["DROP SERIES", *clauses(node)]


@printer(manage.DropShard)
def _drop_shard(node: manage.DropShard) -> Pieces:
    return [f"DROP SHARD {node.id}"]


@printer(manage.Delete)
def _delete(node: manage.Delete) -> Pieces:
    return ["DELETE", *clauses(node)]


# --- users ----------------------------------------------------------------------------------------------------------


@printer(manage.CreateUser)
def _create_user(node: manage.CreateUser) -> Pieces:
    admin = " WITH ALL PRIVILEGES" if node.admin else ""
    return ["CREATE USER ", quote_identifier(node.name), " WITH PASSWORD ", Password(node.password), admin]


@printer(manage.SetPassword)
def _set_password(node: manage.SetPassword) -> Pieces:
    return ["SET PASSWORD FOR ", quote_identifier(node.user), " = ", Password(node.password)]


@printer(manage.DropUser)
def _drop_user(node: manage.DropUser) -> Pieces:
    return ["DROP USER ", quote_identifier(node.name)]


@printer(manage.Grant)
def _grant(node: manage.Grant) -> Pieces:
    return [f"GRANT {node.privilege} ON {quote_identifier(node.database)} TO {quote_identifier(node.user)}"]


@printer(manage.GrantAdmin)
def _grant_admin(node: manage.GrantAdmin) -> Pieces:
    return ["GRANT ALL PRIVILEGES TO ", quote_identifier(node.user)]


@printer(manage.Revoke)
def _revoke(node: manage.Revoke) -> Pieces:
    return [f"REVOKE {node.privilege} ON {quote_identifier(node.database)} FROM {quote_identifier(node.user)}"]


@printer(manage.RevokeAdmin)
def _revoke_admin(node: manage.RevokeAdmin) -> Pieces:
    return ["REVOKE ALL PRIVILEGES FROM ", quote_identifier(node.user)]


@printer(manage.KillQuery)
def _kill_query(node: manage.KillQuery) -> Pieces:
    return [f"KILL QUERY {node.id}", f" ON {quote_identifier(node.host)}" if node.host else ""]
