"""Texts nobody means well with: the parser answers each with a tree or a ParseError, soon, and with nothing else."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from influxish.errors import ParseError
from influxish.influxql import ast, format_node, parse
from influxish.influxql.lexer import MAX_NESTING
from tests.influxql.cases import read_pairs

MEGABYTE = 1_000_000
SELECT = "SELECT v FROM m WHERE "
CORPUS = [query for name in ("statements.txt", "errors.txt") for query, _ in read_pairs(name)]
robust = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def accepts(text: str) -> bool:
    """Whether the text parses; printing and hashing what came of it must work, too, or printing the error."""
    try:
        statements = parse(text)
    except ParseError as error:
        return not str(error)
    for statement in statements:
        printed = format_node(statement, show_passwords=True)
        assert hash(statement) == hash(parse(printed)[0])
    return True


@robust
@given(st.text(max_size=60))
def test_random_text(text: str) -> None:
    accepts(text)


@robust
@given(st.binary(max_size=60))
def test_random_bytes(data: bytes) -> None:
    accepts(data.decode("latin-1"))


@robust
@given(st.lists(st.sampled_from(sorted({word for query in CORPUS for word in query.split()})), max_size=12))
def test_random_words(words: list[str]) -> None:
    accepts(" ".join(words))


@robust
@given(st.data())
def test_mutations_of_real_queries(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(CORPUS))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, min(len(text), start + 8)))
        insertion = data.draw(st.one_of(st.just(""), st.text(max_size=3), st.sampled_from(["(", "'", '"', "/", "\\"])))
        text = text[:start] + insertion + text[stop:]
    accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        SELECT + "(" * 10_000 + "v" + ")" * 10_000,
        "SELECT " + "f(" * 10_000,
        "SELECT v FROM " + "(SELECT v FROM " * 10_000,
        "SELECT " + "-(" * 10_000,
    ],
    ids=["brackets", "calls", "subqueries", "signs"],
)
def test_deep_nesting_is_refused_in_words(text: str) -> None:
    with pytest.raises(ParseError, match=f"brackets nested deeper than {MAX_NESTING} levels"):
        parse(text)


def test_nesting_up_to_the_limit_is_fine() -> None:
    assert accepts(SELECT + "(" * MAX_NESTING + "v = 1" + ")" * MAX_NESTING)


@pytest.mark.parametrize("operator", ["OR", "AND", "+"])
def test_long_chains_parse_print_and_compare(operator: str) -> None:
    text = SELECT + f" {operator} ".join(f"h{index}" for index in range(10_000))
    first, second = parse(text)[0], parse(text)[0]
    assert first == second
    assert format_node(first) == text
    assert sum(isinstance(node, ast.VarRef) for node in first.walk()) == 10_001
    assert repr(first).startswith("Select(")


@pytest.mark.parametrize(
    ("text", "parses"),
    [
        (SELECT + "h = '" + "x" * MEGABYTE + "'", True),
        (SELECT + "h = '" + "x" * MEGABYTE, False),
        (SELECT + '"' + "\\\\" * (MEGABYTE // 2), False),
        (SELECT + "h =~ /" + "\\" * MEGABYTE, False),
        (SELECT + "h =~ /" + "[" * MEGABYTE, False),
        ("/*" * (MEGABYTE // 2), False),
        ("--" * (MEGABYTE // 2), True),
        ("SELECT v FROM m LIMIT " + "9" * MEGABYTE, True),
        ("SELECT " + "9" * MEGABYTE + " FROM m", False),
        ("SELECT " + "9" * MEGABYTE + ".5 FROM m", False),
        ("SELECT " + "1w" * (MEGABYTE // 2) + " FROM m", False),
        ("SELECT " + "a." * (MEGABYTE // 2), False),
        ("SELECT v FROM m" + "\x00" * MEGABYTE, False),
        (" \t\n" * (MEGABYTE // 3), True),
    ],
)  # fmt: skip
def test_megabyte_texts_are_answered_soon(text: str, parses: bool) -> None:
    started = time.process_time()
    assert accepts(text) is parses
    assert time.process_time() - started < 10


def test_error_about_a_megabyte_does_not_show_a_megabyte() -> None:
    for text in ("SELECT '" + "x" * MEGABYTE, SELECT + "h =~ /" + "(" * 10_000 + "/"):
        with pytest.raises(ParseError) as caught:
            parse(text)
        assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT v\x00 FROM m", r"found \x00, expected FROM at line 1, char 9"),
        ("SELECT é FROM m", "found é, expected identifier, string, number, bool at line 1, char 8"),
        ("SELECT v\xa0FROM m", r"found \xa0, expected FROM at line 1, char 9"),
        ("SELECT v FROM m /* open", "found ILLEGAL, expected ; at line 1, char 17"),
        ("SELECT v FROM m WHERE t > 9223372036854775807w", "overflowed duration 9223372036854775807w: "
         "choose a smaller duration or INF"),
        ("SELECT v FROM m WHERE t > 99999999999999999999s", "invalid duration"),
        ("SELECT v FROM m WHERE t > 1.5h", "found h, expected ; at line 1, char 30"),
    ],
)  # fmt: skip
def test_odd_characters_and_numbers_are_named(text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert caught.value.message == message


def test_parse_works_close_to_the_recursion_limit() -> None:
    text = SELECT + "(" * 100 + "v = 1" + ")" * 100 + " AND h =~ /((a|b)+c)*/"

    def descend(levels: int) -> bool:
        return descend(levels - 1) if levels else accepts(text)

    assert descend(sys.getrecursionlimit() // 2)


def test_threads_parse_at_the_same_time() -> None:
    texts = [f"SELECT mean(v{index}) FROM m WHERE h =~ /x{index}/ LIMIT {index}" for index in range(1, 9)]
    failures: list[str] = []

    def work(text: str) -> None:
        for _ in range(100):
            if format_node(parse(text)[0]) != text:
                failures.append(text)
            try:
                parse(text + " )")
            except ParseError as error:
                if error.query != text + " )" or not error.message.startswith("found ), expected ; at"):
                    failures.append(str(error))

    switch_interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(text,)) for text in texts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch_interval)
    assert failures == []
