"""Apply the rules, in order, again and again, until none of them finds anything to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from influxish.errors import InfluxishError, PlanBug
from influxish.functions.interruption import look
from influxish.optimizer.rule import Facts, Rule
from influxish.optimizer.rules import RULES
from influxish.plan.graph import Graph

MAX_FIRINGS = 100_000
"""No sound set of rules comes near it on a graph that fits memory; a circle of rules does at once."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One rewrite that took place: by which rule, and at which node as it was described before."""

    rule: str
    node: str


def optimize(
    graph: Graph, facts: Facts, *, disable: Collection[str] = (), rules: Sequence[Rule] = RULES
) -> list[Firing]:
    """Rewrite `graph` in place to a fixed point of the rules.

    Args:
        disable: names of rules to leave out; "all" leaves out every rule.
    Returns:
        what fired, in order.
    Raises:
        InfluxishError: a name in `disable` that no rule has.
        PlanBug: a rule broke the graph, or the rules run in a circle.
    """
    check_names(disable)
    active = [] if "all" in disable else [rule for rule in rules if rule.name not in disable]
    trace: list[Firing] = []
    changed = True
    while changed:
        changed = False
        for rule in active:
            changed |= _sweep(graph, rule, facts, trace)
    return trace


def check_names(disable: Collection[str]) -> None:
    """Raise InfluxishError for a name that is no rule's."""
    known = [rule.name for rule in RULES]
    for name in disable:
        if name != "all" and name not in known:
            raise InfluxishError(f"there is no optimizer rule {name!r}; the rules are: {', '.join(known)}, or all")


def _sweep(graph: Graph, rule: Rule, facts: Facts, trace: list[Firing]) -> bool:
    """Show every node to one rule once; whether it fired."""
    facts.memo.clear()
    fired = False
    for node in list(graph.walk()):
        if not node.outputs and node is not graph.root:
            continue  # an earlier firing of this sweep took it out
        look()
        if rule.rewrite(graph, node, facts):
            fired = True
            trace.append(Firing(rule.name, node.describe()))
            if len(trace) > MAX_FIRINGS:
                last = ", ".join(firing.rule for firing in trace[-4:])
                raise PlanBug(f"the rules do not come to an end; the last were {last}\n{graph}")
    if fired:
        graph.check()
    return fired
