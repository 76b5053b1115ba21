"""Refusals: what may be expected to go wrong, as values. The schema shows them as problems."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID


class Refusal:
    """An expected failure. It is returned, never raised; `Refused` carries one out of a unit."""

    __slots__ = ()


class Refused(Exception):
    """Carries one refusal out of a unit of work, which rolls back."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class Malformed(Exception):
    """An argument no client should send; shown as a BAD_INPUT error."""


class Denied(Exception):
    """The caller is unknown (UNAUTHENTICATED) or may not do this (FORBIDDEN)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Shortage:
    """`requested` and `available` are base units of a product whose unit has `scale` of them."""

    product_id: UUID
    requested: int
    available: int
    scale: int


@dataclass(frozen=True, slots=True)
class OutOfStock(Refusal):
    shortages: tuple[Shortage, ...]


@dataclass(frozen=True, slots=True)
class UnknownProduct(Refusal):
    """`asked` is the id, sku or barcode nobody knows."""

    asked: tuple[str, ...]


def unknown_products(missing: Iterable[UUID]) -> Refused:
    """To be raised: no products have these ids."""
    return Refused(UnknownProduct(tuple(sorted(map(str, missing)))))


@dataclass(frozen=True, slots=True)
class UnknownStore(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownCategory(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownMovement(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownOrder(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownTransfer(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownSupplier(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownPurchaseOrder(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """More of a product than is still missing; base units, `received` before this delivery."""

    product_id: UUID
    ordered: int
    received: int
    requested: int
    scale: int


@dataclass(frozen=True, slots=True)
class DeliveryExceedsOrder(Refusal):
    """Every product of which more came than is still missing, or that was never ordered."""

    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class UnknownAlert(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownWriteOff(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class OverLimit(Refusal):
    """The write-off costs more than the role approves; both in 1/10000 yuan."""

    limit: int
    value: int


@dataclass(frozen=True, slots=True)
class UnknownChannelLink(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class Unreadable(Refusal):
    """One of many operations cannot be read; `reason` says what to mend."""

    reason: str


@dataclass(frozen=True, slots=True)
class UnknownPass(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class NotEnoughUses(Refusal):
    """The pass has fewer uses left than were asked for."""

    left: int
    requested: int


@dataclass(frozen=True, slots=True)
class UnknownStaff(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownApiKey(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class InvalidQuantity(Refusal):
    """A quantity that is not positive, is too large, or does not divide into base units."""

    product_id: UUID
    quantity: str


@dataclass(frozen=True, slots=True)
class NotWhole:
    """A part of a recipe of which one unit would not take whole base units.

    `nearest` is the quantity that would divide, in base units as `quantity`; `finer_unit` what
    the product would have to be kept in, None when it is in the finest already.
    """

    product_id: UUID
    quantity: int
    nearest: int
    scale: int
    finer_unit: str | None


@dataclass(frozen=True, slots=True)
class Indivisible(Refusal):
    """Every part of the recipe that does not divide."""

    parts: tuple[NotWhole, ...]


@dataclass(frozen=True, slots=True)
class RecipeCycle(Refusal):
    """A product would go into itself; `way` begins and ends with it."""

    way: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class UnknownBatch(Refusal):
    """Nobody has received a batch with this number of the product."""

    product_id: UUID
    number: str


@dataclass(frozen=True, slots=True)
class BatchExpired(Refusal):
    """The batch that was named must not be sold after `expired_on`."""

    product_id: UUID
    expired_on: date


@dataclass(frozen=True, slots=True)
class VersionConflict(Refusal):
    """The level moved since the person looked at it."""

    product_id: UUID
    expected: int
    version: int
    available: int
    scale: int


@dataclass(frozen=True, slots=True)
class KeyReused(Refusal):
    key: UUID


@dataclass(frozen=True, slots=True)
class WrongState(Refusal):
    """`state` is what stands in the way: REVERSED, RETURNED, REVERSAL, NOT_A_SALE, ARCHIVED,
    SELF, LAST_OWNER, PASS, DOCUMENT, NO_RECIPE, NOT_STOCKED, REDEEMED_LATER, EXTENDED,
    DISCONNECTED, NOTHING_LOW, OWN_REQUEST (whoever asked never approves), or the state of the
    document.
    """

    state: str


@dataclass(frozen=True, slots=True)
class ReturnExceedsSale(Refusal):
    product_id: UUID
    sold: int
    returned: int
    requested: int
    scale: int


@dataclass(frozen=True, slots=True)
class Excess:
    """More of a product than there may be, in base units."""

    product_id: UUID
    requested: int
    allowed: int
    scale: int


@dataclass(frozen=True, slots=True)
class ExceedsTransfer(Refusal):
    """More than was approved would be shipped, or more than is in transit accounted for."""

    excesses: tuple[Excess, ...]


@dataclass(frozen=True, slots=True)
class ReasonNeeded(Refusal):
    """Something is not as it should be: these products need a word why."""

    product_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class AlreadyTaken(Refusal):
    """`field` (sku, barcode, login, code, name, number) already has `value` elsewhere."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class SignInFailed(Refusal):
    """Login or password is wrong; which of them is not told."""


@dataclass(frozen=True, slots=True)
class SessionEnded(Refusal):
    """The refresh token is unknown, expired, or was used before: sign in again."""


@dataclass(frozen=True, slots=True)
class TooManyAttempts(Refusal):
    """Too many failed sign-ins; try again after `retry_after` seconds."""

    retry_after: int


@dataclass(frozen=True, slots=True)
class TooManyOrders(Refusal):
    """Whoever orders without signing in has `open` orders in the store that are not paid for."""

    open: int


@dataclass(frozen=True, slots=True)
class Busy(Refusal):
    """Nothing was written; the same key may be sent again."""
