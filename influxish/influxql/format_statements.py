"""Printers of the statements besides SELECT and EXPLAIN. `format.py` loads them."""

from __future__ import annotations

from influxish.influxql import statements as nodes
from influxish.influxql.durations import format_duration
from influxish.influxql.node import AstNode
from influxish.influxql.printing import (
    PRINTERS,
    Password,
    Pieces,
    clauses,
    printer,
    quote_identifier,
    quote_string,
    separated,
)

_SHOW: dict[type[AstNode], str] = {
    nodes.ShowContinuousQueries: "CONTINUOUS QUERIES",
    nodes.ShowDatabases: "DATABASES",
    nodes.ShowFieldKeys: "FIELD KEYS",
    nodes.ShowQueries: "QUERIES",
    nodes.ShowRetentionPolicies: "RETENTION POLICIES",
    nodes.ShowSeries: "SERIES",
    nodes.ShowShardGroups: "SHARD GROUPS",
    nodes.ShowShards: "SHARDS",
    nodes.ShowSubscriptions: "SUBSCRIPTIONS",
    nodes.ShowTagKeys: "TAG KEYS",
    nodes.ShowTagValues: "TAG VALUES",
    nodes.ShowUsers: "USERS",
    nodes.ShowFieldKeyCardinality: "FIELD KEY",
    nodes.ShowMeasurementCardinality: "MEASUREMENT",
    nodes.ShowSeriesCardinality: "SERIES",
    nodes.ShowTagKeyCardinality: "TAG KEY",
    nodes.ShowTagValuesCardinality: "TAG VALUES",
}


def _show(node: AstNode) -> Pieces:
    counted = ""
    if isinstance(node, nodes.ShowCardinality):
        counted = " EXACT CARDINALITY" if node.exact else " CARDINALITY"
    return ["SHOW ", _SHOW[type(node)], counted, *clauses(node)]


PRINTERS.update(dict.fromkeys(_SHOW, _show))


@printer(nodes.ShowMeasurements)
def _show_measurements(node: nodes.ShowMeasurements) -> Pieces:
    pieces: Pieces = ["SHOW MEASUREMENTS"]
    shared = clauses(node)
    if node.database:
        pieces, shared = pieces + shared[:2], shared[2:]
    if node.source:
        pieces += [" WITH MEASUREMENT ", "=~ " if node.source.regex else "= ", node.source]
    return pieces + shared


@printer(nodes.ShowGrants)
def _show_grants(node: nodes.ShowGrants) -> Pieces:
    return ["SHOW GRANTS FOR ", quote_identifier(node.user)]


@printer(nodes.ShowDiagnostics)
def _show_diagnostics(node: nodes.ShowDiagnostics) -> Pieces:
    return ["SHOW DIAGNOSTICS", f" FOR {quote_string(node.module)}" if node.module else ""]


@printer(nodes.ShowStats)
def _show_stats(node: nodes.ShowStats) -> Pieces:
    return ["SHOW STATS", f" FOR {quote_string(node.module)}" if node.module else ""]


@printer(nodes.TagKeyFilter)
def _tag_key_filter(node: nodes.TagKeyFilter) -> Pieces:
    if node.operator == "IN":
        return ["KEY IN (", *separated(quote_identifier(name) for name in node.names), ")"]
    return [f"KEY {node.operator} ", node.regex or quote_identifier(node.names[0])]


# --- databases and their parts ------------------------------------------------------------------------------------


@printer(nodes.CreateDatabase)
def _create_database(node: nodes.CreateDatabase) -> Pieces:
    options = _policy_options(node)
    if node.policy is not None:
        options += f" NAME {quote_identifier(node.policy)}"
    return ["CREATE DATABASE ", quote_identifier(node.name), f" WITH{options}" if options else ""]


def _policy_options(
    node: nodes.CreateDatabase | nodes.CreateRetentionPolicy | nodes.AlterRetentionPolicy,
) -> str:
    text = ""
    if node.duration is not None:
        text += f" DURATION {format_duration(node.duration)}"
    if node.replication is not None:
        text += f" REPLICATION {node.replication}"
    if node.shard_duration is not None:
        text += f" SHARD DURATION {format_duration(node.shard_duration)}"
    return text


@printer(nodes.CreateRetentionPolicy)
@printer(nodes.AlterRetentionPolicy)
def _retention_policy(node: nodes.CreateRetentionPolicy | nodes.AlterRetentionPolicy) -> Pieces:
    verb = "CREATE" if isinstance(node, nodes.CreateRetentionPolicy) else "ALTER"
    name = f"{quote_identifier(node.name)} ON {quote_identifier(node.database)}"
    return [verb, " RETENTION POLICY ", name, _policy_options(node), " DEFAULT" if node.default else ""]


@printer(nodes.CreateContinuousQuery)
def _create_continuous_query(node: nodes.CreateContinuousQuery) -> Pieces:
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


@printer(nodes.CreateSubscription)
def _create_subscription(node: nodes.CreateSubscription) -> Pieces:
    destinations = separated(quote_string(destination) for destination in node.destinations)
    return ["CREATE SUBSCRIPTION ", _subscription(node), f" DESTINATIONS {node.mode} ", *destinations]


@printer(nodes.DropSubscription)
def _drop_subscription(node: nodes.DropSubscription) -> Pieces:
    return ["DROP SUBSCRIPTION ", _subscription(node)]


def _subscription(node: nodes.CreateSubscription | nodes.DropSubscription) -> str:
    policy = f"{quote_identifier(node.database)}.{quote_identifier(node.retention_policy)}"
    return f"{quote_identifier(node.name)} ON {policy}"


@printer(nodes.DropContinuousQuery)
def _drop_continuous_query(node: nodes.DropContinuousQuery) -> Pieces:
    return ["DROP CONTINUOUS QUERY ", quote_identifier(node.name), " ON ", quote_identifier(node.database)]


@printer(nodes.DropRetentionPolicy)
def _drop_retention_policy(node: nodes.DropRetentionPolicy) -> Pieces:
    return ["DROP RETENTION POLICY ", quote_identifier(node.name), " ON ", quote_identifier(node.database)]


@printer(nodes.DropDatabase)
def _drop_database(node: nodes.DropDatabase) -> Pieces:
    return ["DROP DATABASE ", quote_identifier(node.name)]


@printer(nodes.DropMeasurement)
def _drop_measurement(node: nodes.DropMeasurement) -> Pieces:
    return ["DROP MEASUREMENT ", quote_identifier(node.name)]


@printer(nodes.DropSeries)
def _drop_series(node: nodes.DropSeries) -> Pieces:
    return ["DROP SERIES", *clauses(node)]


@printer(nodes.DropShard)
def _drop_shard(node: nodes.DropShard) -> Pieces:
    return [f"DROP SHARD {node.id}"]


@printer(nodes.Delete)
def _delete(node: nodes.Delete) -> Pieces:
    source: Pieces = [" FROM ", node.source] if node.source else []
    return ["DELETE", *source, *clauses(node)]


# --- users ----------------------------------------------------------------------------------------------------------


@printer(nodes.CreateUser)
def _create_user(node: nodes.CreateUser) -> Pieces:
    admin = " WITH ALL PRIVILEGES" if node.admin else ""
    return ["CREATE USER ", quote_identifier(node.name), " WITH PASSWORD ", Password(node.password), admin]


@printer(nodes.SetPassword)
def _set_password(node: nodes.SetPassword) -> Pieces:
    return ["SET PASSWORD FOR ", quote_identifier(node.user), " = ", Password(node.password)]


@printer(nodes.DropUser)
def _drop_user(node: nodes.DropUser) -> Pieces:
    return ["DROP USER ", quote_identifier(node.name)]


@printer(nodes.Grant)
def _grant(node: nodes.Grant) -> Pieces:
    return [f"GRANT {node.privilege} ON {quote_identifier(node.database)} TO {quote_identifier(node.user)}"]


@printer(nodes.GrantAdmin)
def _grant_admin(node: nodes.GrantAdmin) -> Pieces:
    return ["GRANT ALL PRIVILEGES TO ", quote_identifier(node.user)]


@printer(nodes.Revoke)
def _revoke(node: nodes.Revoke) -> Pieces:
    return [f"REVOKE {node.privilege} ON {quote_identifier(node.database)} FROM {quote_identifier(node.user)}"]


@printer(nodes.RevokeAdmin)
def _revoke_admin(node: nodes.RevokeAdmin) -> Pieces:
    return ["REVOKE ALL PRIVILEGES FROM ", quote_identifier(node.user)]


@printer(nodes.KillQuery)
def _kill_query(node: nodes.KillQuery) -> Pieces:
    return [f"KILL QUERY {node.id}", f" ON {quote_identifier(node.host)}" if node.host else ""]
