"""Refusals of sales by what their till says: its receipt numbers."""

from dataclasses import dataclass
from uuid import UUID

from app.domain.errors import Refusal


@dataclass(frozen=True, slots=True)
class ReceiptTaken(Refusal):
    """Another sale of the store, till and business day has the number: `movement_id`."""

    receipt_no: str
    movement_id: UUID


@dataclass(frozen=True, slots=True)
class UnknownTill(Refusal):
    asked: str
