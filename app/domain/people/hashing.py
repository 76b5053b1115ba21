"""Hashes of passwords: Argon2id, computed in two threads."""

import asyncio
from base64 import b64decode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hmac import compare_digest
from secrets import token_bytes
from typing import TypeVar

from argon2 import PasswordHasher

from app.domain.rules.passwords import strong

T = TypeVar("T")

HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
SALT_BYTES = 16

UNKNOWN = (
    "$argon2id$v=19$m=19456,t=2,p=1$HPToZota987ueRaiZ6l/Fg"
    "$2J+SamRwGU41C0x3HGrHWFgB5HoUck36UggAURkK0eI"
)
"""A hash without a password: an unknown login costs as much as a wrong password."""

# Two: hashing must not take every core from those who are signed in.
THREADS = ThreadPoolExecutor(2, thread_name_prefix="password")


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(THREADS, work)


async def hashed(password: str, *known: str, like: str | None = None) -> str:
    """The hash of a new password; `known` are words that a guesser tries first.

    It has the salt of `like`, another hash of the same login (see `matching`), or a new one.
    Raises InvalidText for a password that is short or easy to guess.
    """
    salt = token_bytes(SALT_BYTES) if like is None else _salt(like)
    return await _in_thread(lambda: HASHER.hash(strong(password, *known), salt=salt))


async def matching(password: str, hashes: Sequence[str]) -> list[bool]:
    """Which of these hashes are of the password.

    Accounts of one login share their salt, so one hash is computed however many accounts there
    are, and also when there is none: the time tells nothing about other chains.
    """
    typed = password.encode("utf-8", "replace")

    def work() -> list[bool]:
        salts = {_salt(each) for each in hashes or [UNKNOWN]}
        typed_hashes = [HASHER.hash(typed, salt=salt) for salt in salts]
        return [any(compare_digest(each, own) for own in typed_hashes) for each in hashes]

    return await _in_thread(work)


def _salt(encoded: str) -> bytes:
    """The salt of a hash `$argon2id$version$costs$salt$hash`, which is base64 without padding."""
    text = encoded.split("$")[4]
    return b64decode(text + "=" * (-len(text) % 4))
