"""Seeded questions over the whole of InfluxQL: what is written is likely to mean something, now and then it does not.

Each question carries the features it uses, so that a report can say what was asked and what was never.
"""

# ruff: noqa: E501  lists of fragments are read along the line

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar

from tests.differential.data import FIELD_KEYS, HOUR, MINUTE, SECOND, START, TAG_KEYS, TAG_VALUES, WEEK, Scene

NUMBERS, ANY, COLUMNS = ("v", "w", "i", "j"), ("v", "w", "i", "j", "s", "b"), ("v", "w", "i", "s", "b", "h", "r")

AGGREGATES = ("count", "mean", "median", "mode", "spread", "stddev", "sum", "integral")
SELECTORS = ("first", "last", "max", "min")
MATHS = (
    "abs",
    "acos",
    "asin",
    "atan",
    "ceil",
    "cos",
    "exp",
    "floor",
    "ln",
    "log2",
    "log10",
    "round",
    "sin",
    "sqrt",
    "tan",
)
CHANGES = (
    "derivative",
    "non_negative_derivative",
    "difference",
    "non_negative_difference",
    "cumulative_sum",
    "elapsed",
)
AVERAGES = (
    "moving_average",
    "exponential_moving_average",
    "double_exponential_moving_average",
    "triple_exponential_moving_average",
    "triple_exponential_derivative",
    "relative_strength_index",
    "kaufmans_efficiency_ratio",
    "kaufmans_adaptive_moving_average",
    "chande_momentum_oscillator",
)
OF_FLOATS = re.compile(r"w\b|(mean|stddev|integral)\(|(sum|max|min|first|last|median|spread|mode)\(w\b")
"""What is no integer in a scene; `v` can be one of a subquery."""
TOP_IN_BUCKETS = re.compile(r"SELECT (top|bottom)\(.*time\(")
"""A subquery whose rows do not fall in descending order."""
CALLED_ON = re.compile(r"\((?:[vwijsb]\b|\*|/[^/]*/)(?:::\w+)?")
"""The column of a call, behind its bracket."""
FILLED_OR_CUT = re.compile(r"fill\((?!none)|LIMIT")
"""A subquery that fills or cuts its groups."""
SEVERAL = re.compile(r"m, n\b|n, m\b|mixed, m\b|m, /|/m\||/\./|\), ")
"""FROM, where it may be several measurements."""
ZONES = ("America/New_York", "Asia/Kolkata", "Europe/Berlin", "UTC")


Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Question:
    """A statement, the features it uses, the unit its times are asked for in, and values for `$name` in it."""

    text: str
    features: tuple[str, ...]
    epoch: str = ""
    params: Mapping[str, str | float] = field(default_factory=dict)


@dataclass
class Questions:
    """Draws questions about the points of a scene."""

    scene: Scene
    random: Random
    features: list[str] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    """Sources with buckets that a call without buckets reads: docs/differences.md tells of lower bounds around them."""
    several: bool = False
    """What is asked about may be several measurements."""

    def draw(self) -> Question:
        """The next question."""
        self.features, self.whole = [], []
        text = self.select() if self._chance(0.93) else self.show()
        epoch = self.random.choice(("", "", "ns", "ms", "s", "h"))
        params: dict[str, str | float] = {}
        if self._chance(0.03):
            text = self._bound(text, params)
        return Question(text, tuple(dict.fromkeys(self.features)), epoch, params)

    def _bound(self, text: str, params: dict[str, str | float]) -> str:
        """The text with a parameter in the place of a value that is compared, which goes to `params`."""

        def bind(found: re.Match[str]) -> str:
            self._note("bound parameter")
            params["p"] = found[2] if found[2] is not None else float(found[3])
            return f"{found[1]} $p"

        return re.sub(r"\b([vwijhrk] [<>=!]+) (?:'(\w+)'|(\d+\.\d+)\b)", bind, text, count=1)

    # --- SELECT ---

    def select(self, depth: int = 0, inner_names: Sequence[str] = ()) -> str:
        kind = self._pick(
            {
                "raw": 25,
                "aggregate": 30,
                "beside": 9,
                "top": 5,
                "distinct": 3,
                "transform": 20,
                "arithmetic": 12,
                "mode": 2,
                "wrong": 1,
            }
        )
        self._note(f"select:{kind}")
        source, names = self._source(depth)
        self.several = SEVERAL.search(source) is not None
        fields, by_time = self._fields(kind, names, source)
        clauses = [f"SELECT {', '.join(fields)} FROM {source}"]
        clauses += self._middle(names, by_time, source, fields) if kind != "mode" else []
        clauses += self._tail(len(fields), depth, cut=kind != "top", turn=not TOP_IN_BUCKETS.search(source))
        return " ".join(clauses)

    def _source(self, depth: int) -> tuple[str, Sequence[str]]:
        kind = self._pick(
            {
                "m": 50,
                "n": 12,
                "several": 4,
                "regex": 4,
                "qualified": 4,
                "quoted": 3,
                "mixed": 4,
                "old": 4,
                "missing": 1,
                "subquery": 14 if depth < 3 else 0,
                "subqueries": 2 if depth < 2 else 0,
                "beside": 1 if depth < 2 else 0,
            }
        )
        if kind != "m":
            self._note(f"from:{kind}")
        match kind:
            case "several":
                return self.random.choice(("m, n", "n, m", "mixed, m", "m, nothing")), ()
            case "regex":
                return self.random.choice(("/^m$/", "/m|n/", "/./", "/(?i)^N/", "/nothing/", "m, /^n/")), ()
            case "qualified":
                return self.random.choice(
                    ('"d"."autogen"."m"', "d.autogen.n", "d..m", '"autogen".m', 'd."autogen"./^m/')
                ), ()
            case "quoted":
                return '"wide name"', ()
            case "mixed" | "old" | "n":
                return kind, ("v", "i") if kind == "old" else ("v", "f") if kind == "mixed" else ()
            case "missing":
                return self.random.choice(("nothing", "nodb..m", "d.norp.m")), ()
            case "subquery" | "subqueries" | "beside":
                names: list[str] = []
                parts = [self._subquery(depth, names) for _ in range(2 if kind == "subqueries" else 1)]
                if kind == "beside":
                    parts.append("n")
                return ", ".join(parts), names
        return "m", ()

    def _subquery(self, depth: int, names: list[str]) -> str:
        kind = self._pick(
            {"raw": 3, "aggregate": 5, "beside": 1, "top": 1, "distinct": 1, "transform": 3, "arithmetic": 2}
        )
        self._note(f"subquery:{kind}", f"depth:{depth + 1}")
        source, inner = self._source(depth + 1)
        self.several = SEVERAL.search(source) is not None
        fields, by_time = self._fields(kind, inner, source)
        if kind != "beside" and self._chance(0.7) and not any("*" in text for text in fields):
            aliased = [
                f"{text.split(' AS ')[0]} AS {name}"
                for text, name in zip(fields, ("v", "i", "p", "q", "x"), strict=False)
            ]
            fields = aliased
        for text in fields:
            names.append(text.split(" AS ")[-1] if " AS " in text else text.split("(")[0])
        clauses = [f"SELECT {', '.join(fields)} FROM {source}", *self._middle(inner, by_time, source, fields)]
        grouped = [text.removeprefix("GROUP BY") for text in clauses if text.startswith("GROUP BY")]
        by_tags = any(re.sub(r"time\([^)]*\)|[ ,]", "", text) for text in grouped)
        if by_tags:  # docs/differences.md tells of fill() and LIMIT there
            clauses = [text for text in clauses if not text.startswith("fill(") or text == "fill(none)"]
        if by_tags:  # it tells too of parts of rows that are torn apart, where one of several calls has nothing
            kept = fields[:1] if kind == "transform" else fields
            kept = [CALLED_ON.sub("(w", text) for text in kept] if kind in ("aggregate", "arithmetic") else kept
            clauses[0] = f"SELECT {', '.join(kept)} FROM {source}"
        clauses += self._tail(len(fields), depth + 1, cut=kind != "top" and not by_tags)
        return f"({' '.join(clauses)})"

    def _fields(self, kind: str, names: Sequence[str], source: str) -> tuple[list[str], str | None]:
        """The select list, and whether GROUP BY time is allowed ("may"), needed ("must") or wrong (None)."""
        match kind:
            case "raw":
                return self._raw(names), None
            case "aggregate":
                count = self._pick({1: 6, 2: 3, 3: 1, 4: 1})
                return [self._alias(self._aggregate(names)) for _ in range(count)], "may"
            case "beside":
                name = self.random.choice((*SELECTORS, "percentile"))
                self._note(f"function:{name}")
                # Which of tied points is selected shows beside it; and of equal values, which has the rank.
                column = self._untied(names) if name == "percentile" or self.scene.ties else self._number(names)
                call = f"{name}({column}{', 50' if name == 'percentile' else ''})"
                beside = [self._column(names) for _ in range(self.random.randint(1, 2))]
                beside += ["*"] if self._chance(0.05) else []
                return self._shuffled([call, *beside]), "may"
            case "top":
                name, limit = self.random.choice(("top", "bottom")), self.random.randint(1, 5)
                self._note(f"function:{name}")
                keys = [self.random.choice(TAG_KEYS) for _ in range(self._pick({0: 6, 1: 3, 2: 1}))]
                keys = [] if FILLED_OR_CUT.search(source) else keys  # they group the subquery, too
                beside = [self._column(names)] if self._chance(0.3) else []
                return [f"{name}({', '.join([self._number(names), *keys, str(limit)])})", *beside], "may"
            case "distinct":
                self._note("function:distinct")
                return [self.random.choice((f"distinct({self._any(names)})", f"distinct {self._any(names)}"))], "may"
            case "transform":
                return self._transforms(names)
            case "arithmetic":
                return self._arithmetic(names)
            case "mode":  # of all points, most of which have the usual value
                self._note("function:mode")
                return [f"mode({self._any(names)})"], None
        return [self._wrong(names)], "may"

    def _raw(self, names: Sequence[str]) -> list[str]:
        if self._chance(0.12):
            form = self.random.choice(("*", "*::field", "*::tag", "/v|i/", "/^(h|s)$/", "*, v", "/nothing/"))
            self._note("wildcard:fields")
            return [form]
        found = [self._alias(self._cast(self._column(names))) for _ in range(self._pick({1: 6, 2: 4, 3: 2}))]
        if self._chance(0.05):
            self._note("field:time")
            found.insert(self.random.randint(0, len(found)), self.random.choice(("time", "time AS t")))
        return found

    def _aggregate(self, names: Sequence[str]) -> str:
        kind = self._pick({"aggregate": 10, "selector": 7, "percentile": 2, "count distinct": 1, "wildcard": 1})
        match kind:
            case "selector":
                name = self.random.choice(SELECTORS)
                column = self._any(names)
            case "percentile":
                self._note("function:percentile")
                return (
                    f"percentile({self._untied(names)}, {self.random.choice((0, 1, 25, 50, 90, 95.5, 99, 100, 110))})"
                )
            case "count distinct":
                self._note("function:count(distinct)")
                return f"count(distinct({self._any(names)}))"
            case "wildcard":
                name = self.random.choice((*self._steady(AGGREGATES), *SELECTORS))
                self._note("wildcard:call", f"function:{name}")
                return f"{name}({self.random.choice(('*', '/v|i/', '/^[vwb]/', '*::field'))})"
            case _:
                name = self.random.choice(self._steady(AGGREGATES))
                column = self._any(names) if name == "count" or self._chance(0.05) else self._number(names)
                column = self._untied(names) if name == "mode" else column
        self._note(f"function:{name}")
        unit = f", {self._duration()}" if name == "integral" and self._chance(0.5) else ""
        return f"{name}({self._cast(column, 0.03)}{unit})"

    def _transforms(self, names: Sequence[str]) -> tuple[list[str], str | None]:
        nested = self.scene.ties or self._chance(0.55)
        count = self._pick({1: 8, 2: 2})
        calls = []
        for _ in range(count):
            inner = self._inner_aggregate(names) if nested else self._number(names)
            calls.append(self._alias(self._transform(inner, nested)))
        if nested and self._chance(0.1):
            calls.append(self._aggregate(names))
        if self._chance(0.06):
            self._note("nested:twice")
            calls[0] = self._transform(calls[0].split(" AS ")[0], nested)
        return calls, "must" if nested else None

    def _inner_aggregate(self, names: Sequence[str]) -> str:
        names = (
            "mean",
            "sum",
            "max",
            "min",
            "first",
            "last",
            "count",
            "median",
            "spread",
            "integral",
            "mode",
            "stddev",
        )
        name = self.random.choice(self._steady(names))
        self._note(f"nested:{name}", f"function:{name}")
        return f"{name}({self._untied(names) if name == 'mode' else self._number(names)})"

    def _transform(self, inner: str, nested: bool) -> str:
        kind = self._pick({"change": 10, "average": 6, "maths": 4, "holt_winters": 1 if nested else 0})
        match kind:
            case "change":
                name = self.random.choice(CHANGES)
                takes_unit = name in ("derivative", "non_negative_derivative", "elapsed")
                rest = f", {self._duration()}" if takes_unit and self._chance(0.5) else ""
            case "average":
                name = self.random.choice(AVERAGES)
                rest = f", {self.random.randint(2, 5)}"
                if name != "moving_average" and self._chance(0.25):
                    rest += f", {self.random.choice((-1, 0, 1, 3))}"
                    if name not in ("kaufmans_efficiency_ratio", "kaufmans_adaptive_moving_average") and self._chance(
                        0.5
                    ):
                        rest += f", {self.random.choice(('simple', 'exponential', 'none'))!r}"
            case "maths":
                return self._maths(inner)
            case _:
                name = self.random.choice(("holt_winters", "holt_winters_with_fit"))
                rest = f", {self.random.randint(1, 4)}, {self.random.choice((0, 0, 2, 4))}"
        self._note(f"function:{name}")
        return f"{name}({inner}{rest})"

    def _maths(self, inner: str) -> str:
        name = self.random.choice((*MATHS, "pow", "log", "atan2"))
        if name == "abs" and not OF_FLOATS.match(inner):  # 1.6 leaves negative integers as they are
            name = "round"
        self._note(f"function:{name}")
        rest = f", {self.random.choice((2, 3, 0.5, 10))}" if name in ("pow", "log", "atan2") else ""
        return f"{name}({inner}{rest})"

    def _arithmetic(self, names: Sequence[str]) -> tuple[list[str], str | None]:
        called = self._chance(0.5)
        self._note("arithmetic:calls" if called else "arithmetic:columns")
        return [
            self._alias(self._binary(names, called)) for _ in range(self._pick({1: 5, 2: 1}))
        ], "may" if called else None

    def _binary(self, names: Sequence[str], called: bool, depth: int = 0) -> str:
        def side(other_is_number: bool) -> str:
            if depth < 2 and self._chance(0.2):
                return f"({self._binary(names, called, depth + 1)})"
            if not other_is_number and self._chance(0.35):
                return self.random.choice(("1", "2", "0", "2.5", "1.0", "10", "7"))
            if called:
                return self._aggregate(names) if self._chance(0.9) else self._maths(self._inner_aggregate(names))
            return self._any(names) if self._chance(0.1) else self._cast(self._number(names), 0.05)

        operator = self._pick({"+": 5, "-": 5, "*": 5, "/": 5, "%": 3, "&": 1, "|": 1, "^": 1})
        self._note(f"operator:{operator}")
        left = side(False)
        right = side(left.replace(".", "").isdigit())
        if operator == "%" and "stddev(" in left + right:  # a remainder shows its last digits
            operator = "-"
        if self._chance(0.04):
            left = f"-{left}"
        return f"{left} {operator} {right}"

    def _wrong(self, names: Sequence[str]) -> str:
        self._note("error:select")
        if self._chance(0.1):  # clauses in the place of calls
            return self.random.choice(("fill(v, 1)", "tz('UTC')"))
        return self.random.choice(
            (
                "foo(v)", "mean()", "mean(v, v)", "mean(1)", "mean(v + 1)", "percentile(v)", "percentile(v, 'a')", "top(v)",
                "top(v, 0)", "top(v, h)", "top(2, v)", "v, mean(v)", "distinct(v), mean(v)", "distinct()", "distinct(v, i)",
                "derivative(mean(v))", "derivative(v, 5)", "derivative(v, 0s)", "derivative(v, -1s)", "difference(v, 1)",
                "moving_average(v, 1)", "moving_average(v, 1.5)", "moving_average(v)", "elapsed(v, 0s)", "integral(v, 5)",
                "integral(v, 0s)", "cumulative_sum(v, 1)", "sample(v, 0)", "sample(v)", "sample(v, 1.5)", "abs()", "abs(v, v)",
                "pow(v)", "log(v)", "atan2(v)", "holt_winters(v, 1, 1)", "holt_winters(mean(v), 1)", "holt_winters(mean(v), 0, 1)",
                "holt_winters(mean(v), 1, -1)", "holt_winters(mean(v), 1.5, 1)", "max(v), min(v), h", "mean(v), h", "time", "1",
                "'x'", "1 + 2", "mean(mean(v))", "count(max(v))", "count(distinct(v), 1)", "top(v, 1), max(v)", "top(v + 1, 1)",
                "exponential_moving_average(v, 0)", "exponential_moving_average(v, 2, -2)", "exponential_moving_average(v, 2, 1, 'x')",
                "relative_strength_index(v)", "kaufmans_efficiency_ratio(v, 'a')", "chande_momentum_oscillator(v, 2, 1, 2)",
                "mean(s)", "sum(b)", "median(s)", "spread(s)", "stddev(b)", "min(s)", "percentile(s, 50)", "top(s, 1)", "integral(s)",
                "derivative(s)", "difference(b)", "moving_average(s, 2)", "cumulative_sum(s)", "elapsed(s)", "s + 1", "b + 1", "v & 1",
                "b & true", "s + s", "b + b", "abs(s)", "sqrt(b)", "pow(s, 2)", "max(v) AS", "v v", "mean(*) + 1", "* + 1", "v::foo",
                "mean(distinct(v))", "v + mean(v)", "abs(mean(v), 1)", "derivative(derivative(v))", "difference(max(v)), v",
            )
        )  # fmt: skip

    # --- WHERE ---

    def _middle(self, names: Sequence[str], by_time: str | None, source: str, fields: Sequence[str]) -> list[str]:
        """WHERE and GROUP BY."""
        timed = (by_time == "must" and self._chance(0.97)) or (by_time == "may" and self._chance(0.55))
        terms = []
        if by_time and not timed and "(SELECT" in source and re.search(r"\btime\(", source):
            self.whole.append(source)
        if timed or self._chance(0.4):
            terms += self._time_bounds(timed, source)
        offset = len(terms) > 1  # both ends are given
        if self._chance(0.35):
            terms.append(self._condition(names, 0))
        where = " AND ".join(self._shuffled(terms))
        tags = not any("integral(" in text for text in (*fields, source))
        return [*([f"WHERE {where}"] if where else []), *self._group_by(timed, offset=offset, tags=tags)]

    def _time_bounds(self, timed: bool, source: str) -> list[str]:
        """Bounds on time. With buckets both of them, near the points, or there would be millions."""
        scene = self.scene
        kind = "both"
        if not timed:
            kind = self._pick({"both": 8, "lower": 2, "upper": 1, "equal": 0.3, "odd": 1})
        elif source in ("m", "n") and self._chance(0.1):
            kind = "upper"
        if any(text in source for text in self.whole):
            kind = "upper"
        self._note(f"time:{kind}")
        span = scene.stop - scene.start
        low = scene.start + self.random.randint(-span // 4, span // 2)
        high = low + self.random.randint(1, span)
        if not timed and self._chance(0.1):
            low, high = START - WEEK, START + 4 * WEEK
        if source == "old" and self._chance(0.8):
            low, high = -4 * SECOND, 3 * SECOND
        lower = f"time {self.random.choice(('>=', '>'))} {self._moment(low)}"
        upper = f"time {self.random.choice(('<=', '<'))} {self._moment(high)}"
        match kind:
            case "both":
                return [lower, upper]
            case "lower":
                return [lower]
            case "upper":
                return [upper]
            case "equal":
                return [f"time = {self._moment(scene.start + scene.step)}"]
        return [
            self.random.choice(
                (
                    "time > now() - 1h", "time < now()", "time > now()", f"{self._moment(low)} < time", f"(time > {self._moment(low)})",
                    f"time > {self._moment(low)} AND time > {self._moment(high)}", "time != 5", "time > 'x'", "time > '2020-13-01'",
                    "time =~ /a/", "time > 1.5", "time >= -3s AND time < 4s", "time > 0 AND time < 1577836900s", "time < '2020-01-02'",
                    f"(time > {self._moment(low)} OR time < {self._moment(high)})", "time > 9223372036854775806", "time > '2300-01-01'",
                )
            )
        ]  # fmt: skip

    def _moment(self, time: int) -> str:
        time -= time % self.random.choice((1, SECOND, SECOND, SECOND, MINUTE))
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time // SECOND)
        fraction = f".{time % SECOND:09d}" if time % SECOND else ""
        form = self._pick({"rfc3339": 6, "plain": 2, "ns": 2, "s": 2, "ms": 1, "zoned": 1, "sum": 1})
        match form:
            case "plain":
                return f"'{moment:%Y-%m-%d %H:%M:%S}{fraction}'"
            case "ns":
                return str(time)
            case "s" | "ms":
                unit = SECOND if form == "s" else SECOND // 1000
                return f"{time // unit}{form}"
            case "zoned":
                return f"'{moment + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}{fraction}+02:00'"
            case "sum":
                return f"'{moment:%Y-%m-%dT%H:%M:%S}Z' {self.random.choice('+-')} {self._duration()}"
        return f"'{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z'"

    def _condition(self, names: Sequence[str], depth: int) -> str:
        if depth < 2 and self._chance(0.3):
            operator = self.random.choice(("AND", "OR"))
            self._note(f"where:{operator}")
            text = f"{self._condition(names, depth + 1)} {operator} {self._condition(names, depth + 1)}"
            return f"({text})" if depth or self._chance(0.7) else text
        kind = self._pick(
            {
                "tag": 8,
                "tag regex": 4,
                "number": 8,
                "text": 3,
                "boolean": 2,
                "field regex": 1,
                "arithmetic": 2,
                "two": 1,
                "missing": 1,
                "constant": 0.4,
                "wrong": 0.5,
            }
        )
        self._note(f"where:{kind}")
        match kind:
            case "tag":
                key = self.random.choice(TAG_KEYS)
                value = self.random.choice((*TAG_VALUES[key], "", "zz"))
                sides = [key, f"'{value}'"]
                if self._chance(0.1):
                    sides.reverse()
                return f"{sides[0]} {self._pick({'=': 6, '!=': 4, '<': 0.2})} {sides[1]}"
            case "tag regex":
                key = self.random.choice(TAG_KEYS)
                pattern = self.random.choice(
                    ("a", "^a$", "a|b", ".*", ".+", "^$", "(?i)A", "[xy]", "web\\s", "ü", "^(a|x)$")
                )
                return f"{key} {self.random.choice(('=~', '!~'))} /{pattern}/"
            case "number":
                operator = self.random.choice(("=", "!=", "<", "<=", ">", ">="))
                return f"{self._number(names)} {operator} {self.random.choice(('0', '1', '2.5', '-1', '+2', '50', '100.25', '1e3', '9999999'))}"
            case "text":
                return f"s {self.random.choice(('=', '!='))} '{self.random.choice(('a', 'b', '', 'zz'))}'"
            case "boolean":
                return f"b {self.random.choice(('=', '!='))} {self.random.choice(('true', 'false'))}"
            case "field regex":
                return f"s {self.random.choice(('=~', '!~'))} /{self.random.choice(('a', 'it', '^b$', '.'))}/"
            case "arithmetic":
                operator = self.random.choice(("+", "-", "*", "/", "%"))
                return f"{self._number(names)} {operator} {self.random.choice(('2', '1.5', '0'))} {self.random.choice(('<', '>', '='))} {self.random.randint(-5, 60)}"
            case "two":
                return f"{self._number(names)} {self.random.choice(('<', '>', '=', '!='))} {self._number(names)}"
            case "missing":
                return f"nosuch {self.random.choice(('=', '!=', '>'))} {self.random.choice(('1', chr(39) + 'x' + chr(39), chr(39) * 2))}"
            case "constant":
                return self.random.choice(("true", "false", "1 = 1", "1 > 2"))
        return self.random.choice(
            (
                "v = '1'",
                "s > 1",
                "s > 'a'",
                "b = 1",
                "v =~ /1/",
                "h = 1",
                "h > 'a'",
                "v",
                "mean(v) > 1",
                "b < true",
                "s + 1 > 2",
                "h = h",
                "h = r",
                "v = s",
                "i & 1 = 1",
                "h = v",
                "'a' = 'a'",
                "b",
            )
        )

    # --- the rest ---

    def _group_by(self, timed: bool, *, offset: bool, tags: bool) -> list[str]:
        """Args: tags: may be grouped by; docs/differences.md tells of several groups of integral()."""
        dimensions = [self._time_dimension(offset=offset)] if timed else []
        if tags and self._chance(0.4):
            kind = self._pick({"tag": 8, "tags": 2, "*": 2, "regex": 1, "missing": 0.5, "field": 0.5})
            self._note(f"group by:{kind}")
            keys = {"tag": "h", "tags": "h, r", "*": "*", "regex": "/[hr]/", "missing": "nosuch", "field": "v"}
            dimensions.append(self.random.choice(("h", "r", "k")) if kind == "tag" else keys[kind])
        if not dimensions:
            return []
        fill = []
        if self._chance(0.5):
            option = self._pick({"null": 1, "none": 3, "previous": 3, "linear": 3, "0": 2, "2.7": 1, "-1": 1})
            self._note(f"fill:{option}")
            fill = [f"fill({option})"]
        return [f"GROUP BY {', '.join(self._shuffled(dimensions))}", *fill]

    def _time_dimension(self, *, offset: bool) -> str:
        """Args: offset: it may be asked for; from the beginning of time the server counts it wrong."""
        step = self.scene.step
        every = self.random.choice((step, 2 * step, 5 * step, 7 * step, 10 * step, 30 * step))
        text = _duration(every)
        self._note("group by:time")
        if self._chance(0.04):
            text = self.random.choice(("1w", "1d", "7h"))
        if offset and self._chance(0.15):
            self._note("group by:offset")
            return f"time({text}, {self.random.choice(('', '-'))}{_duration(self.random.randint(1, 3 * every // SECOND) * SECOND)})"
        return f"time({text})"

    def _tail(self, fields: int, depth: int, *, cut: bool, turn: bool = True) -> list[str]:
        """Args: cut: LIMIT may be asked for; turn: ORDER BY may be; docs/differences.md tells of top(), too."""
        clauses = []
        if turn and self._chance(0.2 if not depth else 0.02):
            direction = self.random.choice((" DESC", " DESC", " ASC", ""))
            direction += self.random.choice((", v", ", time ASC, v")) if self._chance(0.01) else ""
            self._note("order:DESC" if direction == " DESC" else "order:ASC")
            clauses.append(f"ORDER BY time{direction}")
        # Cut rows tell which of tied ones came first, and with several calls the server cuts each for itself.
        if cut and fields == 1 and not self.scene.ties and self._chance(0.17):
            self._note("clause:LIMIT")
            clauses.append(f"LIMIT {self._pick({1: 3, 2: 3, 5: 2, 50: 1, 0: 0.2})}")
            if clauses[-1] != "LIMIT 0" and self._chance(0.4):
                self._note("clause:OFFSET")
                clauses.append(f"OFFSET {self._pick({0: 1, 1: 3, 2: 3, 5: 2})}")
        for word, odds in (("SLIMIT", 0.06), ("SOFFSET", 0.04)):
            if self._chance(odds):
                self._note(f"clause:{word}")
                clauses.append(f"{word} {self._pick({0: 1, 1: 3, 2: 3, 5: 2, 50: 1})}")
        if self._chance(0.06 if not depth else 0.01):
            self._note("clause:tz")
            clauses.append(f"tz('{self.random.choice(ZONES)}')")
        return clauses

    def _column(self, names: Sequence[str]) -> str:
        if names and self._chance(0.8):
            return self.random.choice(names)
        return self.random.choice(COLUMNS) if self._chance(0.97) else "nosuch"

    def _number(self, names: Sequence[str]) -> str:
        if names and self._chance(0.85):
            return self.random.choice(names)
        return self.random.choice(NUMBERS) if self._chance(0.97) else self.random.choice((*FIELD_KEYS, "h", "nosuch"))

    def _untied(self, names: Sequence[str]) -> str:
        """A number of which hardly two points have the same: of equal ones the server picks by an unstable sort."""
        return self._number(names) if names else "w"

    def _any(self, names: Sequence[str]) -> str:
        if names and self._chance(0.85):
            return self.random.choice(names)
        return self.random.choice(ANY) if self._chance(0.97) else self.random.choice((*FIELD_KEYS, "h", "nosuch"))

    def _steady(self, names: Sequence[str]) -> Sequence[str]:
        """Functions whose answer is not left to chance: integral() goes by the order in which tied points come, and
        answers the last rows of several measurements in any."""
        return [name for name in names if name != "integral" or not (self.scene.ties or self.several)]

    def _cast(self, text: str, odds: float = 0.06) -> str:
        if not self._chance(odds) or not text.isidentifier():
            return text
        self._note("cast")
        return f"{text}::{self.random.choice(('float', 'integer', 'string', 'boolean', 'field', 'tag'))}"

    def _alias(self, text: str) -> str:
        if not self._chance(0.1):
            return text
        self._note("alias")
        return text + " AS " + self.random.choice(("a", "a", '"two words"', "v"))

    def _duration(self) -> str:
        return self.random.choice(("1s", "10s", "1m", "90s", "1h", "500ms", "1u", "1ns"))

    def show(self) -> str:
        text = self.random.choice(list(SHOWS))
        self._note(f"show:{' '.join(text.split()[1:3])}")
        for word, choices in FRAGMENTS.items():
            text = text.replace(word, self.random.choice(choices))
        return " ".join(text.split())

    # --- chance ---

    def _chance(self, odds: float) -> bool:
        return self.random.random() < odds

    def _pick(self, weights: dict[Choice, float]) -> Choice:
        return self.random.choices(list(weights), list(weights.values()))[0]

    def _shuffled(self, items: list[str]) -> list[str]:
        return self.random.sample(items, len(items))

    def _note(self, *features: str) -> None:
        self.features.extend(features)


SHOWS = (
    "SHOW MEASUREMENTS ON {with} {where} {page}",
    "SHOW SERIES {from} {where} {page}",
    "SHOW TAG KEYS {from} {where} {page}",
    "SHOW TAG VALUES {from} {key} {where} {page}",
    "SHOW FIELD KEYS {from} {page}",
    "SHOW RETENTION POLICIES",
    "SHOW SERIES EXACT CARDINALITY {from} {where}",
    "SHOW MEASUREMENT EXACT CARDINALITY {from} {where}",
    "SHOW TAG KEY EXACT CARDINALITY {from} {where}",
    "SHOW TAG VALUES EXACT CARDINALITY {from} {key} {where}",
    "SHOW FIELD KEY EXACT CARDINALITY {from}",
    "SHOW SERIES CARDINALITY",
    "SHOW MEASUREMENT CARDINALITY",
)
FRAGMENTS = {
    "ON {with}": ("", "WITH MEASUREMENT = m", "WITH MEASUREMENT =~ /m|n/", "WITH MEASUREMENT =~ /zz/"),
    "{from}": ("", "", "FROM m", "FROM m, n", "FROM /m/", 'FROM "wide name"', "FROM nothing"),
    "{where}": ("", "", "WHERE h = 'a'", "WHERE h != 'a'", "WHERE h =~ /a|b/ AND r = 'x'", "WHERE r = ''", "WHERE h = 'a' OR r = 'y'"),
    "{key}": ("WITH KEY = h", "WITH KEY IN (h, r)", "WITH KEY =~ /h|k/", "WITH KEY != h", "WITH KEY !~ /h/", "WITH KEY = nosuch"),
    "{page}": ("", "", "", "LIMIT 2", "LIMIT 1 OFFSET 1", "OFFSET 2"),
}  # fmt: skip


def _duration(nanoseconds: int) -> str:
    for unit, size in (("h", HOUR), ("m", MINUTE), ("s", SECOND)):
        if nanoseconds % size == 0:
            return f"{nanoseconds // size}{unit}"
    return f"{nanoseconds}ns"


def draw_questions(scene: Scene, seed: int, count: int) -> Iterator[Question]:
    """The questions of a seed."""
    questions = Questions(scene, Random(f"questions {seed}"))
    for _ in range(count):
        yield questions.draw()
