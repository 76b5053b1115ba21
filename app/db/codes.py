"""Codes of products: which product a code names, and how a new code is claimed."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, and_, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from app.db.core.snapshot import AnySession
from app.db.core.statement import Statement, among, arrays, rows
from app.db.core.unit import Unit
from app.db.stock import levels_by_pair
from app.db.tables import Level, Product, ProductCode, Store

ARRIVING = ["name", "product_id", "is_sku", "code", "pack_quantity"]
"""Columns of a new code."""


class CodedProduct(NamedTuple):
    """A product, and the code that names it."""

    product: Product
    code: ProductCode

    @property
    def pack(self) -> int:
        """Base units in one pack with this code."""
        return self.code.pack_quantity or self.product.scale


BY_NAME = (
    select(Product, ProductCode)
    .join(
        ProductCode,
        and_(
            ProductCode.tenant_id == Product.tenant_id,
            ProductCode.product_id == Product.id,
        ),
    )
    .where(ProductCode.tenant_id == bindparam("tenant"), ProductCode.name == bindparam("name"))
)


async def by_code(session: AnySession, tenant: UUID, name: str) -> CodedProduct | None:
    """The product with this code, in the spelling in which codes are compared."""
    row = (await session.execute(BY_NAME, {"tenant": tenant, "name": name})).first()
    return None if row is None else CodedProduct(*row)


WITH_LEVEL = BY_NAME.add_columns(Level, Level.held_until <= func.now()).outerjoin(
    Level,
    and_(
        Level.tenant_id == Product.tenant_id,
        Level.store_id == bindparam("store"),
        Level.product_id == Product.id,
        Level.shown,
    ),
)


async def by_code_with_level(
    session: AnySession, tenant: UUID, name: str, store: UUID
) -> tuple[CodedProduct | None, Level | None]:
    """The product with this code, and its level in the store; None if it was never stocked."""
    values = {"tenant": tenant, "name": name, "store": store}
    row = (await session.execute(WITH_LEVEL, values)).first()
    return (None, None) if row is None else await _stocked(session, tenant, store, *row)


async def _stocked(
    session: AnySession,
    tenant: UUID,
    store: UUID,
    product: Product | None,
    code: Any,
    level: Level | None,
    has_overdue: bool | None,
) -> tuple[CodedProduct | None, Level | None]:
    """The parts of a row."""
    if product is None:
        return None, None
    if has_overdue:
        # A hold is over, so that its goods can be sold: a rare case that costs a second statement.
        level = (await levels_by_pair(session, tenant, [(store, product.id)])).get(
            (store, product.id)
        )
    return CodedProduct(product, code), level


class ScannedInStore(NamedTuple):
    """What a code names, and what the store that scanned it has of that and prints itself."""

    scale_labels: Sequence[str]
    named: CodedProduct | None
    level: Level | None


IN_STORE = (
    select(Store.scale_labels, Product, ProductCode, Level, Level.held_until <= func.now())
    .select_from(Store)
    .outerjoin(
        ProductCode,
        and_(ProductCode.tenant_id == Store.tenant_id, ProductCode.name == bindparam("name")),
    )
    .outerjoin(
        Product,
        and_(
            Product.tenant_id == ProductCode.tenant_id,
            Product.id == ProductCode.product_id,
        ),
    )
    .outerjoin(
        Level,
        and_(
            Level.tenant_id == Product.tenant_id,
            Level.store_id == Store.id,
            Level.product_id == Product.id,
            Level.shown,
        ),
    )
    .where(Store.tenant_id == bindparam("tenant"), Store.id == bindparam("store"))
)


async def scanned_in_store(
    session: AnySession, tenant: UUID, name: str, store: UUID
) -> ScannedInStore:
    """The product with this code, its level in the store and the layouts of the labels that the
    store's scales print, by one statement. An unknown store has neither levels nor layouts."""
    values = {"tenant": tenant, "name": name, "store": store}
    row: Any = (await session.execute(IN_STORE, values)).first()
    if row is None:
        return ScannedInStore([], *await by_code_with_level(session, tenant, name, store))
    return ScannedInStore(row[0], *await _stocked(session, tenant, store, *row[1:]))


async def barcodes_of(
    session: AnySession, tenant: UUID, products: Collection[UUID]
) -> Sequence[ProductCode]:
    return (
        await session.scalars(
            select(ProductCode)
            .where(
                ProductCode.tenant_id == tenant,
                among(ProductCode.product_id, products),
                ProductCode.code.is_not(None),
            )
            .order_by(ProductCode.product_id, ProductCode.code)
        )
    ).all()


async def locked(unit: Unit, names: Collection[str]) -> dict[str, ProductCode]:
    """The rows of these codes that exist, locked in the order of their names."""
    held = await unit.session.scalars(
        select(ProductCode)
        .where(ProductCode.tenant_id == unit.tenant, among(ProductCode.name, names))
        .order_by(ProductCode.name)
        .with_for_update()
    )
    return {row.name: row for row in held}


async def claim(unit: Unit, row: ProductCode) -> ProductCode | None:
    """Insert a new code. Returns None, or the row that has it already, locked.

    Of two requests for one code the second waits for the first; the primary key decides.
    """
    values = {c.name: v for c in ProductCode.__table__.c if (v := getattr(row, c.key)) is not None}
    adding = insert(ProductCode).values(values).on_conflict_do_nothing().returning(ProductCode.name)
    while True:
        if (await unit.session.execute(adding)).first() is not None:
            return None
        # If another request has just removed the row, the code is free: try again.
        if taken := await locked(unit, [row.name]):
            return taken[row.name]


_NEW = rows("new_codes", *(ProductCode.__table__.c[name] for name in ARRIVING))
ADD = Statement(
    insert(ProductCode)
    .from_select(
        ["tenant_id", *ARRIVING],
        select(bindparam("tenant", type_=Uuid()), *_NEW.c).order_by(_NEW.c.name),
    )
    .on_conflict_do_nothing()
    .returning(ProductCode.name)
)


async def add(unit: Unit, codes: Sequence[tuple[Any, ...]]) -> set[str]:
    """Insert codes, tuples of the columns ARRIVING, in the order of their names. Returns the names
    that are taken already."""
    values = arrays("new_codes", ARRIVING, codes)
    added = await ADD.fetch(unit.raw, tenant=unit.tenant, **values)
    return {name for name, *_ in codes} - {name for (name,) in added}


async def remove(unit: Unit, row: ProductCode) -> None:
    await unit.session.delete(row)
    await unit.session.flush()


async def is_archived(unit: Unit, product_id: UUID) -> bool:
    query = select(Product.archived_at).where(
        Product.tenant_id == unit.tenant, Product.id == product_id
    )
    return (await unit.session.scalars(query)).one() is not None


async def by_codes(
    session: AnySession, tenant: UUID, names: Collection[str]
) -> dict[str, CodedProduct]:
    """The products with these codes, by the code."""
    query = (
        select(Product, ProductCode)
        .join(
            ProductCode,
            and_(
                ProductCode.tenant_id == Product.tenant_id,
                ProductCode.product_id == Product.id,
            ),
        )
        .where(ProductCode.tenant_id == tenant, among(ProductCode.name, names))
    )
    return {code.name: CodedProduct(row, code) for row, code in await session.execute(query)}
