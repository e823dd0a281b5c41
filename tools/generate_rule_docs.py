"""Write docs/rules.md from the optimizer's rules and their golden files; with --check, fail if the page is stale.

What a rule is for stands in its docstring, what it does in `tests/optimizer/rules/*.plan`; the page puts both together.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the golden files are read by the tests' own reader

from influxish.optimizer.rule import Rule  # noqa: E402
from influxish.optimizer.rules import RULES  # noqa: E402
from tests.optimizer.planfile import PlanCase, read_cases  # noqa: E402

PAGE = ROOT / "docs" / "rules.md"
GOLDEN = ROOT / "tests" / "optimizer" / "rules"
COMMAND = "python tools/generate_rule_docs.py"

INTRODUCTION = f"""\
# Rules of the optimizer

Written by `{COMMAND}` from `influxish/optimizer/rules/` and the golden files of its tests; edit those, not this page.

The optimizer tries the rules in this order, again and again, until none finds anything to do. `EXPLAIN` names those
that fired. Any rule can be left out, and the answer stays the same:

- in Python: `db.query(text, database=…, disable=["projection"])`; `"all"` leaves out every rule
- on the command line: `--disable projection`, as often as needed

Graphs are drawn with the root first. `#1` marks a node that has several readers.
"""


def render() -> str:
    """The whole page."""
    contents = "\n".join(f"- [{rule.name}](#{rule.name})" for rule in RULES)
    return "\n".join([INTRODUCTION, f"{contents}\n", *map(section, RULES)])


def section(rule: Rule) -> str:
    """What a rule does and why, and its golden cases."""
    parts = [f"## {rule.name}\n", reason(rule)]
    for case in read_cases(GOLDEN / f"{rule.name}.plan"):
        parts.append(example(case))
    return "\n".join(parts)


def reason(rule: Rule) -> str:
    """The docstring: its paragraphs, and `Why:` and the like as a list."""
    lines: list[str] = []
    for line in rule.reason.splitlines():
        if line.startswith(("Why:", "Legal when:", "Stops because:")):
            word, _, rest = line.partition(":")
            lines.append(f"- *{word.lower()}*:{rest}")
        elif line.startswith(" ") and lines:
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def example(case: PlanCase) -> str:
    """One golden case as a reader sees it."""
    said = " ".join(line.removeprefix("#").strip() for line in case.comment)
    parts = [f"**{said}**\n", f"```sql\n{case.statement}\n```\n"]
    facts = []
    if int(case.settings.get("rows", "10")) > 10:
        facts.append(f"a scan is estimated at {int(case.settings['rows']):,} rows")
    if "after" in case.settings:
        facts.append(f"after {case.settings['after'].replace(',', ', ')}")
    given = f" ({'; '.join(facts)})" if facts else ""
    if not case.changed:
        return "\n".join([*parts, f"stays as it is{given}:\n", f"```\n{case.before}\n```\n"])
    return "\n".join([*parts, f"before{given}:\n", f"```\n{case.before}\n```\n", f"after:\n\n```\n{case.after}\n```\n"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is stale")
    page = render()
    if not parser.parse_args().check:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page:
        return 0
    print(f"{PAGE.name} is not what the rules and their golden files say: run `{COMMAND}`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
