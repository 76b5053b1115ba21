"""One key, one effect: the claim every document makes before it writes (I5)."""

from typing import Any
from uuid import UUID

from app.db import requests
from app.db.unit import Unit
from app.domain.draft import print_of
from app.domain.errors import KeyReused, Refused


async def claim(unit: Unit, actor: UUID, key: UUID, result_id: UUID, *asked: Any) -> UUID | None:
    """Claims the key for the row `result_id`; the earlier row's id when the key was used before.

    `asked` is the whole input, cleaned, beginning with the name of the use case. Claims come
    before any other lock. Raises Refused(KeyReused) when the key belongs to another input.
    """
    fingerprint = print_of(*asked)
    earlier = await requests.claimed(unit, actor, key, fingerprint, result_id)
    if earlier is None:
        return None
    if earlier.fingerprint != fingerprint:
        raise Refused(KeyReused(key))
    return earlier.result_id
