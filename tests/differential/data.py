"""Seeded points to ask about: several measurements, every type, gaps, missing tags, several shards, ties, extremes."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

SECOND = 1_000_000_000
MINUTE, HOUR, DAY, WEEK = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND, 7 * 86_400 * SECOND

START = 1_577_836_800 * SECOND
"""2020-01-01T00:00:00Z; most points lie in the two hours from here on."""


@dataclass(frozen=True)
class Scene:
    """What is known of the points, for questions to be about something.

    Attributes:
        lines: line protocol, in batches as they are written.
        start, stop: most points lie between, ns.
        step: about how far the points of a series are apart, ns.
        ties: series have points of the same time; where they are merged, the server keeps them in no order of its own.
    """

    lines: tuple[str, ...]
    start: int
    stop: int
    step: int
    ties: bool


MEASUREMENTS = ("m", "n", "wide name", "mixed", "old")
TAG_KEYS = ("h", "r", "k")
FIELD_KEYS = ("v", "w", "i", "j", "s", "b", "f")
TAG_VALUES = {"h": ("a", "b", "c", "web 01", "ü"), "r": ("x", "y", "eu-west"), "k": ("1", "2")}
TEXTS = ("a", "b", "it's", 'say \\"hi\\"', "", "long text, with = and spaces", "ü€😀")


def draw_scene(seed: int) -> Scene:
    """The points of a seed."""
    random = Random(f"scene {seed}")
    step = random.choice((SECOND, 10 * SECOND, 30 * SECOND, MINUTE))
    rows = random.randint(20, 120)
    start, stop = START, START + rows * step
    ties = random.random() < 0.1
    lines = [
        *_regular(random, "m", ("h", "r"), start, stop, step, ties),
        *_regular(random, "n", ("h", "k"), start, stop, 2 * step, ties),
        *_wide(random, start, stop, step),
        *_mixed(random),
        *_old(random),
    ]
    random.shuffle(lines)
    cut = random.randint(0, len(lines))
    again = random.sample(lines, min(5, len(lines)))  # written twice: the last one wins
    return Scene(tuple("\n".join(part) for part in (lines[:cut], lines[cut:], again) if part), start, stop, step, ties)


def _regular(
    random: Random, name: str, keys: tuple[str, ...], start: int, stop: int, step: int, ties: bool
) -> list[str]:
    """Series of numbers and texts, some with gaps, some at odd times, some that lack a tag.

    Numbers are multiples of 1/1024 below 2**33: their sums are exact, so the order in which they are added, which
    nobody promises, shows in no answer. One value of each field is the usual one: of equally frequent values the
    server takes one by a sort that is not stable.
    """
    lines = []
    for number, tags in enumerate(_tag_sets(random, keys)):
        shift = 0 if ties else number * SECOND // 100
        jitter, keep = random.choice((0, 0, 10_000)), random.uniform(0.3, 1)
        level = random.choice((0.0, 50.0, -1000.0, 2.0**32, 1 / 1024))
        counter = random.randint(-5, 1_000_000)
        for time in range(start, stop, step):
            if random.random() > keep:
                continue
            counter += random.choice((0, 1, 7, -3))
            level += random.choice((-2.5, 0.0, 0.125, 1.0, 3.75))
            fields = {
                "v": repr(level) if random.random() < 0.75 else "7.5",
                "w": repr(random.randint(-(2**20), 2**20) / 1024) if random.random() < 0.5 else None,
                "i": f"{counter if random.random() < 0.75 else 42}i",
                "j": f"{random.choice((0, 0, 0, 1, -9, 9007199254740993))}i" if random.random() < 0.4 else None,
                "s": f'"{random.choice((*TEXTS, *TEXTS[:1] * 4))}"' if random.random() < 0.5 else None,
                "b": random.choice(("true", "true", "false")) if random.random() < 0.5 else None,
            }
            kept = {key: text for key, text in fields.items() if text is not None and random.random() < 0.9}
            if kept:
                lines.append(_line(name, tags, kept, time + shift + (random.randint(0, jitter) if jitter else 0)))
    return lines


def _wide(random: Random, start: int, stop: int, step: int) -> list[str]:
    """A measurement whose names need quotes."""
    return [
        _line("wide\\ name", {"h": "a"} if random.random() < 0.5 else {}, {"v": str(random.randint(0, 9))}, time)
        for time in range(start, stop, 5 * step)
    ]


def _mixed(random: Random) -> list[str]:
    """A field that is of another type in every week."""
    forms = ["{}i", "{}.5", '"{}"']
    random.shuffle(forms)
    lines = []
    for week, form in enumerate(forms):
        for number in range(random.randint(1, 5)):
            time = START + week * WEEK + number * HOUR
            lines.append(_line("mixed", {"h": random.choice("ab")}, {"f": form.format(number), "v": "1"}, time))
    return lines


def _old(random: Random) -> list[str]:
    """Points before 1970, and extreme numbers."""
    values = (
        "-1.5", "1e15", "0.1", "-0", "3",
    )  # fmt: skip
    integers = ("9223372036854775807i", "-9223372036854775808i", "0i", "42i")
    return [
        _line("old", {}, {"v": random.choice(values), "i": random.choice(integers)}, -3 * SECOND + n * SECOND // 2)
        for n in range(random.randint(3, 10))
    ]


def _tag_sets(random: Random, keys: tuple[str, ...]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for _ in range(random.randint(1, 6)):
        tags = {key: random.choice(TAG_VALUES[key]) for key in keys if random.random() < 0.8}
        if tags not in found:
            found.append(tags)
    return found


def _line(name: str, tags: dict[str, str], fields: dict[str, str], time: int) -> str:
    key = "".join(f",{tag}={_escaped(value)}" for tag, value in sorted(tags.items()))
    return f"{name}{key} {','.join(f'{field}={text}' for field, text in fields.items())} {time}"


def _escaped(text: str) -> str:
    return text.replace(" ", "\\ ").replace(",", "\\,").replace("=", "\\=")
