"""Golden plan files: a statement, its graph, and what one rule makes of it (tests/optimizer/rules/*.plan).

    # why this case is here
    rule partial_aggregate  shards=2 after=projection rows=1000000
    SELECT count(value) FROM cpu
    ---- before
    …
    ---- after
    …                       or:  ---- unchanged

`shards` is over how many the data is spread, `after` names rules that are applied first, `rows` is what a scan is
estimated at. `pytest --update-golden` rewrites the blocks; the diff is what gets reviewed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from influxish import influxql
from influxish.compiler.link import link
from influxish.compiler.select import compile_select
from influxish.database import Database
from influxish.influxql import ast
from influxish.optimizer.driver import optimize
from influxish.optimizer.rule import Facts
from influxish.optimizer.rules import RULES
from influxish.plan.render import to_text

NOW = 1_700_000_000_000_000_000
WEEK = 7 * 86_400


@dataclass
class PlanCase:
    """One statement, one rule, and the texts of the graph on both sides of it."""

    comment: list[str]
    settings: dict[str, str]
    statement: str
    before: str = ""
    after: str = ""
    changed: bool = True
    lines: list[str] = field(default_factory=list)

    @property
    def rule(self) -> str:
        return self.settings["rule"]

    def text(self) -> str:
        settings = " ".join(f"{key}={value}" for key, value in self.settings.items() if key != "rule")
        head = [*self.comment, f"rule {self.rule}{'  ' + settings if settings else ''}", self.statement]
        if not self.changed:
            return "\n".join([*head, "---- unchanged", self.before])
        return "\n".join([*head, "---- before", self.before, "---- after", self.after])


def read_cases(path: Path) -> list[PlanCase]:
    """The cases of a plan file, separated by lines that hold `====`."""
    return [_read(block.strip().splitlines()) for block in path.read_text().split("\n====\n")]


def _read(lines: list[str]) -> PlanCase:
    comment = [line for line in lines if line.startswith("#")]
    rest = lines[len(comment) :]
    words = rest[0].split()
    settings = {"rule": words[1], **dict(word.split("=", 1) for word in words[2:])}
    marks = [i for i, line in enumerate(rest) if line.startswith("---- ")]
    statement = "\n".join(rest[1 : marks[0]] if marks else rest[1:])
    blocks = {
        rest[mark][5:]: "\n".join(rest[mark + 1 : stop])
        for mark, stop in zip(marks, [*marks[1:], len(rest)], strict=False)
    }
    if "unchanged" in blocks:
        return PlanCase(comment, settings, statement, blocks["unchanged"], changed=False)
    return PlanCase(comment, settings, statement, blocks.get("before", ""), blocks.get("after", ""))


def carry_out(case: PlanCase, db: Database) -> PlanCase:
    """The case with the graphs that the code makes now."""
    shards = int(case.settings.get("shards", "1"))
    db.create_database("demo")
    lines = []
    for i in range(shards):
        time = (1_600_000_000 + i * WEEK) * 10**9
        lines.append(f"cpu,host=a,region=eu value=1,idle=2,steps=3i {time}")
        lines.append(f"cpu,host=b,region=us value=2,idle=1,steps=4i {time}")
        lines.append(f"mem,host=a used=1 {time}")
    db.write(lines, database="demo")
    (select,) = influxql.parse(case.statement)
    assert isinstance(select, ast.Select)
    linked = link(compile_select(select, now=NOW), db.engine, "demo")
    graph = linked.graph
    rows = int(case.settings.get("rows", "10"))
    facts = Facts(rows=lambda scan: rows, workers=2)
    first = [name for name in case.settings.get("after", "").split(",") if name]
    optimize(graph, facts, rules=[rule for rule in RULES if rule.name in first])
    before = to_text(graph)
    fired = optimize(graph, facts, rules=[rule for rule in RULES if rule.name == case.rule])
    return PlanCase(case.comment, case.settings, case.statement, before, to_text(graph), bool(fired))
