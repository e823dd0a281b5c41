"""From a statement's tree to a graph: compile (no storage needed), then link (names looked up, shards found)."""
