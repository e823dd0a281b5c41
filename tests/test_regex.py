"""Regular expressions in RE2's syntax: what they match, what is refused, and that RE2 itself agrees."""

from __future__ import annotations

import re
import time

import pyarrow
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from pyarrow import compute

from influxish.errors import ParseError
from influxish.regex import compile_regex, pattern_tree
from influxish.regex.automaton import Automaton
from influxish.regex.syntax import MAX_NESTING


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("", ["", "a"], []),
        ("a", ["a", "cat"], ["A", ""]),
        ("(?i)server", ["SERVER", "my Server"], ["serve"]),
        ("(?i)a(?-i)b", ["ab", "Ab"], ["aB"]),
        ("a(?i:b)c", ["abc", "aBc"], ["Abc", "abC"]),
        ("^a$", ["a"], ["a\n", "ba", "b\na"]),
        ("(?m)^a$", ["a", "b\na\nc"], ["ab"]),
        ("a.b", ["a-b"], ["a\nb"]),
        ("(?s)a.b", ["a\nb"], ["ab"]),
        (r"\Aa\z", ["a"], ["a\n"]),
        (r"\bfoo\b", ["a foo b", "éfooé"], ["food"]),
        (r"^\d+$", ["0123"], ["٣"]),
        (r"^\w+$", ["aZ_0"], ["é"]),
        (r"^\s$", ["\t", "\n", "\f", "\r", " "], ["\v", "\xa0"]),
        (r"^[^a]$", ["b", "\n"], ["a"]),
        (r"^[]a]+$", ["]a"], ["b"]),
        (r"^[a-]+$", ["a-"], ["b"]),
        (r"^[a&&b]$", ["&", "a", "b"], ["c"]),
        (r"^[\d\-x]+$", ["1-x"], ["y"]),
        (r"^[^\W_]+$", ["aZ0"], ["_", "-"]),
        ("^[[:alpha:]]+$", ["aZ"], ["1"]),
        ("^[[:^digit:][:punct:]]+$", ["a!"], ["1"]),
        (r"^\pL+$", ["aé中"], ["1"]),
        (r"^\p{Greek}+$", ["αΩ"], ["a"]),
        (r"^\P{Lu}+$", ["a1"], ["A"]),
        (r"^\p{^Lu}+$", ["a1"], ["A"]),
        (r"^[\p{Han}x]+$", ["中x"], ["é"]),
        (r"^\x41\x{1F600}\101\n$", ["A😀A\n"], ["A"]),
        (r"^\Qa.b*\E+$", ["a.b*", "a.b**"], ["axb"]),
        ("^a{2,3}$", ["aa", "aaa"], ["a", "aaaa"]),
        ("^a{2}$", ["aa"], ["a"]),
        ("^a{2,}$", ["aa", "aaaa"], ["a"]),
        ("^a{,2}$", ["a{,2}"], ["a"]),
        ("^a{x}$", ["a{x}"], ["a"]),
        ("^a+?b*?c??$", ["aab"], ["b"]),
        ("^(?U)a+$", ["aa"], ["b"]),
        ("^(a|b|)c$", ["ac", "bc", "c"], ["dc"]),
        ("^(?P<name>a)$", ["a"], ["b"]),
        ("^(?P<bob>a+)(?P<bob>b+)$", ["ab"], ["b"]),
        ("^*a", ["a"], ["b"]),
        ("^(web|db)-[0-9]+\\.eu$", ["web-1.eu", "db-22.eu"], ["web-1xeu", "xweb-1.eu"]),
        ("[^\\x00-\\x{10FFFF}]", [], ["", "a"]),
        ("a#b c", ["a#b c"], ["abc"]),
    ],
)
def test_pattern_matches_as_in_re2(pattern: str, matching: list[str], other: list[str]) -> None:
    compiled = compile_regex(pattern)
    assert [text for text in matching if not compiled.search(text)] == []
    assert [text for text in other if compiled.search(text)] == []
    assert [re2_matches(pattern, text) for text in matching + other] == [True] * len(matching) + [False] * len(other)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("[", "missing closing ]: `[`"),
        ("[a", "missing closing ]: `[a`"),
        ("x[a-", "missing closing ]: `[a-`"),
        ("(", "missing closing ): `(`"),
        ("a(b", "missing closing ): `a(b`"),
        (")", "unexpected ): `)`"),
        ("a)b", "unexpected ): `a)b`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("a|+", "missing argument to repetition operator: `+`"),
        ("(?", "missing closing ): `(?`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a+?*", "invalid nested repetition operator: `+?*`"),
        ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{3,2}", "invalid repeat count: `{3,2}`"),
        ("((a{100}){100}){100}", "invalid repeat count: `{100}`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        (r"\p{Nope}", r"invalid character class range: `\p{Nope}`"),
        ("\\", "trailing backslash at end of expression: ``"),
        (r"\1", r"invalid escape sequence: `\1`"),
        (r"(a)\1", r"invalid escape sequence: `\1`"),
        (r"\y", r"invalid escape sequence: `\y`"),
        (r"\Z", r"invalid escape sequence: `\Z`"),
        (r"\x{110000}", r"invalid escape sequence: `\x{110000}`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?!a)", "invalid or unsupported Perl syntax: `(?!`"),
        ("(?<=a)", "invalid or unsupported Perl syntax: `(?<`"),
        ("(?>a)", "invalid or unsupported Perl syntax: `(?>`"),
        ("(?P=a)", "invalid or unsupported Perl syntax: `(?P`"),
        ("(?P<a", "invalid named capture: `(?P<a`"),
        ("(?P<a b>x)", "invalid named capture: `(?P<a b>`"),
    ],
)
def test_invalid_pattern_has_gos_words(pattern: str, problem: str) -> None:
    with pytest.raises(ParseError) as caught:
        compile_regex(pattern)
    assert caught.value.message == f"error parsing regexp: {problem}"
    with pytest.raises(pyarrow.ArrowInvalid):
        re2_matches(pattern, "a")


def test_deeply_nested_pattern_is_refused() -> None:
    assert compile_regex("(" * MAX_NESTING + "a" + ")" * MAX_NESTING).search("a")
    with pytest.raises(ParseError, match="expression nests too deeply"):
        compile_regex("(" * 10_000 + "a" + ")" * 10_000)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a*)*$", "((a+)*)+$", "(a?)+$", "(?:(?:a+)+)+$"])
def test_repetition_of_a_repetition_takes_no_exponential_time(pattern: str) -> None:
    assert compile_regex(pattern).search("a" * 5_000)
    assert not compile_regex("^" + pattern).search("a" * 5_000 + "b")


BOMBS = [
    "(a|a)*$",
    "(a|ab|b)*c",
    "(a+b?)+$",
    "(a+a+)+b",
    "(.*)*x",
    "(a?){30}a{30}c",
    "(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)x",
    ".*.*.*x",
    "a*a*a*a*a*a*c",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(?i)^(A|a|[aA])+$",
    r"^(\w+\s?)*$",
]


@pytest.mark.parametrize("pattern", BOMBS)
@pytest.mark.parametrize("text", ["a" * 40 + "!", "a" * 20_000 + "!", "ab" * 10_000 + "!"], ids=["40", "aa", "abab"])
def test_no_pattern_takes_exponential_time(pattern: str, text: str) -> None:
    compiled = compile_regex(pattern)
    started = time.perf_counter()
    got = compiled.search(text) is not None
    assert time.perf_counter() - started < 5  # backtracking would take years
    assert got == re2_matches(pattern, text)


@pytest.mark.parametrize("pattern", ["cpu", "^web.*", "^(web|db)-[0-9]+\\.eu$", "^a{1,3}b?c+$", "(?i)server[0-9]"])
def test_usual_patterns_are_pythons_own(pattern: str) -> None:
    assert isinstance(compile_regex(pattern), re.Pattern)


def test_a_pattern_too_large_for_an_automaton_is_refused() -> None:
    with pytest.raises(ParseError, match="expression too large"):
        compile_regex(f"(({'ab|' * 100}){{1000}})+")
    assert compile_regex(f"^({'ab|' * 100}c)$").search("ab")


def test_an_automaton_forgets_before_it_grows_too_large() -> None:
    automaton = Automaton(pattern_tree("(.|x)+[^a]{3}$"))
    text = "".join(map(chr, range(0x400, 0x400 + 15_000)))
    assert automaton.search(text)
    assert not automaton.search(text + "a")


def test_compiled_patterns_are_kept() -> None:
    assert compile_regex("^kept$") is compile_regex("^kept$")


def re2_matches(pattern: str, text: str) -> bool:
    """What RE2 itself says (it is part of pyarrow)."""
    (answer,) = compute.match_substring_regex(pyarrow.array([text]), pattern).to_pylist()
    return bool(answer)


PIECES = [
    "a", "b", "A", "1", "é", "K", "-", ".", "^", "$", "|", "(", ")", "(?:", "(?i)", "(?i:", "(?s)", "(?m)", "(?-i)",
    "*", "+", "?", "*?", "{2}", "{1,2}", "{0,}", "{", "}", "[", "]", "[a-b]", "[^a]", "[^", "[[:alpha:]]", "[:alpha:]",
    "\\d", "\\D", "\\w", "\\s", "\\b", "\\B", "\\A", "\\z", "\\.", "\\n", "\\x41", "\\", "\\Q", "\\E", "&&", "#", " ",
]  # fmt: skip


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.text(alphabet="abAB1éÉK\u212aſs-_.\n &#", max_size=8),
)
@example("(?i)k", "\u212a")
@example("(?i)[^k]", "\u212a")
@example("(?i)S", "ſ")
def test_re2_agrees(pattern: str, text: str) -> None:
    assume(text.isascii() or "\\B" not in pattern)  # this RE2 looks between the bytes of a letter, Go's does not
    try:
        expected: bool | None = re2_matches(pattern, text)
    except pyarrow.ArrowInvalid:
        expected = None
    try:
        got: bool | None = compile_regex(pattern).search(text) is not None
    except ParseError:
        got = None
    assert got == expected


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.lists(st.text(alphabet="abAB1éÉK\u212aſs-_.\n &#", max_size=8), min_size=1, max_size=3),
)
@example("(?m)^a$|\\bs\\B", ["b\na", "asa", "s"])
@example("(?i)[^k]|()", ["\u212a", ""])
def test_an_automaton_agrees_with_backtracking(pattern: str, texts: list[str]) -> None:
    try:
        compiled = compile_regex(pattern)
    except ParseError:
        return
    automaton = Automaton(pattern_tree(pattern))
    for text in texts:
        assert bool(automaton.search(text)) == bool(compiled.search(text)), text
