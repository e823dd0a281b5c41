"""The top of the grammar: what a text may be, and all productions together, where PLY looks for them."""

from __future__ import annotations

from influxish.influxql.grammar import expressions, manage, select, show
from influxish.influxql.grammar.support import Production


def p_query(p: Production) -> None:
    """query : START_STATEMENTS statements
    | START_EXPRESSION expression
    """
    p[0] = p[2]


def p_statements_first(p: Production) -> None:
    """statements : optional_statement"""
    p[0] = [p[1]] if p[1] is not None else []


def p_statements_next(p: Production) -> None:
    """statements : statements SEMICOLON optional_statement"""
    if p[3] is not None:
        p[1].append(p[3])
    p[0] = p[1]


def p_optional_statement(p: Production) -> None:
    """optional_statement :
    | statement
    """
    p[0] = p[1] if len(p) == 2 else None


def p_statement(p: Production) -> None:
    """statement : select
    | explain
    | show
    | create
    | alter
    | drop
    | delete
    | grant
    | revoke
    | set
    | kill
    """
    p[0] = p[1]


START = "query"

PRODUCTIONS = {
    name: function
    for part in (vars(expressions), vars(select), vars(show), vars(manage), globals())
    for name, function in part.items()
    if name.startswith("p_")
}
"""Every production by its name: what PLY builds the tables from, and what it calls."""
