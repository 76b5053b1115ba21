"""Tokens that identify a client, written and read without the database."""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt

from app.domain.errors import Denied

ALGORITHM = "HS256"
ISSUER = "kucun"
AUDIENCE = "kucun.api"
ACCESS_SECONDS = 15 * 60
LONGEST = 1024
SHORTEST_SECRET = 32

# What reading a forgery may raise: ids and keys that are none, JSON deeper than the stack, and
# numbers beyond floats.
FORGERIES = (ValueError, TypeError, AttributeError, LookupError, RecursionError, OverflowError)

SECRET = "([A-Za-z0-9_-]{43})"
API_KEY = re.compile(rf"kucun_([0-9a-f]{{32}})_([0-9a-f]{{32}})_{SECRET}")
ORDER = re.compile(rf"([0-9a-f]{{32}})\.{SECRET}")
DEVICE = re.compile(rf"([0-9a-f]{{32}})\.([0-9a-f]{{32}})\.([0-9a-f]{{32}})\.{SECRET}")
REFRESH = re.compile(rf"([0-9a-f]{{32}})\.([0-9a-f]{{32}})\.{SECRET}")


@dataclass(frozen=True, slots=True)
class SessionClaim:
    """What an access token says; its signature was good. `expires_at` is Unix time."""

    tenant: UUID
    staff: UUID
    session: UUID
    expires_at: float


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as it is shown: 256 random bits, of which only the hash is kept."""

    tenant: UUID
    id: UUID
    secret: str

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.secret.encode()).digest()

    def __str__(self) -> str:
        return f"kucun_{self.tenant.hex}_{self.id.hex}_{self.secret}"


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token: 256 random bits, of which only the hash is kept."""

    tenant: UUID
    session: UUID
    secret: str

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.secret.encode()).digest()

    def __str__(self) -> str:
        return f"{self.tenant.hex}.{self.session.hex}.{self.secret}"


@dataclass(frozen=True, slots=True)
class DeviceClaim:
    """A device that signed in to the account, with this session; signed by the server."""

    tenant: UUID
    staff: UUID
    session: UUID


def fresh_secret() -> str:
    return secrets.token_urlsafe(32)


def read_refresh(token: str) -> Refresh | None:
    match = REFRESH.fullmatch(token)
    return Refresh(UUID(match[1]), UUID(match[2]), match[3]) if match else None


class Signer:
    """Signs access tokens with one secret, and still reads those the former one signed.

    Raises ValueError for a secret under 32 bytes.
    """

    def __init__(self, secret: str, former: str = "") -> None:
        if min(len(each.encode()) for each in (secret, former or secret)) < SHORTEST_SECRET:
            raise ValueError(f"KUCUN_SECRET: at least {SHORTEST_SECRET} bytes are needed")
        self._current = _key_id(secret)
        self._secrets = {_key_id(each): each.encode() for each in (secret, former) if each}

    def access(self, tenant: UUID, staff: UUID, session: UUID, now: float) -> tuple[str, float]:
        """An access token and when it expires."""
        expires_at = int(now) + ACCESS_SECONDS
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": staff.hex,
            "tenant": tenant.hex,
            "session": session.hex,
            "exp": expires_at,
        }
        secret = self._secrets[self._current]
        token = jwt.encode(claims, secret, ALGORITHM, headers={"kid": self._current})
        return token, float(expires_at)

    def read(self, token: str) -> SessionClaim | ApiKey:
        """What the token claims. Raises Denied when it is malformed, forged or expired.

        An API key's secret is still to be compared: only the database knows its hash.
        """
        if len(token) > LONGEST:
            raise unknown()
        if match := API_KEY.fullmatch(token):
            return ApiKey(UUID(match[1]), UUID(match[2]), match[3])
        try:
            claims = self._verified(token)
            return SessionClaim(
                UUID(claims["tenant"]),
                UUID(claims["sub"]),
                UUID(claims["session"]),
                float(claims["exp"]),
            )
        except jwt.ExpiredSignatureError:
            raise expired() from None
        except (jwt.PyJWTError, *FORGERIES):
            raise unknown() from None

    def _verified(self, token: str) -> dict[str, Any]:
        # The header chooses among our own secrets and nothing else: the algorithm is pinned.
        secret = self._secrets[jwt.get_unverified_header(token)["kid"]]
        return jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": ["iss", "aud", "sub", "exp", "tenant", "session"]},
        )

    def successors(self, shown: Refresh) -> list[Refresh]:
        """The tokens that may follow a refresh token: the same ones at every call.

        The first is under the present secret. They cannot be derived without the secret.
        """
        return [
            Refresh(shown.tenant, shown.session, _derived(self._secrets[each], shown))
            for each in (self._current, *(self._secrets.keys() - {self._current}))
        ]

    def device_token(self, claim: DeviceClaim) -> str:
        """Proof that a device signed in to the account once; it opens nothing by itself."""
        parts = claim.tenant, claim.staff, claim.session
        names = ".".join(each.hex for each in parts)
        return f"{names}.{_sealed(self._secrets[self._current], b'device', *parts)}"

    def read_device(self, token: str) -> DeviceClaim | None:
        """What the token proves; None for one that this server did not make."""
        match = DEVICE.fullmatch(token)
        if match is None:
            return None
        parts = UUID(match[1]), UUID(match[2]), UUID(match[3])
        for secret in self._secrets.values():
            if hmac.compare_digest(_sealed(secret, b"device", *parts), match[4]):
                return DeviceClaim(*parts)
        return None

    def order_token(self, tenant: UUID, order: UUID) -> str:
        """The token that opens an order to its guest; a retry gets the same one."""
        return f"{tenant.hex}.{_sealed(self._secrets[self._current], b'order', tenant, order)}"

    def order_tenant(self, token: str, order: UUID) -> UUID | None:
        """Whose order it is, when the token is this order's; None for any other."""
        match = ORDER.fullmatch(token)
        if match is None:
            return None
        tenant = UUID(match[1])
        for secret in self._secrets.values():
            if hmac.compare_digest(_sealed(secret, b"order", tenant, order), match[2]):
                return tenant
        return None


def _sealed(secret: bytes, purpose: bytes, *ids: UUID) -> str:
    message = purpose + b"\0" + b"".join(each.bytes for each in ids)
    digest = hmac.digest(secret, message, "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _derived(secret: bytes, shown: Refresh) -> str:
    digest = hmac.digest(secret, b"refresh\0" + str(shown).encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _key_id(secret: str) -> str:
    return hashlib.sha256(b"kid\0" + secret.encode()).hexdigest()[:8]


def unknown() -> Denied:
    return Denied(
        "UNAUTHENTICATED", "登录凭证无效，请重新登录", "The token is not valid: sign in again."
    )


def expired() -> Denied:
    return Denied(
        "UNAUTHENTICATED", "登录凭证已过期，请刷新登录", "The token has expired: refresh it."
    )
