"""Passwords as they are kept: never themselves, only what scrypt makes of them and a salt.

The form is that of PHC strings, `$scrypt$ln=14,r=8,p=5$salt$hash`, so that the cost may rise and old ones stay good.
Source of the cost: OWASP Password Storage Cheat Sheet (2024): N = 2**14, r = 8, p = 5, which takes 16 MiB.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from dataclasses import dataclass

from influxish.errors import StorageError

_SALT_BYTES, _HASH_BYTES = 16, 32
_MAX_MEMORY = 1 << 28
_FORM = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)\Z")


@dataclass(frozen=True, slots=True)
class _Cost:
    """Of scrypt: the logarithm of N, and r and p."""

    log_n: int = 14
    r: int = 8
    p: int = 5

    def hash(self, password: str, salt: bytes) -> bytes:
        encoded = password.encode("utf-8", "surrogatepass")
        size = {"n": 1 << self.log_n, "r": self.r, "p": self.p}
        return hashlib.scrypt(encoded, salt=salt, dklen=_HASH_BYTES, maxmem=_MAX_MEMORY, **size)


def hash_password(password: str) -> str:
    """What to keep of a password, with a new salt. Takes some tenths of a second, on purpose."""
    cost, salt = _Cost(), os.urandom(_SALT_BYTES)
    return f"$scrypt$ln={cost.log_n},r={cost.r},p={cost.p}${_text(salt)}${_text(cost.hash(password, salt))}"


def is_password(password: str, kept: str) -> bool:
    """Whether it is the password of which that is kept. Takes as long as `hash_password`.

    Raises:
        StorageError: what is kept is in no form that is known.
    """
    found = _FORM.match(kept)
    if found is None:
        raise StorageError("the password is kept in a form that this version does not know; set it anew")
    log_n, r, p = (int(number) for number in found.groups()[:3])
    salt, expected = (_bytes(text) for text in found.groups()[3:])
    return hmac.compare_digest(_Cost(log_n, r, p).hash(password, salt), expected)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


class VerifiedPasswords:
    """Passwords that were found right, to be known again quickly; each only as a hash with a key that is never kept.

    A server that hears the password with every request asks here first.
    """

    def __init__(self) -> None:
        self._key = os.urandom(hashlib.blake2b.MAX_KEY_SIZE)
        self._found: dict[str, bytes] = {}

    def remember(self, kept: str, password: str) -> None:
        """That it is the password of which that is kept."""
        if len(self._found) >= 1000:
            self._found.clear()
        self._found[kept] = self._hash(kept, password)

    def knows(self, kept: str, password: str) -> bool:
        """Whether that was found before."""
        return hmac.compare_digest(self._found.get(kept, b""), self._hash(kept, password))

    def _hash(self, kept: str, password: str) -> bytes:
        encoded = password.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(kept.encode() + b"\0" + encoded, key=self._key).digest()
