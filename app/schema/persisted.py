"""Persisted documents: operations that clients name by the SHA-256 of their text.

The files of `app/operations` are always known, one for each screen of a client. Others are known
once a client has sent their text with their hash, as Apollo's clients do.
"""

from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import Any

from app.domain.errors import Malformed
from app.domain.registered_operations import hash_of

FOLDER = Path(__file__).parent.parent / "operations"
MOST_BYTES = 4 * 1024 * 1024
"""Bytes of all texts that clients sent with their hash."""

NOT_FOUND = "PersistedQueryNotFound"
"""The message by which clients know that they have to send the text as well."""


@cache
def own_documents() -> dict[str, str]:
    """The texts of the files of `app/operations`, by their hash."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.graphql"))]
    return {hash_of(text): text for text in texts}


@cache
def _own_texts() -> frozenset[str]:
    return frozenset(own_documents().values())


def is_own(text: str) -> bool:
    """Whether the text is one of the files of `app/operations`."""
    return text in _own_texts()


class PersistedDocuments:
    """Texts of documents by their hash; those of clients are dropped, the oldest first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._own = own_documents()
        self._sent: OrderedDict[str, str] = OrderedDict()
        self._most_bytes = most_bytes
        self._bytes = 0

    def text(self, name: str, own_only: bool = False) -> str | None:
        """The document with this hash, with `own_only` of the server's own; None if it is not
        known."""
        return self._own.get(name) or (None if own_only else self._sent.get(name))

    def keep(self, name: str, text: str) -> None:
        """Keep a text by its hash. Raises Malformed if it is not the text's hash."""
        if name in self._own or name in self._sent:
            return
        if hash_of(text) != name:
            raise Malformed(
                None,
                "sha256Hash 与 query 不符",
                "sha256Hash is not the SHA-256 of query.",
            )
        self._sent[name] = text
        self._bytes += len(text.encode())
        while self._bytes > self._most_bytes:
            self._bytes -= len(self._sent.popitem(last=False)[1].encode())


def named_document(extensions: Any) -> str | None:
    """The hash in the extensions of a request: `persistedQuery.sha256Hash`."""
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    name = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    return name if isinstance(name, str) else None


def with_name_in_extensions(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a request that has `id` instead of the text, as Apollo's clients write it."""
    name, extensions = body.get("id"), body.get("extensions") or {}
    if not isinstance(name, str) or body.get("query") is not None:
        return body
    if not isinstance(extensions, dict):
        # It is refused like that of any request.
        return body
    persisted = {"sha256Hash": name.removeprefix("sha256:")}
    return {**body, "extensions": {**extensions, "persistedQuery": persisted}}
