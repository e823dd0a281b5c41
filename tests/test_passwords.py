"""What is kept of a password tells nobody what it is, and knows it again."""

from __future__ import annotations

import pytest

from influxish.errors import StorageError
from influxish.passwords import VerifiedPasswords, hash_password, is_password


def test_a_password_is_known_again_and_no_other_one() -> None:
    kept = hash_password("it's ü 😀")
    assert is_password("it's ü 😀", kept)
    for other in ("", "it's ü", "it's ü 😀 "):
        assert not is_password(other, kept)


def test_what_is_kept_has_a_salt_its_cost_and_not_the_password() -> None:
    first, second = hash_password("secret"), hash_password("secret")
    assert first != second
    assert first.startswith("$scrypt$ln=14,r=8,p=5$")
    assert "secret" not in first


def test_a_password_of_another_cost_is_known_again() -> None:
    # scrypt of RFC 7914, section 12: "pleaseletmein", "SodiumChloride", N = 16384, r = 8, p = 1; its first 32 bytes
    kept = "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI"
    assert is_password("pleaseletmein", kept)
    assert not is_password("pleaseletmeout", kept)
    with pytest.raises(StorageError, match="a form that this version does not know"):
        is_password("x", "$argon2$ln=14,r=8,p=1$YQ$YQ")


def test_a_verified_password_is_remembered_for_what_is_kept_of_it() -> None:
    verified = VerifiedPasswords()
    assert not verified.knows("kept", "secret")
    verified.remember("kept", "secret")
    assert verified.knows("kept", "secret")
    assert not verified.knows("kept", "other")
    assert not verified.knows("kept of another", "secret")
    assert b"secret" not in repr(vars(verified)).encode()
