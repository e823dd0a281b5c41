"""Productions of the SHOW statements.

Source of the rules: influxdata/influxql, parse_tree.go and the parseShow… functions.
"""

from __future__ import annotations

from typing import Any

from influxish.influxql import show as nodes
from influxish.influxql.ast import Measurement
from influxish.influxql.grammar.select import count_of
from influxish.influxql.grammar.support import Production, span_of
from influxish.influxql.tokens import Lexeme

_CARDINALITIES = {
    "SERIES": nodes.ShowSeriesCardinality,
    "MEASUREMENT": nodes.ShowMeasurementCardinality,
    "FIELD": nodes.ShowFieldKeyCardinality,
    "TAG": nodes.ShowTagKeyCardinality,
}


def p_show_plain(p: Production) -> None:
    """show : SHOW CONTINUOUS QUERIES
    | SHOW DATABASES
    | SHOW QUERIES
    | SHOW SHARDS
    | SHOW SHARD GROUPS
    | SHOW SUBSCRIPTIONS
    | SHOW USERS
    """
    words = " ".join(str(p[index].value) for index in range(2, len(p)))
    p[0] = _PLAIN[words](span=span_of(p))


_PLAIN = {
    "CONTINUOUS QUERIES": nodes.ShowContinuousQueries,
    "DATABASES": nodes.ShowDatabases,
    "QUERIES": nodes.ShowQueries,
    "SHARDS": nodes.ShowShards,
    "SHARD GROUPS": nodes.ShowShardGroups,
    "SUBSCRIPTIONS": nodes.ShowSubscriptions,
    "USERS": nodes.ShowUsers,
}


def p_show_module(p: Production) -> None:
    """show : SHOW STATS for_module
    | SHOW DIAGNOSTICS for_module
    """
    statement = nodes.ShowStats if p[2].value == "STATS" else nodes.ShowDiagnostics
    p[0] = statement(str(p[3].value) if p[3] else "", span=span_of(p))


def p_for_module(p: Production) -> None:
    """for_module :
    | FOR STRING
    """
    p[0] = p[2] if len(p) == 3 else None


def p_show_grants(p: Production) -> None:
    """show : SHOW GRANTS FOR IDENT"""
    p[0] = nodes.ShowGrants(str(p[4].value), span=span_of(p))


def p_show_retention_policies(p: Production) -> None:
    """show : SHOW RETENTION POLICIES on_database"""
    p[0] = nodes.ShowRetentionPolicies(text_of(p[4]), span=span_of(p))


def p_show_measurements(p: Production) -> None:
    """show : SHOW MEASUREMENTS on_database with_measurement where order_by limit offset"""
    page = paged(p[3], p[7], p[8])
    p[0] = nodes.ShowMeasurements(source=p[4], condition=p[5], sort_fields=tuple(p[6]), **page, span=span_of(p))


def p_with_measurement(p: Production) -> None:
    """with_measurement :
    | WITH MEASUREMENT EQ measurement
    | WITH MEASUREMENT EQREGEX measurement
    """
    p[0] = None
    if len(p) == 5:
        source: Measurement = p[4]
        p[0] = source


def p_show_field_keys(p: Production) -> None:
    """show : SHOW FIELD KEYS on_database from_measurements order_by limit offset"""
    page = paged(p[4], p[7], p[8])
    p[0] = nodes.ShowFieldKeys(sources=tuple(p[5]), sort_fields=tuple(p[6]), **page, span=span_of(p))


def p_show_series(p: Production) -> None:
    """show : SHOW SERIES on_database from_measurements where order_by limit offset"""
    page = paged(p[3], p[7], p[8])
    p[0] = nodes.ShowSeries(sources=tuple(p[4]), condition=p[5], sort_fields=tuple(p[6]), **page, span=span_of(p))


def p_show_tag_keys(p: Production) -> None:
    """show : SHOW TAG KEYS on_database from_measurements where order_by limit offset slimit soffset"""
    page = paged(p[4], p[8], p[9])
    p[0] = nodes.ShowTagKeys(
        sources=tuple(p[5]),
        condition=p[6],
        sort_fields=tuple(p[7]),
        slimit=count_of(p[10]),
        soffset=count_of(p[11]),
        **page,
        span=span_of(p),
    )


def p_show_tag_values(p: Production) -> None:
    """show : SHOW TAG VALUES on_database from_measurements with_key where order_by limit offset"""
    page = paged(p[4], p[9], p[10])
    p[0] = nodes.ShowTagValues(
        sources=tuple(p[5]), keys=p[6], condition=p[7], sort_fields=tuple(p[8]), **page, span=span_of(p)
    )


def paged(database: Lexeme | None, limit: Lexeme | None, offset: Lexeme | None) -> Any:
    """The fields of `Paged`, of the optional parts that they come from."""
    return {"database": text_of(database), "limit": count_of(limit), "offset": count_of(offset)}


# --- cardinalities ------------------------------------------------------------------------------------------------


def p_show_cardinality(p: Production) -> None:
    """show : SHOW SERIES cardinality on_database from_measurements where group_by limit offset
    | SHOW MEASUREMENT cardinality on_database from_measurements where group_by limit offset
    | SHOW FIELD KEY cardinality on_database from_measurements where group_by limit offset
    | SHOW TAG KEY cardinality on_database from_measurements where group_by limit offset
    """
    exact, database, sources, condition, dimensions, limit, offset = (p[index] for index in range(len(p) - 7, len(p)))
    p[0] = _CARDINALITIES[str(p[2].value)](
        exact=exact.value == "EXACT",
        sources=tuple(sources),
        condition=condition,
        dimensions=tuple(dimensions),
        **paged(database, limit, offset),
        span=span_of(p),
    )


def p_show_tag_values_cardinality(p: Production) -> None:
    """show : SHOW TAG VALUES cardinality on_database from_measurements with_key where group_by limit offset"""
    p[0] = nodes.ShowTagValuesCardinality(
        exact=p[4].value == "EXACT",
        sources=tuple(p[6]),
        keys=p[7],
        condition=p[8],
        dimensions=tuple(p[9]),
        **paged(p[5], p[10], p[11]),
        span=span_of(p),
    )


def p_cardinality(p: Production) -> None:
    """cardinality : CARDINALITY
    | EXACT CARDINALITY
    """
    p[0] = p[1]


# --- clauses --------------------------------------------------------------------------------------------------------


def p_on_database(p: Production) -> None:
    """on_database :
    | ON IDENT
    """
    p[0] = p[2] if len(p) == 3 else None


def text_of(lexeme: object) -> str:
    """The text of an optional token, "" when it is absent."""
    return str(getattr(lexeme, "value", ""))


def p_from_measurements(p: Production) -> None:
    """from_measurements :
    | FROM measurements
    """
    p[0] = p[2] if len(p) == 3 else []


def p_measurements_first(p: Production) -> None:
    """measurements : measurement"""
    p[0] = [p[1]]


def p_measurements_next(p: Production) -> None:
    """measurements : measurements COMMA measurement"""
    p[1].append(p[3])
    p[0] = p[1]


def p_with_key(p: Production) -> None:
    """with_key : WITH KEY EQ IDENT
    | WITH KEY NEQ IDENT
    """
    operator: str = "=" if p[3].found == "=" else "!="
    p[0] = nodes.TagKeyFilter(operator, (str(p[4].value),), span=span_of(p))  # type: ignore[arg-type]


def p_with_key_regex(p: Production) -> None:
    """with_key : WITH KEY EQREGEX regex
    | WITH KEY NEQREGEX regex
    """
    p[0] = nodes.TagKeyFilter(p[3].found, (), p[4], span=span_of(p))


def p_with_key_in(p: Production) -> None:
    """with_key : WITH KEY IN LPAREN identifiers RPAREN"""
    p[0] = nodes.TagKeyFilter("IN", tuple(str(name.value) for name in p[5]), span=span_of(p))


def p_identifiers_first(p: Production) -> None:
    """identifiers : IDENT"""
    p[0] = [p[1]]


def p_identifiers_next(p: Production) -> None:
    """identifiers : identifiers COMMA IDENT"""
    p[1].append(p[3])
    p[0] = p[1]
