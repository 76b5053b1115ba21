"""A token that is wrong, expired, revoked or signed out is UNAUTHENTICATED at every root."""

import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_leaf_type,
)
from websockets.exceptions import ConnectionClosed

from app.domain.people.tokens import ACCESS_SECONDS, Signer
from tests.conftest import SECRET
from tests.security.documents import OPERATIONS
from tests.security.world import World
from tests.support.identity import CREATE_KEY, REVOKE_KEY
from tests.support.live import dialled

ROOTS = [(kind, root) for kind, type_ in OPERATIONS.items() for root in type_.fields]
FOR_ALL = {"signIn", "refreshSession", "signInWithWechat", "signInWithDouyin"}
"""They give tokens, so a bad one does not matter to them."""
VALUES = {
    "UUID": str(UUID(int=7, version=4)),
    "Quantity": "1",
    "Money": "1",
    "Revision": "1",
    "Int": 1,
    "Boolean": True,
    "Date": "2026-01-31",
    "DateTime": "2026-01-31T08:00:00+08:00",
    "String": "x",
}


def value_of(type_: Any) -> Any:
    """A value that this input type accepts; optional parts are left out."""
    if isinstance(type_, GraphQLNonNull):
        return value_of(type_.of_type)
    if isinstance(type_, GraphQLList):
        return [value_of(type_.of_type)]
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        return required(type_.fields)
    return VALUES[type_.name]


def required(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value_of(each.type)
        for name, each in fields.items()
        if isinstance(each.type, GraphQLNonNull)
    }


def document(kind: str, root: str) -> tuple[str, dict[str, Any]]:
    field = OPERATIONS[kind].fields[root]
    variables = required(field.args)
    head = ", ".join(f"${name}: {field.args[name].type}" for name in variables)
    call = ", ".join(f"{name}: ${name}" for name in variables)
    below = "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"
    inner = f"{root}{f'({call})' if call else ''} {below}"
    return f"{kind}{f'({head})' if head else ''} {{ {inner} }}", variables


@pytest.fixture(scope="module")
async def bad_tokens(world: World) -> dict[str, str]:
    chain = world.desks[0].chain
    founded = chain.founded
    past = time.time() - ACCESS_SECONDS - 60
    tenant, owner = founded.store.tenant_id, founded.owner.id
    expired, _ = Signer(SECRET).access(tenant, owner, uuid4(), past)
    key = await chain.do(CREATE_KEY, name="revoked", scopes=["STOCK_READ"])
    await chain.do(REVOKE_KEY, apiKeyId=key["apiKey"]["id"])
    _, tokens = await chain.hired()
    signed_out = tokens["accessToken"]
    await chain.asking("mutation { signOut { __typename } }", signed_out)
    unsigned = chain.token[:-4] + ("AAAA" if chain.token[-4:] != "AAAA" else "BBBB")
    forged = {"nonsense": "nonsense", "unsigned": unsigned, "expired": expired}
    return {**forged, "revoked key": key["secret"], "signed out": signed_out}


@pytest.mark.parametrize(("kind", "root"), ROOTS, ids=[root for _, root in ROOTS])
async def test_a_bad_token_is_unauthenticated(
    world: World, bad_tokens: dict[str, str], kind: str, root: str
) -> None:
    text, variables = document(kind, root)
    for name, token in bad_tokens.items():
        headers = {"authorization": f"Bearer {token}"}
        if kind == "subscription":
            headers["accept"] = "text/event-stream"
        body = {"query": text, "variables": variables}
        answer = (await world.asking.http.post("/graphql", json=body, headers=headers)).text
        assert ("UNAUTHENTICATED" in answer) is (root not in FOR_ALL), (name, answer)


async def test_a_socket_with_a_bad_token_is_closed(
    world: World, bad_tokens: dict[str, str]
) -> None:
    for token in bad_tokens.values():
        with pytest.raises(ConnectionClosed) as closed:
            async with dialled(str(world.asking.http.base_url), token):
                raise AssertionError("the socket was acknowledged")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403
