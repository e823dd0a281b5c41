"""Write docs/functions.md from the registry; with --check, fail if the file is not what would be written.

The page says nothing that a declaration does not say, so a function cannot be added without being documented.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from influxish.functions import (
    FUNCTIONS,
    AggregateFunction,
    Function,
    GroupFunction,
    MathFunction,
    SelectorFunction,
    Stamp,
    WalkFunction,
)
from influxish.functions.registry import BUCKET, REQUIRED, Parameter
from influxish.influxql.durations import format_duration
from influxish.types import FIELD_TYPES, NUMERIC, DataType

PAGE = Path(__file__).resolve().parent.parent / "docs" / "functions.md"
COMMAND = "python tools/generate_function_docs.py"

KINDS: dict[type[Function], tuple[str, str]] = {
    AggregateFunction: ("Aggregates", "Computed from all values of a group and time bucket; one row each."),
    SelectorFunction: ("Selectors", "One or some of the points of a group and time bucket."),
    WalkFunction: (
        "Transformations",
        "Along the points of a group in the order of the answer, or along the buckets of an aggregate.",
    ),
    MathFunction: ("Maths", "Value by value. A missing value stays missing; outside the domain the result is null."),
}
STAMPS = {
    Stamp.BUCKET: "start of the bucket; without `GROUP BY time` the lower time bound, or epoch 0",
    Stamp.POINT_ALONE: "time of the point if it is the only call and there is no `GROUP BY time`; else as an aggregate",
    Stamp.POINT: "time of the point, always",
}
OF_AGGREGATES = {
    "may": "with `GROUP BY time`",
    "must": "always, with `GROUP BY time`",
    "never": "no; with `GROUP BY time` one row for each bucket",
}
TYPE_ORDER = (DataType.FLOAT, DataType.INTEGER, DataType.UNSIGNED, DataType.STRING, DataType.BOOLEAN)


def render() -> str:
    """The whole page."""
    parts = [
        "# Functions\n",
        f"Written by `{COMMAND}` from the declarations in `influxish/functions/`; edit those, not this page.\n",
        "*numeric* means float, integer and unsigned. NaN, which only arithmetic can make, is printed as null. Values "
        "that a point lacks are never seen by a function.\n",
    ]
    for kind, (title, introduction) in KINDS.items():
        parts.append(f"## {title}\n\n{introduction}\n")
        parts += [section(function) for function in FUNCTIONS.values() if isinstance(function, kind)]
    return "\n".join(parts)


def section(function: Function) -> str:
    """Heading, sentence and facts of one function."""
    facts = [f"takes: {types(function.takes)}", f"returns: {returned(function)}"]
    for parameter in function.parameters:
        allowed = types(parameter.types | ({DataType.INTEGER} if DataType.FLOAT in parameter.types else set()))
        least = "" if parameter.minimum is None else f", at least {parameter.minimum}"
        least = ", positive" if parameter.types == {DataType.DURATION} else least
        default = "" if parameter.default is REQUIRED else f"; {default_of(parameter)} when left out"
        facts.append(f"`{parameter.name}`: {allowed}{least}{default}")
    if isinstance(function, WalkFunction):
        facts.append(f"of an aggregate: {OF_AGGREGATES[function.of_aggregates]}")
        if function.looks_back:
            facts.append("one bucket before the time range is read as well")
    if isinstance(function, GroupFunction):
        facts.append(f"time: {STAMPS[function.stamp]}")
        facts.append(f"empty bucket: {empty_bucket(function)}")
        facts.append(f"computed in the shards: {'yes' if function.pushdown else 'no, the rows are gathered first'}")
    lines = "\n".join(f"- {fact}" for fact in facts)
    return f"### `{signature(function)}`\n\n{function.summary}\n\n{lines}\n"


def default_of(parameter: Parameter) -> str:
    """A default in words."""
    if parameter.default is BUCKET:
        return "1s, or the width of a bucket,"
    if parameter.types == {DataType.DURATION}:
        return format_duration(parameter.default)
    if parameter.name == "hold_period":
        return "as many as it takes to be warm"
    return str(parameter.default)


def signature(function: Function) -> str:
    """How a call is written."""
    if "(" in function.name:  # the compiler's name of a nested call is how it is written
        return function.name.replace(")", "(field))")
    arguments = ["field"]
    if isinstance(function, MathFunction):
        arguments = ["x", "y"][: function.arguments[1]]
    if isinstance(function, SelectorFunction) and function.takes_keys:
        arguments.append("[tag, …]")
    arguments += [parameter.name for parameter in function.parameters]
    return f"{function.name}({', '.join(arguments)})"


def types(chosen: frozenset[DataType] | set[DataType]) -> str:
    """A set of types in words."""
    if chosen >= FIELD_TYPES:
        return "every type"
    words = [type.value for type in (*TYPE_ORDER, DataType.DURATION) if type in chosen]
    if chosen >= NUMERIC:
        words = ["numeric", *(type.value for type in TYPE_ORDER if type in chosen - NUMERIC)]
    return ", ".join(words)


def returned(function: Function) -> str:
    """The result type, said once if it is always the same."""
    results = {type: function.returns(type) for type in function.takes}
    if all(result is type for type, result in results.items()):
        return "the type of its argument"
    if len(set(results.values())) == 1:
        return next(iter(results.values())).value
    return ", ".join(f"{results[type].value} for {type.value}" for type in TYPE_ORDER if type in results)


def empty_bucket(function: GroupFunction) -> str:
    """What stands in a bucket without points."""
    if not function.fillable:
        return "no row, whatever `fill()` says"
    return f"{'null' if function.empty is None else function.empty}, or as `fill()` says"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is stale")
    page = render()
    if not parser.parse_args().check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page:
        return 0
    print(f"{PAGE.name} is not what the registry says: run `{COMMAND}`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
