"""One key, one effect: the claim every document makes before it writes (I5)."""

import hashlib
from typing import Any, cast
from uuid import UUID

import orjson

from app.db import claims
from app.db.core.unit import Unit
from app.domain.errors import KeyReused, Refused


async def claim(
    unit: Unit, claimant: UUID, key: UUID, result_id: UUID, *request: Any
) -> UUID | None:
    """Claims the key for the row `result_id`; the earlier row's id when the key was used before.

    `claimant` is whom the key belongs to (`Viewer.claimant`): a retry by another member of staff
    or another API key is the same request. `request` is the whole input, cleaned, beginning with
    the name of the use case. Claims come before any other lock. Raises Refused(KeyReused) when
    the key belongs to another request.
    """
    fingerprint = fingerprint_of(*request)
    earlier = await claims.claimed(unit, claimant, key, fingerprint, result_id)
    if earlier is None:
        return None
    if earlier.fingerprint != fingerprint:
        raise Refused(KeyReused(key))
    return earlier.result_id


def fingerprint_of(*parts: Any) -> bytes:
    """SHA-256 over the parts: equal for equal inputs, and only for those."""
    return hashlib.sha256(orjson.dumps(parts, default=_json)).digest()


def _json(part: object) -> object:
    return list(cast(tuple[object, ...], part)) if isinstance(part, tuple) else str(part)
