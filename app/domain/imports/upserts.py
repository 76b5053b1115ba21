"""`upsertProducts`: products of a program, written by the rules of an imported file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from app.db.core.unit import Database, Unit
from app.db.tables import ProductUpsert
from app.domain.access import Viewer
from app.domain.claims import claim
from app.domain.errors import Malformed, Refusal, Text
from app.domain.imports.previews import with_unread
from app.domain.imports.sheets import Planned, Row, RowError
from app.domain.imports.writing import FAILED, save_rows
from app.domain.rules.import_columns import ImportKind
from app.domain.rules.import_values import InvalidCell, spelling
from app.domain.rules.texts import InvalidText, clean

MOST_PRODUCTS = 500
LONGEST = 2000


class Upserted(NamedTuple):
    """What was done with one product: `action` is CREATED, CHANGED, UNCHANGED or FAULTY."""

    action: str
    product_id: UUID | None
    errors: tuple[tuple[str | None, Text], ...]


@dataclass(frozen=True, slots=True)
class ProductRefused(Refusal):
    """A product of a list that was left out; `errors` has each field with what is wrong."""

    zh: str
    en: str
    errors: tuple[tuple[str | None, Text], ...]


class Answered(Exception):
    """The key was used for the same products: `results` is the first answer."""

    def __init__(self, results: list[Any]) -> None:
        super().__init__("answered before")
        self.results = results


async def upsert_products(
    db: Database, viewer: Viewer, key: UUID | None, products: Sequence[Mapping[str, Any]]
) -> list[Upserted]:
    """What was done with each product, in their order; those with errors are left out.

    `products` are values by field of an import. A retry with the key returns the first answer.
    Raises Malformed for none or too many, Refused(KeyReused).
    """
    if not 1 <= len(products) <= MOST_PRODUCTS:
        raise Malformed(
            "input",
            f"请提交 1 至 {MOST_PRODUCTS} 个商品",
            f"Give 1 to {MOST_PRODUCTS} products.",
        )
    unread: list[RowError] = []
    rows = [_row(number, values, unread) for number, values in enumerate(products, 1)]
    given = [sorted((name, str(value)) for name, value in each.items()) for each in products]

    async def begin(unit: Unit) -> None:
        if key is None:
            return
        id, request = _id(key), ("upsertProducts", given)
        if earlier := await claim(unit, viewer.claimant, key, id, *request):
            saved = await unit.session.get_one(ProductUpsert, (unit.tenant, earlier))
            raise Answered(saved.results)

    async def finish(unit: Unit, planned: list[Planned]) -> None:
        if key is not None:
            results = [_kept(each) for each in with_unread(unread, planned)]
            unit.session.add(ProductUpsert(tenant_id=unit.tenant, id=_id(key), results=results))

    kind, faulty = ImportKind.PRODUCTS, {error.row for error in unread}
    try:
        planned = await save_rows(db, viewer, kind, None, rows, finish, begin, faulty)
    except Answered as answered:
        return [_read(each) for each in answered.results]
    return [_read(_kept(each)) for each in with_unread(unread, planned)]


def _id(key: UUID) -> UUID:
    return uuid5(key, "upsertProducts")


def _row(number: int, values: Mapping[str, Any], unread: list[RowError]) -> Row:
    """The product as a row of a file; what cannot be read is added to `unread`."""
    texts: dict[str, str] = {}
    for field, value in values.items():
        try:
            cell = clean(value, field, LONGEST) or "" if isinstance(value, str) else Decimal(value)
            spelled = spelling(field, cell)
        except (InvalidCell, InvalidText) as error:
            unread.append(RowError(number, field, Text(*error.text)))
        else:
            if spelled is not None:
                texts[field] = spelled
    return Row(number, texts)


def _kept(planned: Planned) -> list[Any]:
    errors = [[error.field, *error.text] for error in planned.errors]
    if planned.action == "FAULTY" and not errors:
        errors = [[None, *FAILED]]
    return [planned.action, planned.product_id and str(planned.product_id), errors]


def _read(kept: list[Any]) -> Upserted:
    action, product, errors = kept
    texts = tuple((field, Text(zh, en)) for field, zh, en in errors)
    return Upserted(action, product and UUID(product), texts)
