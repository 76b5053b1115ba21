"""Refusals: expected failures as values. The schema shows them as problems."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from app.domain.reasons import Text, WrongStateReason


@dataclass(frozen=True, slots=True)
class Refusal:
    """An expected failure. It is returned, never raised; `Refused` carries one out of a unit.
    `path` names the part of the input that is refused, such as ("lines", "2", "quantity").
    `tenant_id` is the chain of the products that it names, where that is not the viewer's.
    """

    path: tuple[str, ...] | None = field(default=None, compare=False, kw_only=True)
    tenant_id: UUID | None = field(default=None, compare=False, kw_only=True)


class Refused(Exception):
    """Carries one refusal out of a unit of work, which rolls back."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class Malformed(Exception):
    """An argument that no client should send; shown as a BAD_INPUT error.
    `field` is the argument, or the field of `input`, in the spelling of the schema.
    """

    def __init__(self, field: str | None, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.path: tuple[str, ...] = (field,) if field else ()
        self.text = Text(zh, en)


class Denied(Exception):
    """The caller is unknown (UNAUTHENTICATED) or lacks a permission (FORBIDDEN)."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.code = code
        self.text = Text(zh, en)


class RateLimited(Exception):
    """Too much was asked for; a RATE_LIMITED error with `retryAfter`, in seconds, tells it."""

    def __init__(self, retry_after: int, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.retry_after = retry_after
        self.text = Text(zh, en)


class Unavailable(Exception):
    """No answer for now; shown as an UNAVAILABLE error with `retryAfter`.
    The same key may be sent again. `retry_after` is in seconds.
    """

    def __init__(self, retry_after: int, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.retry_after = retry_after
        self.text = Text(zh, en)


class CostExceeded(Exception):
    """The operation costs more than its role may spend; shown as a COST_EXCEEDED error."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.text = Text(zh, en)


@dataclass(frozen=True, slots=True)
class Shortage:
    """`requested` and `available` are base units of a product whose unit has `scale` of them.

    A `public` shortage is one that customers see: `available` is None where it is not for them.
    """

    product_id: UUID
    requested: int
    available: int | None
    scale: int
    public: bool = False
    tenant_id: UUID | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class OutOfStock(Refusal):
    shortages: tuple[Shortage, ...]


@dataclass(frozen=True, slots=True)
class UnknownProduct(Refusal):
    """`asked` has the ids, SKUs or barcodes that match no product."""

    asked: tuple[str, ...]


def unknown_products(missing: Iterable[UUID]) -> Refused:
    """The exception to raise when no products have these ids."""
    return Refused(UnknownProduct(tuple(sorted(map(str, missing)))))


@dataclass(frozen=True, slots=True)
class UnknownStore(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownCategory(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownUnit(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownBarcode(Refusal):
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
    """A product of which more arrived than is missing, in base units.

    `received` is the quantity of earlier deliveries.
    """

    product_id: UUID
    ordered: int
    received: int
    requested: int
    scale: int


@dataclass(frozen=True, slots=True)
class DeliveryExceedsOrder(Refusal):
    """Every product of which more arrived than is missing, or that was not ordered."""

    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class UnknownNotification(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownAlert(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class UnknownWriteOff(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class OverLimit(Refusal):
    """The write-off or movement costs more than the role may approve; both in 1/10000 yuan."""

    limit: int
    value: int


@dataclass(frozen=True, slots=True)
class UnknownChannelLink(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class Unreadable(Refusal):
    """One of many operations is not valid; `text` says why."""

    text: Text


@dataclass(frozen=True, slots=True)
class UnknownPass(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class NotEnoughUses(Refusal):
    """The pass has fewer uses left than requested."""

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
    """A recipe component whose quantity does not divide into whole base units per unit made.

    `nearest` is the nearest quantity that divides, in base units like `quantity`. `finer_unit`
    is the unit to keep the product in instead, None if it is in the finest already.
    """

    product_id: UUID
    quantity: int
    nearest: int
    scale: int
    finer_unit: str | None


@dataclass(frozen=True, slots=True)
class Indivisible(Refusal):
    """Every component of the recipe that does not divide."""

    parts: tuple[NotWhole, ...]


@dataclass(frozen=True, slots=True)
class RecipeCycle(Refusal):
    """The product would be its own component; `way` begins and ends with it."""

    way: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class UnknownBatch(Refusal):
    """The product has no batch with this number and expiry; the number is empty without one."""

    product_id: UUID
    number: str
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class BatchExpired(Refusal):
    """The requested batch must not be sold after `expired_on`."""

    product_id: UUID
    expired_on: date


@dataclass(frozen=True, slots=True)
class VersionConflict(Refusal):
    """The level has changed since the client read it."""

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
    """The state of a row, or a rule, does not allow it; `document_id` stands in the way."""

    reason: WrongStateReason
    document_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ReturnExceedsSale(Refusal):
    product_id: UUID
    sold: int
    returned: int
    requested: int
    scale: int


@dataclass(frozen=True, slots=True)
class Excess:
    """A product whose quantity exceeds the allowed one, in base units."""

    product_id: UUID
    requested: int
    allowed: int
    scale: int


@dataclass(frozen=True, slots=True)
class ExceedsTransfer(Refusal):
    """The shipment exceeds the approved quantity, or the receipt what is in transit."""

    excesses: tuple[Excess, ...]


@dataclass(frozen=True, slots=True)
class ReasonNeeded(Refusal):
    """Lines of these products differ and lack a reason."""

    product_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class AlreadyTaken(Refusal):
    """`field`, such as sku or login, has `value` elsewhere: a code in the product `product_id`."""

    field: str
    value: str
    product_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SignInFailed(Refusal):
    """Login or password is wrong; the answer does not say which."""


@dataclass(frozen=True, slots=True)
class SessionEnded(Refusal):
    """The refresh token is unknown, expired, or was used before: sign in again."""


@dataclass(frozen=True, slots=True)
class WrongPassword(Refusal):
    """The old password is wrong."""


@dataclass(frozen=True, slots=True)
class UnknownSession(Refusal):
    asked: str


@dataclass(frozen=True, slots=True)
class TooManyAttempts(Refusal):
    """Too many wrong passwords; try again after `retry_after` seconds."""

    retry_after: int


@dataclass(frozen=True, slots=True)
class TooManyOrders(Refusal):
    """The guest has `open` unpaid orders in the store."""

    open: int


@dataclass(frozen=True, slots=True)
class GuestLimitReached(Refusal):
    """Guests would together hold more of these products than their share."""

    product_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Busy(Refusal):
    """The system is busy and wrote nothing; the same key may be sent again."""
