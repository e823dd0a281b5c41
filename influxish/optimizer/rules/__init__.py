"""One file a rule; the order in which the driver tries them."""

from __future__ import annotations

from influxish.optimizer.rule import Rule
from influxish.optimizer.rules.constant_folding import fold_constants
from influxish.optimizer.rules.limit_pushdown import push_limit
from influxish.optimizer.rules.parallelism import parallelize
from influxish.optimizer.rules.partial_aggregate import aggregate_per_shard
from influxish.optimizer.rules.predicate_pushdown import push_predicate
from influxish.optimizer.rules.projection import project_columns
from influxish.optimizer.rules.shared_subgraphs import share_subgraphs
from influxish.optimizer.rules.unsorted_write import write_unsorted

# Folding first, so that nothing is done for what is never read; sharing before projection, so that calls that read
# different columns still share one scan; scans are cut into parts before aggregates move into the parts.
RULES: tuple[Rule, ...] = (
    Rule("constant_folding", fold_constants),
    Rule("shared_subgraphs", share_subgraphs),
    Rule("predicate_pushdown", push_predicate),
    Rule("projection", project_columns),
    Rule("limit_pushdown", push_limit),
    Rule("unsorted_write", write_unsorted),
    Rule("parallelism", parallelize),
    Rule("partial_aggregate", aggregate_per_shard),
)
