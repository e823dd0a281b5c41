"""Seeded questions about the schema: every SHOW statement that has an answer of its own, with all its clauses."""

# ruff: noqa: E501  lists of fragments are read along the line

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from tests.differential.data import START, TAG_KEYS, TAG_VALUES, WEEK, Scene
from tests.differential.questions import Question

Choice = TypeVar("Choice")

NAMES = ("m", "n", '"wide name"', "mixed", "old", "nothing")
KEYS = ("h", "r", "k", "nosuch", '"_name"', '"_tagKey"')
PATTERNS = ("a", "^a$", "a|b", ".*", ".+", "^$", "(?i)A", "[xy]", "web\\s", "ü", "^(a|x)$", "m", "^h", "zz", "^[^a]")

OTHER_POLICY = 'CREATE RETENTION POLICY "other" ON {database} DURATION INF REPLICATION 1 SHARD DURATION 52w'
"""Some of the points are written to it, too."""


@dataclass
class ShowQuestions:
    """Draws questions about the schema of a scene."""

    scene: Scene
    random: Random
    features: list[str] = field(default_factory=list)

    def draw(self) -> Question:
        """The next question."""
        self.features = []
        kind = self._pick(
            {
                "MEASUREMENTS": 14, "SERIES": 14, "TAG KEYS": 14, "TAG VALUES": 16, "FIELD KEYS": 9, "RETENTION POLICIES": 2,
                "SHARDS": 1, "SHARD GROUPS": 1, "DATABASES": 0.5, "STATS": 0.5, "SERIES CARDINALITY": 7, "MEASUREMENT CARDINALITY": 6,
                "TAG KEY CARDINALITY": 6, "TAG VALUES CARDINALITY": 7, "FIELD KEY CARDINALITY": 5,
            }
        )  # fmt: skip
        self._note(f"show:{kind}")
        return Question(" ".join(filter(None, self._statement(kind))), tuple(dict.fromkeys(self.features)))

    def _statement(self, kind: str) -> list[str]:
        match kind:
            case "MEASUREMENTS":
                return ["SHOW MEASUREMENTS", self._on(), self._with_measurement(), self._where(), *self._page()]
            case "SERIES" | "TAG KEYS":
                where = self._where()
                page = [*self._page(), *(self._series_page() if kind == "TAG KEYS" else [])]
                limited = any(text.startswith("LIMIT") and text != "LIMIT 0" for text in page)
                if kind == "SERIES" and "time" in where and not limited:
                    page = []  # OFFSET without LIMIT: docs/differences.md
                return ["SHOW", kind, self._on(), self._from(), where, *page]
            case "TAG VALUES":
                return ["SHOW TAG VALUES", self._on(), self._from(), self._with_key(), self._where(), *self._page()]
            case "FIELD KEYS":
                return ["SHOW FIELD KEYS", self._on(), self._from(), *self._limits()]
            case "RETENTION POLICIES":
                return ["SHOW RETENTION POLICIES", self._on()]
            case "STATS":
                return ["SHOW STATS FOR 'database'"]
            case "SHARDS" | "SHARD GROUPS" | "DATABASES":
                return ["SHOW", kind]
        head, _, _ = kind.rpartition(" ")
        exact = " EXACT" if self._chance(0.7) else ""
        self._note("exact" if exact else "not exact")
        key = self._with_key() if kind.startswith("TAG VALUES") else ""
        words = [f"SHOW {head}{exact} CARDINALITY", self._on(), self._from(0.5), key, self._where(0.4)]
        return [*words, self._group_by(), *self._limits()]

    def _on(self) -> str:
        if not self._chance(0.2):
            return ""
        self._note("clause:ON")
        return f"ON {self._pick({'d': 8, 'nodb': 1})}"

    def _from(self, odds: float = 0.6) -> str:
        if not self._chance(odds):
            return ""
        sources = [self._source() for _ in range(self._pick({1: 7, 2: 2, 3: 1}))]
        self._note("from:several" if len(sources) > 1 else "from:one")
        return f"FROM {', '.join(sources)}"

    def _source(self) -> str:
        kind = self._pick({"name": 10, "regex": 5, "policy": 2, "database": 1, "missing": 0.5})
        self._note(f"from:{kind}")
        name = self.random.choice((*NAMES, "/^m/", "/./"))
        match kind:
            case "regex":
                return f"/{self.random.choice(('^m$', 'm|n', '.', '(?i)^N', 'nothing', 'o', 'wide name', '^.$'))}/"
            case "policy":
                return f"{self.random.choice(('autogen', 'other'))}.{name}"
            case "database":
                return self.random.choice((f"d.autogen.{name}", f"d..{name}", f"d.other.{name}"))
            case "missing":
                return self.random.choice((f"nodb..{name}", f"norp.{name}", f"d.norp.{name}"))
        return self.random.choice(NAMES)

    def _with_measurement(self) -> str:
        if not self._chance(0.35):
            return ""
        self._note("clause:WITH MEASUREMENT")
        if self._chance(0.5):
            return f"WITH MEASUREMENT =~ /{self.random.choice(PATTERNS)}/"
        return f"WITH MEASUREMENT = {self.random.choice((*NAMES, 'other.m', 'd.autogen.n'))}"

    def _with_key(self) -> str:
        key = self.random.choice(("h", "r", "k", "nosuch", '"h"'))
        form = self._pick({"=": 4, "!=": 2, "IN": 3, "=~": 3, "!~": 2})
        self._note(f"with key:{form}")
        if form == "IN":
            return f"WITH KEY IN ({', '.join(self.random.sample(TAG_KEYS, self.random.randint(1, 3)))})"
        if form in ("=~", "!~"):
            return f"WITH KEY {form} /{self.random.choice(('h', 'h|k', '^r$', '.', 'zz', '^[^h]'))}/"
        return f"WITH KEY {form} {key}"

    # --- WHERE ---

    def _where(self, odds: float = 0.6) -> str:
        if not self._chance(odds):
            return ""
        terms = [self._condition(0)] if self._chance(0.85) else []
        if not terms or self._chance(0.15):
            terms.append(self._time())
        self.random.shuffle(terms)
        return f"WHERE {' AND '.join(terms)}"

    def _condition(self, depth: int) -> str:
        if depth < 3 and self._chance(0.35):
            operator = self.random.choice(("AND", "OR"))
            self._note(f"where:{operator}")
            text = f"{self._condition(depth + 1)} {operator} {self._condition(depth + 1)}"
            return f"({text})" if self._chance(0.5) else text
        kind = self._pick({"tag": 10, "regex": 6, "name": 1.5, "tags": 0.7, "field": 1, "constant": 0.3, "odd": 1})
        self._note(f"where:{kind}")
        match kind:
            case "tag":
                key = self.random.choice(TAG_KEYS)
                value = self.random.choice((*TAG_VALUES[key], "", "zz"))
                text = f"{key} {self._pick({'=': 6, '!=': 4, '<>': 0.5})} '{value}'"
            case "regex":
                text = f"{self.random.choice(KEYS[:4])} {self.random.choice(('=~', '!~'))} /{self.random.choice(PATTERNS)}/"
            case "name":
                key, value = self.random.choice(
                    (('"_name"', "m"), ('"_name"', "n"), ('"_tagKey"', "h"), ("_name", "mixed"))
                )
                text = f"{key} {self._pick({'=': 3, '!=': 2})} '{value}'"
                if self._chance(0.3):
                    text = f"{key} {self.random.choice(('=~', '!~'))} /{self.random.choice(('m', 'h', '.', 'zz'))}/"
            case "tags":
                text = f"{self.random.choice(KEYS)} {self.random.choice(('=', '!='))} {self.random.choice(KEYS)}"
            case "field":
                text = self.random.choice(("v = 1", "v > 1", "b = true", "i = 3", "nosuch = 1", "v < 2.5"))
            case "constant":
                text = self.random.choice(("true", "false", "1 = 1", "1 = 2", "'a' = 'a'"))
            case _:
                text = self.random.choice(
                    ("h > 'a'", "h = 1", "h", "'a' = h", "1", "h + 1 = 2", "h = true", "v + 1 > 2", "h < 'b'", "(h = 'a')", "'x'",
                     "mean(v) = 1", "h = 1.5", "/a/ = h", "h =~ 'a'", "h::tag = 'a'", "v::field = 1", "h = 10s", "_name = 1", "not h")
                )  # fmt: skip
        return f"({text})" if self._chance(0.08) else text

    def _time(self) -> str:
        self._note("where:time")
        return self.random.choice(
            (
                f"time > {START}", f"time < {START}", "time > '2020-01-02'", "time > now() - 1h", "time < now()", f"time = {START}",
                f"time >= {START + WEEK} AND time < {START + 2 * WEEK}", "time < 0", "time > '2030-01-01'", "time < '1960-01-01'",
                f"time > {START + WEEK}", "time < '2020-01-02' AND time > '2019-12-01'", "time > 'x'", "time != 5", "'2020-01-01' < time",
                "time > '2040-01-01' AND time < '2000-01-01'",
            )
        )  # fmt: skip

    # --- the rest ---

    def _group_by(self) -> str:
        if not self._chance(0.25):
            return ""
        self._note("clause:GROUP BY")
        return f"GROUP BY {self.random.choice(('h', 'r', 'h, r', 'k', '*', '/[hr]/', 'nosuch', 'v', 'h, h', '/h/, k'))}"

    def _page(self) -> list[str]:
        order = []
        if self._chance(0.04):
            self._note("clause:ORDER BY")
            order = [f"ORDER BY {self.random.choice(('ASC', 'DESC', 'time', 'time DESC', 'name', 'key DESC'))}"]
        return [*order, *self._limits()]

    def _limits(self) -> list[str]:
        return self._counts("LIMIT", 0.2, "OFFSET", 0.15)

    def _series_page(self) -> list[str]:
        return self._counts("SLIMIT", 0.1, "SOFFSET", 0.08)

    def _counts(self, first: str, first_odds: float, second: str, second_odds: float) -> list[str]:
        found = []
        for word, odds in ((first, first_odds), (second, second_odds)):
            if self._chance(odds):
                self._note(f"clause:{word}")
                found.append(f"{word} {self._pick({0: 1, 1: 3, 2: 3, 3: 2, 5: 1, 50: 1})}")
        return found

    def _chance(self, odds: float) -> bool:
        return self.random.random() < odds

    def _pick(self, weights: dict[Choice, float]) -> Choice:
        return self.random.choices(list(weights), list(weights.values()))[0]

    def _note(self, *features: str) -> None:
        self.features.extend(features)


def draw_show_questions(scene: Scene, seed: int, count: int) -> Iterator[Question]:
    """The questions of a seed."""
    questions = ShowQuestions(scene, Random(f"show {seed}"))
    for _ in range(count):
        yield questions.draw()
