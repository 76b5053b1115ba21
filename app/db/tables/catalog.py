"""Products, their categories, barcodes, units and recipes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Index,
    Integer,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db.core.table import Table, key, made_at, to

WARNING_DAYS = 15
"""Days before its expiry from which a batch counts as near it, unless the product has its own."""


class Category(Table):
    """A node of the tree of categories; `parent_id` is null at the top."""

    __tablename__ = "categories"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    parent_id: Mapped[UUID | None]
    name: Mapped[str]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("categories", "parent_id"),
        UniqueConstraint("tenant_id", "parent_id", "name", postgresql_nulls_not_distinct=True),
        CheckConstraint("parent_id <> id", name="parent"),
    )


class Product(Table):
    """`scale` is the number of base units (piece, g, ml) in one `unit`; `price` is in fen.

    The row of `sku` in `product_codes` makes it unique.

    `recipe_id` is the recipe in force, `container` the base units of a container that is opened
    and used in parts (a bottle), `display_unit` one of the product's own units.
    """

    __tablename__ = "products"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    sku: Mapped[str]
    name: Mapped[str]
    spec: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str]
    unit: Mapped[str]
    scale: Mapped[int]
    category_id: Mapped[UUID | None]
    price: Mapped[int | None]
    image_url: Mapped[str | None]
    reorder_point: Mapped[int] = mapped_column(server_default="0")
    overstock_point: Mapped[int | None]
    tracks_batches: Mapped[bool] = mapped_column(server_default=text("false"))
    shelf_life_days: Mapped[int | None] = mapped_column(Integer)
    own_warning_days: Mapped[int | None] = mapped_column("expiry_warning_days", Integer)
    recipe_id: Mapped[UUID | None]
    display_unit: Mapped[str | None]
    container: Mapped[int | None]
    search: Mapped[str]
    pinyin: Mapped[str]
    for_sale: Mapped[bool] = mapped_column(server_default=text("true"))
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("categories", "category_id"),
        to("recipes", "recipe_id"),
        CheckConstraint("container > 0", name="container"),
        CheckConstraint("scale > 0", name="scale"),
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("reorder_point >= 0", name="reorder_point"),
        CheckConstraint("shelf_life_days >= 0", name="shelf_life_days"),
        CheckConstraint("expiry_warning_days between 1 and 365", name="expiry_warning_days"),
        Index("ix_products_pinyin", "tenant_id", "pinyin", "id"),
        Index("ix_products_category", "tenant_id", "category_id", "pinyin"),
    )

    expiry_warning_days = property(lambda self: self.own_warning_days or WARNING_DAYS)


class ProductPrice(Table):
    """A price that a product had from `since` on, in fen; a trigger writes each change."""

    __tablename__ = "product_prices"
    tenant_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    since: Mapped[datetime] = mapped_column(primary_key=True, server_default=func.clock_timestamp())
    price: Mapped[int | None]
    __table_args__ = (to("products", "product_id"),)


class ProductUpdate(Table):
    """When a product, its codes or its units changed last; triggers stamp it at the commit."""

    __tablename__ = "product_updates"
    tenant_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    at: Mapped[datetime]
    __table_args__ = (
        to("products", "product_id"),
        Index("ix_product_updates_at", "tenant_id", "at"),
    )


class Assortment(Table):
    """Whether a store lists a product; `channel` is empty for all channels without their own."""

    __tablename__ = "assortment"
    tenant_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    store_id: Mapped[UUID] = key()
    channel: Mapped[str] = mapped_column(primary_key=True)
    listed: Mapped[bool]
    __table_args__ = (to("products", "product_id"), to("stores", "store_id"))

    @property
    def stores(self) -> tuple[UUID, ...]:
        return (self.store_id,)


class ProductCode(Table):
    """A code that names a product: its SKU, a barcode, or one code that is both.

    `name` is the spelling in which codes are compared; the primary key allows one product per code.
    `code` is the barcode as it is shown, null when only the SKU is meant. `pack_quantity` is in
    base units, null for one unit whose quantity was not given.
    """

    __tablename__ = "product_codes"
    tenant_id: Mapped[UUID] = key()
    name: Mapped[str] = mapped_column(primary_key=True)
    product_id: Mapped[UUID]
    is_sku: Mapped[bool] = mapped_column(server_default=text("false"))
    code: Mapped[str | None]
    pack_quantity: Mapped[int | None]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("products", "product_id"),
        CheckConstraint("pack_quantity > 0", name="pack_quantity"),
        CheckConstraint("is_sku or code is not null", name="means"),
        Index("ix_product_codes_product", "tenant_id", "product_id"),
        Index(
            "uq_product_codes_sku",
            "tenant_id",
            "product_id",
            unique=True,
            postgresql_where=text("is_sku"),
        ),
    )


class ProductUnit(Table):
    """One of the product's own units (a bottle, a case); `size` is in base units."""

    __tablename__ = "product_units"
    tenant_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    name: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int]
    __table_args__ = (to("products", "product_id"), CheckConstraint("size > 0", name="size"))


class Recipe(Table):
    """One version of a product's recipe; it never changes. `yields` is in base units."""

    __tablename__ = "recipes"
    tenant_id: Mapped[UUID] = key()
    id: Mapped[UUID] = key()
    product_id: Mapped[UUID]
    version: Mapped[int] = mapped_column(Integer)
    yields: Mapped[int]
    consume_on: Mapped[str | None]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = made_at()
    __table_args__ = (
        to("products", "product_id"),
        UniqueConstraint("tenant_id", "product_id", "version"),
        CheckConstraint("yields > 0", name="yields"),
    )


class Component(Table):
    """A component for the recipe's `yields`: base units, and the loss in 1/10000 of them."""

    __tablename__ = "components"
    tenant_id: Mapped[UUID] = key()
    recipe_id: Mapped[UUID] = key()
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    product_id: Mapped[UUID]
    quantity: Mapped[int]
    loss: Mapped[int] = mapped_column(Integer)
    optional: Mapped[bool]
    __table_args__ = (
        to("recipes", "recipe_id"),
        to("products", "product_id"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("loss between 0 and 10000", name="loss"),
        Index("ix_components_product", "tenant_id", "product_id"),
    )


class Need(Table):
    """Base units of a stocked product that one unit of the recipe's product takes, nested recipes
    included."""

    __tablename__ = "needs"
    tenant_id: Mapped[UUID] = key()
    recipe_id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = key()
    optional: Mapped[bool] = mapped_column(primary_key=True)
    quantity: Mapped[int]
    __table_args__ = (
        to("recipes", "recipe_id"),
        to("products", "product_id"),
        CheckConstraint("quantity > 0", name="quantity"),
    )
