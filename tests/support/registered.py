"""Registered documents: how a chain registers them, and how clients name them."""

from typing import Any
from uuid import uuid4

from app.domain.registered_operations import hash_of
from tests.support.identity import CREATE_KEY, Asking, Chain

OPERATION = "sha256 document forGuests cost registeredBy { name } registeredAt"
REGISTER = f"""
mutation($input: RegisterOperationInput!) {{ registerOperation(input: $input) {{
  ... on RegisteredOperation {{ {OPERATION} }}
  ... on Problem {{ code message }}
  ... on InvalidDocument {{ reasons }} ... on TooManyOperations {{ most }}
}} }}
"""
REMOVE = """
mutation($input: RemoveOperationInput!) { removeOperation(input: $input) {
  ... on RemovedOperation { sha256 } ... on Problem { code message }
} }
"""
LIST = f"""
query($first: Int, $after: String) {{ operations(first: $first, after: $after) {{
  nodes {{ {OPERATION} }} pageInfo {{ hasNextPage endCursor }} totalCount
}} }}
"""
STORES = "query Shops { stores { code } }"


async def register(chain: Chain, text: str, **more: Any) -> Any:
    """The answer of `registerOperation`, as the owner unless `more` has another token."""
    token = more.pop("token", chain.token)
    given = {"key": str(uuid4()), "document": text, **more}
    return await chain.asking(REGISTER, token, input=given)


async def remove(chain: Chain, text: str, **more: Any) -> Any:
    """The answer of `removeOperation`."""
    given = {"key": str(uuid4()), "sha256": hash_of(text), **more}
    return await chain.asking(REMOVE, chain.token, input=given)


async def api_key(chain: Chain, *scopes: str) -> str:
    """The secret of a new API key with these scopes."""
    given = {"key": str(uuid4()), "name": "ERP", "scopes": list(scopes)}
    return (await chain.asking(CREATE_KEY, chain.token, input=given))["secret"]


async def send(asking: Asking, body: dict[str, Any], token: str | None = None, **more: Any) -> Any:
    """The response to a POST; `more` are headers."""
    headers = {"accept-language": "en", **more}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    return await asking.http.post("/graphql", json=body, headers=headers)


async def run(asking: Asking, text: str, token: str | None = None, /, **variables: Any) -> Any:
    """The answer to the document's hash."""
    body = {"id": hash_of(text), "variables": variables}
    return (await send(asking, body, token)).json()
