"""The named character classes of RE2, as ranges of code points: Perl's, POSIX's, and Unicode's categories and scripts.

Categories come from Python's Unicode database. It has no scripts, so the common ones are listed here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

Ranges = tuple[tuple[int, int], ...]
"""(first, last) code points, both within."""

MAX_CHARACTER: Final = 0x10FFFF


def complement(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """All characters outside the ranges.

    >>> complement([(0, 9), (20, 0x10FFFF)])
    ((10, 19),)
    """
    outside = []
    start = 0
    for low, high in sorted(ranges):
        if start < low:
            outside.append((start, low - 1))
        start = max(start, high + 1)
    if start <= MAX_CHARACTER:
        outside.append((start, MAX_CHARACTER))
    return tuple(outside)


def _ranges(*parts: str) -> Ranges:
    return tuple((ord(part[0]), ord(part[-1])) for part in parts)


_DIGIT = _ranges("09")
_SPACE = _ranges("\t\n", "\f\r", " ")  # RE2's \s leaves out the vertical tab
_WORD = _ranges("09", "AZ", "_", "az")

PERL_CLASSES: Final[dict[str, Ranges]] = {
    "d": _DIGIT,
    "D": complement(_DIGIT),
    "s": _SPACE,
    "S": complement(_SPACE),
    "w": _WORD,
    "W": complement(_WORD),
}

POSIX_CLASSES: Final[dict[str, Ranges]] = {
    "alnum": _ranges("09", "AZ", "az"),
    "alpha": _ranges("AZ", "az"),
    "ascii": ((0, 0x7F),),
    "blank": _ranges("\t", " "),
    "cntrl": ((0, 0x1F), (0x7F, 0x7F)),
    "digit": _DIGIT,
    "graph": _ranges("!~"),
    "lower": _ranges("az"),
    "print": _ranges(" ~"),
    "punct": _ranges("!/", ":@", "[`", "{~"),
    "space": _ranges("\t\r", " "),
    "upper": _ranges("AZ"),
    "word": _WORD,
    "xdigit": _ranges("09", "AF", "af"),
}

# From the Unicode Character Database, Scripts.txt.
_SCRIPTS: Final = {
    "Latin": "41-5a 61-7a aa ba c0-d6 d8-f6 f8-2b8 2e0-2e4 1d00-1d25 1d2c-1d5c 1d62-1d65 1d6b-1d77 1d79-1dbe "
    "1e00-1eff 2071 207f 2090-209c 212a-212b 2132 214e 2160-2188 2c60-2c7f a722-a787 a78b-a7ca a7f2-a7ff "
    "ab30-ab5a ab5c-ab64 fb00-fb06 ff21-ff3a ff41-ff5a",
    "Greek": "370-373 375-377 37a-37d 37f 384 386 388-38a 38c 38e-3a1 3a3-3e1 3f0-3ff 1d26-1d2a 1d5d-1d61 "
    "1d66-1d6a 1dbf 1f00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 "
    "1fb6-1fc4 1fc6-1fd3 1fd6-1fdb 1fdd-1fef 1ff2-1ff4 1ff6-1ffe 2126 ab65",
    "Cyrillic": "400-484 487-52f 1c80-1c88 1d2b 1d78 2de0-2dff a640-a69f fe2e-fe2f",
    "Armenian": "531-556 559-58a 58d-58f fb13-fb17",
    "Hebrew": "591-5c7 5d0-5ea 5ef-5f4 fb1d-fb36 fb38-fb3c fb3e fb40-fb41 fb43-fb44 fb46-fb4f",
    "Arabic": "600-604 606-60b 60d-61a 61c-61e 620-63f 641-64a 656-66f 671-6dc 6de-6ff 750-77f 8a0-8b4 8b6-8c7 "
    "8d3-8e1 8e3-8ff fb50-fbc1 fbd3-fd3d fd50-fd8f fd92-fdc7 fdf0-fdfd fe70-fe74 fe76-fefc",
    "Devanagari": "900-950 955-963 966-97f a8e0-a8ff",
    "Thai": "e01-e3a e40-e5b",
    "Hangul": "1100-11ff 302e-302f 3131-318e 3200-321e 3260-327e a960-a97c ac00-d7a3 d7b0-d7c6 d7cb-d7fb ffa0-ffbe "
    "ffc2-ffc7 ffca-ffcf ffd2-ffd7 ffda-ffdc",
    "Hiragana": "3041-3096 309d-309f 1b001-1b11e 1f200",
    "Katakana": "30a1-30fa 30fd-30ff 31f0-31ff 32d0-32fe 3300-3357 ff66-ff6f ff71-ff9d 1b000",
    "Han": "2e80-2e99 2e9b-2ef3 2f00-2fd5 3005 3007 3021-3029 3038-303b 3400-4dbf 4e00-9ffc f900-fa6d fa70-fad9 "
    "20000-2a6dd 2a700-2b734 2b740-2b81d 2b820-2cea1 2ceb0-2ebe0 2f800-2fa1d 30000-3134a",
}


@lru_cache(maxsize=64)
def unicode_class(name: str) -> Ranges | None:
    """The characters of a general category (`L`, `Lu`), a script (`Greek`), or `Any`; None if the name is unknown.

    The first use of a category looks at every code point, some 0.1 s.
    """
    if name == "Any":
        return ((0, MAX_CHARACTER),)
    if name in _SCRIPTS:
        bounds = [part.split("-") for part in _SCRIPTS[name].split()]
        return tuple((int(bound[0], 16), int(bound[-1], 16)) for bound in bounds)
    if len(name) not in (1, 2) or name in ("Cn", "LC"):  # not categories in RE2
        return None
    category = unicodedata.category
    ranges: list[tuple[int, int]] = []
    start = -1
    for code in range(MAX_CHARACTER + 2):
        within = code <= MAX_CHARACTER and category(chr(code)).startswith(name) and category(chr(code)) != "Cn"
        if within and start < 0:
            start = code
        elif not within and start >= 0:
            ranges.append((start, code - 1))
            start = -1
    return tuple(ranges) or None
