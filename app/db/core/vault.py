"""Sealed columns: values that are encrypted at rest, and found again by a blind index.

A sealed value is AES-256-GCM under a key derived from KUCUN_SECRET, and a blind index is an
HMAC-SHA256. Both begin with the id of their key (`kid`), so that two keys work at the same time.
"""

import hmac
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KID = 4
NONCE = 12


class Unopened(Exception):
    """The value was sealed with a secret that this process does not have, or for another row."""


class Key:
    """The keys of one secret: for values, for indexes, and their id."""

    def __init__(self, secret: str) -> None:
        derived = HKDF(SHA256(), 64 + KID, None, b"kucun sealed columns").derive(secret.encode())
        self.cipher, self.index, self.kid = AESGCM(derived[:32]), derived[32:64], derived[64:]


class Vault:
    """Seals with the current secret, and opens what the former one sealed as well."""

    def __init__(self, secret: str, former: str = "") -> None:
        self._keys = [Key(each) for each in (secret, former) if each]
        self._by_kid = {key.kid: key for key in self._keys}

    @property
    def kid(self) -> bytes:
        """The id of the current key: sealed values and indexes under it begin with these bytes."""
        return self._keys[0].kid

    def seal(self, tenant: UUID, row: UUID, text: str) -> bytes:
        """The text, readable only for this row of this tenant."""
        key, nonce = self._keys[0], os.urandom(NONCE)
        sealed = key.cipher.encrypt(nonce, text.encode(), tenant.bytes + row.bytes)
        return key.kid + nonce + sealed

    def open(self, tenant: UUID, row: UUID, sealed: bytes) -> str:
        """The text of a sealed value. Raises Unopened."""
        key, nonce = self._by_kid.get(sealed[:KID]), sealed[KID : KID + NONCE]
        try:
            if key is None:
                raise Unopened
            opened = key.cipher.decrypt(nonce, sealed[KID + NONCE :], tenant.bytes + row.bytes)
        except (InvalidTag, ValueError):
            raise Unopened from None
        return opened.decode()

    def index(self, tenant: UUID, text: str) -> bytes:
        """The blind index of a text under the current key; it reveals nothing without the
        secret."""
        return self.indexes(tenant, text)[0]

    def indexes(self, tenant: UUID, text: str) -> list[bytes]:
        """The index under every key, the current one first, so that rows of both keys are found."""
        message = tenant.bytes + text.encode()
        return [key.kid + hmac.digest(key.index, message, "sha256") for key in self._keys]
