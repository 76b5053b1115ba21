"""Argon2id of the password that the tests' people have, computed once: thousands sign in."""

from functools import cache

from argon2 import PasswordHasher

from app.domain.people import hashing
from tests.support.identity import PASSWORD

TRUE = hashing.HASHER
SALT = b"16 bytes of salt"


@cache
def known() -> str:
    return TRUE.hash(PASSWORD, salt=SALT)


class Remembering(PasswordHasher):
    """The true hasher; accounts with the tests' password have one salt, so one hash."""

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        own = password in (PASSWORD, PASSWORD.encode())
        return known() if own else TRUE.hash(password, salt=salt)


def remember() -> None:
    """Keep the hash of the tests' password in this process; all others are computed each time."""
    hashing.HASHER = Remembering()
