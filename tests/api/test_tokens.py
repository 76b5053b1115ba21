"""Access tokens over HTTP: forged, foreign and malformed tokens are refused."""

import base64
import hmac
import json
import time
from typing import Any
from uuid import uuid4

import jwt
import pytest

from app.domain.people import tokens
from tests.conftest import SECRET
from tests.support.identity import REFRESH, VIEWER, Asking, Chain


def forged(chain: Chain, **changes: Any) -> str:
    """The owner's token as the server issues it, with these claims changed (None: left out).

    Encoded by hand, because PyJWT refuses to create many forged tokens.
    """
    secret = changes.pop("secret", SECRET)
    header = jwt.get_unverified_header(chain.token) | changes.pop("header", {})
    claims = jwt.decode(chain.token, options={"verify_signature": False}) | changes
    signed = b".".join(coded(json.dumps(present(part)).encode()) for part in (header, claims))
    name = str(header["alg"]).replace("RS", "HS")
    return (signed + b"." + coded(signature(name, signed, secret))).decode()


def signature(algorithm: str, signed: bytes, secret: str) -> bytes:
    if algorithm == "none":
        return b""
    return hmac.digest(secret.encode(), signed, f"sha{algorithm[2:]}")


def coded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


ATTACKS: dict[str, dict[str, Any]] = {
    "another secret": {"secret": "x" * 32},
    "no signature": {"header": {"alg": "none"}},
    "another algorithm": {"header": {"alg": "HS512"}},
    "said to be asymmetric": {"header": {"alg": "RS256"}},
    "another audience": {"aud": "kucun.web"},
    "no audience": {"aud": None},
    "another issuer": {"iss": "kucun.evil"},
    "no issuer": {"iss": None},
    "expired": {"exp": int(time.time()) - 1},
    "no expiry": {"exp": None},
    "expiry is a text": {"exp": "never"},
    "expiry beyond floats": {"exp": 10**400},
    "not yet valid": {"nbf": int(time.time()) + 3600},
    "no key id": {"header": {"kid": None}},
    "unknown key id": {"header": {"kid": "../../dev/null"}},
    "key id is a list": {"header": {"kid": ["x"]}},
    "key id deeper than the stack": {"header": {"kid": nested(200)}},
    "critical extension": {"header": {"crit": ["b64"], "b64": False}},
    "nobody's id": {"sub": uuid4().hex},
    "subject is no id": {"sub": "owner"},
    "subject is a number": {"sub": 1},
    "session nobody opened": {"session": uuid4().hex},
    "tenant nobody founded": {"tenant": uuid4().hex},
    "tenant with SQL": {"tenant": "'; drop table staff; --"},
    "no tenant": {"tenant": None},
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_forged_tokens_are_refused(chain: Chain, name: str) -> None:
    assert await chain.asking.code(VIEWER, forged(chain, **ATTACKS[name])) == "UNAUTHENTICATED"


async def test_the_forger_can_forge(chain: Chain) -> None:
    """The unchanged token is accepted, so each attack is refused because of its change."""
    assert await chain.asking(VIEWER, forged(chain))
    assert await chain.asking(VIEWER, forged(chain, header={"x": 1}))


async def test_another_tenants_ids_in_ones_own_token(chain: Chain, stranger: Chain) -> None:
    theirs = jwt.decode(stranger.token, options={"verify_signature": False})
    for names in (["sub"], ["tenant"], ["session"], ["tenant", "sub"], ["session", "sub"]):
        token = forged(chain, **{name: theirs[name] for name in names})
        assert await chain.asking.code(VIEWER, token) == "UNAUTHENTICATED", names


@pytest.mark.parametrize(
    "shown",
    ["x", "Bearer", "Basic eDp4", "Bearer a.b.c", "Bearer ...", "é" * 9, "k" * 1024, "k" * 20_000],
    ids=lambda shown: shown[:12] + str(len(shown)),
)
async def test_malformed_tokens_are_refused(asking: Asking, shown: str) -> None:
    headers = {b"authorization": shown.encode()}
    response = await asking.http.post("/graphql", json={"query": VIEWER}, headers=headers)
    assert response.status_code == 200
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_refresh_token_opens_nothing_else(chain: Chain) -> None:
    signed = await chain.asking.sign_in(chain.founded.owner.login)
    assert await chain.asking.code(VIEWER, signed["refreshToken"]) == "UNAUTHENTICATED"
    ended = await chain.asking(REFRESH, shown=signed["accessToken"])
    assert ended["code"] == "SESSION_ENDED"


async def test_a_former_secret_is_good_until_it_is_gone() -> None:
    before, after = tokens.Signer("o" * 32), tokens.Signer("n" * 32, "o" * 32)
    token, _ = before.access(uuid4(), uuid4(), uuid4(), time.time())
    assert after.read(token) == before.read(token)
    with pytest.raises(tokens.Denied):
        tokens.Signer("n" * 32).read(token)
    with pytest.raises(ValueError, match="32 bytes"):
        tokens.Signer("short")
