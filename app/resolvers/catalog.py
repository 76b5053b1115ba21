"""Roots of the catalog topic."""

from dataclasses import asdict
from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.db import catalog as rows
from app.db.tables import Product
from app.domain.access import Can
from app.domain.catalog import barcodes, codes, products
from app.domain.catalog.images import is_own_link
from app.domain.catalog.new_products import FirstValues, ProductRequest, create_product
from app.domain.catalog.printing import Printed, product_label
from app.domain.catalog.products import ProductDescription
from app.domain.movements import first_stock
from app.domain.movements.first_stock import Opening
from app.resolvers.pages import listed
from app.resolvers.roots import root
from app.schema import catalog as types
from app.schema import catalog_changes as changes
from app.schema.arguments import (
    After,
    Before,
    First,
    Last,
    UpdatedSince,
    emptied,
    required,
    value_of,
)
from app.schema.context import Context
from app.schema.edges import id_below
from app.schema.paging import Connection, PageArguments, page


@strawberry.type
class CatalogQuery:
    @root(
        Can.SEE_CATALOG,
        types.Product | None,
        description="Return one product by exactly one of `id`, `sku` and `barcode`, or null if "
        "there is none. 商品",
    )
    async def product(
        self,
        info: Info,
        id: Annotated[UUID | None, strawberry.argument(description="ID of the product.")] = None,
        sku: Annotated[
            str | None,
            strawberry.argument(description="SKU of the product, at most 64 characters. 货号"),
        ] = None,
        barcode: Annotated[
            str | None,
            strawberry.argument(
                description="Barcode of a unit or a pack, at most 100 characters. 条码"
            ),
        ] = None,
    ) -> Product | None:
        tenant = info.context.viewer.tenant
        store = None if id is not None else id_below(info, "level", "storeId")
        async with info.context.snapshot.read(tenant, by_keys=True) as session:
            if store is None:
                return await codes.get_product(session, tenant, id, sku, barcode)
            stocked = await codes.get_stocked_product(session, tenant, sku, barcode, store)
        if stocked is None:
            return None
        info.context.loaders.levels.prime((store, stocked.product.id), stocked.level)
        return stocked.product

    @root(
        Can.SEE_CATALOG,
        Connection[types.Product],
        description="Search products by name, SKU, barcode or pinyin initials; `dm` finds 大米. "
        "The best match comes first. 商品列表",
    )
    async def products(
        self,
        info: Info,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Text to search for, at most 100 characters; all products by default."
            ),
        ] = None,
        category_id: Annotated[
            UUID | None,
            strawberry.argument(
                description="Return only products of this category and of those below it."
            ),
        ] = None,
        kind: Annotated[
            types.ProductKind | None,
            strawberry.argument(description="Return only products of this kind."),
        ] = None,
        archived: Annotated[
            bool | None,
            strawberry.argument(
                description="Pass true to list archived products instead of active ones; false "
                "by default."
            ),
        ] = None,
        updated_since: UpdatedSince = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        part = page(PageArguments(first, after, last, before), int, str, UUID)
        what = category_id, kind and kind.name, archived, updated_since
        return await listed(
            info,
            part,
            rows.products,
            products.product_filter(search, *what),
            key=lambda ranked: (ranked[1], ranked[0].pinyin, ranked[0].id),
            node=lambda ranked: ranked[0],
            updated_since=updated_since,
        )


@strawberry.type
class PrintingQuery:
    @root(
        Can.SEE_CATALOG,
        types.ProductLabel | None,
        description="Return a printable label: EAN-13, or GS1 DataMatrix if a batch number or a "
        "date is given. 打印标签",
    )
    async def product_label(
        self,
        info: Info,
        product_id: Annotated[UUID, strawberry.argument(description="ID of the product.")],
        batch_no: Annotated[
            str | None, strawberry.argument(description="Batch number to encode. 批号")
        ] = None,
        expires_on: Annotated[
            date | None, strawberry.argument(description="Expiry date to encode. 到期日")
        ] = None,
        produced_on: Annotated[
            date | None, strawberry.argument(description="Production date to encode. 生产日期")
        ] = None,
    ) -> Printed | None:
        reads, viewer = info.context.snapshot, info.context.viewer
        return await product_label(reads, viewer, product_id, batch_no, expires_on, produced_on)


def requested(
    context: Context, input: changes.CreateProductInput, openings: list[Opening]
) -> ProductRequest:
    """The product that the input creates."""
    described = ProductDescription(
        input.name,
        input.spec,
        input.price,
        input.category_id,
        input.image_url,
        input.overstock_point,
        input.for_sale,
        own_image=is_own(context, input.image_url),
    )
    return ProductRequest(
        input.sku,
        input.unit,
        (input.kind or types.ProductKind.GOODS).name,
        described,
        input.barcodes or [],
        bool(input.tracks_batches),
        input.shelf_life_days,
        bool(input.confirm_unit),
        first_values(input, openings),
    )


def is_own(context: Context, image_url: str | None) -> bool:
    """Whether this server keeps the image for the viewer's chain."""
    tenant = context.viewer.tenant
    return image_url is not None and is_own_link(image_url, context.origin, tenant)


def openings_of(input: changes.CreateProductInput) -> list[Opening]:
    return [
        Opening(
            each.store_id,
            each.quantity,
            each.unit_cost,
            each.batch_no,
            each.produced_on,
            each.expires_on,
        )
        for each in input.opening_stock or ()
    ]


def first_values(input: changes.CreateProductInput, openings: list[Opening]) -> FirstValues:
    return FirstValues(
        input.reorder_point,
        input.expiry_warning_days,
        input.barcode and input.barcode.code,
        input.barcode and input.barcode.pack_quantity,
        input.category_path,
        tuple(map(asdict, openings)),
    )


def redescribed(context: Context, input: changes.UpdateProductInput) -> ProductDescription:
    return ProductDescription(
        input.name,
        value_of(input.spec),
        value_of(input.price),
        value_of(input.category_id),
        value_of(input.image_url),
        value_of(input.overstock_point),
        input.for_sale,
        emptied(
            spec=input.spec,
            price=input.price,
            category_id=input.category_id,
            image_url=input.image_url,
            overstock_point=input.overstock_point,
        ),
        own_image=is_own(context, value_of(input.image_url)),
    )


@strawberry.type
class CatalogMutation:
    @root(
        Can.EDIT_CATALOG,
        changes.ProductResult,
        description="Create a product with its category, barcodes, thresholds and opening "
        "stock: all or nothing. Fails with AlreadyTaken if the SKU or a barcode exists. 新建商品",
    )
    async def create_product(self, info: Info, input: changes.CreateProductInput) -> Product:
        context, openings = info.context, openings_of(input)
        request = requested(context, input, openings)
        stocking = first_stock.stocking(context.viewer, input.key, openings)
        return await create_product(context.app.db, context.viewer, input.key, request, stocking)

    @root(
        Can.EDIT_CATALOG,
        changes.ProductResult,
        description="Update a product; omitted fields stay unchanged, and null empties those that "
        "may be empty. 修改商品",
    )
    async def update_product(self, info: Info, input: changes.UpdateProductInput) -> Product:
        context, description = info.context, redescribed(info.context, input)
        return await products.update_product(
            context.app.db, context.viewer, input.key, input.product_id, description, input.sku
        )

    @root(
        Can.EDIT_CATALOG,
        changes.ProductResult,
        description="Archive a product so that searches and storefronts no longer show it, or "
        "restore it. Fails with WrongState HAS_STOCK while it has stock, unless `withStock` is "
        "true. 停用商品",
    )
    async def archive_product(self, info: Info, input: changes.ArchiveProductInput) -> Product:
        context, archived = info.context, input.archived is not False
        return await products.archive_product(
            context.app.db,
            context.viewer,
            input.key,
            input.product_id,
            archived,
            with_stock=bool(input.with_stock),
        )

    @root(
        Can.EDIT_CATALOG,
        changes.ProductResult,
        description="Add a barcode for a unit or a pack, or correct its pack quantity. A barcode "
        "of an archived product moves to this one. 添加条码",
    )
    async def add_barcode(self, info: Info, input: changes.AddBarcodeInput) -> Product:
        context = info.context
        return await barcodes.add_barcode(
            context.app.db,
            context.viewer,
            input.key,
            input.product_id,
            input.code,
            input.pack_quantity,
        )

    @root(
        Can.EDIT_CATALOG,
        changes.ProductResult,
        description="Remove a barcode from a product. 删除条码",
    )
    async def remove_barcode(self, info: Info, input: changes.RemoveBarcodeInput) -> Product:
        context = info.context
        return await barcodes.remove_barcode(
            context.app.db, context.viewer, input.key, input.product_id, input.code
        )

    @root(
        Can.EDIT_CATALOG,
        changes.ProductResult,
        description="Correct the quantity in one pack with this barcode. 修改包装数量",
    )
    async def set_barcode_pack(self, info: Info, input: changes.SetBarcodePackInput) -> Product:
        context = info.context
        return await barcodes.set_barcode_pack(
            context.app.db,
            context.viewer,
            input.key,
            input.product_id,
            input.code,
            input.pack_quantity,
        )

    @root(
        Can.SET_THRESHOLDS,
        changes.ProductResult,
        description="Set the reorder point of a product, for one store or for all. 设置最低阈值",
    )
    async def set_reorder_point(self, info: Info, input: changes.SetReorderPointInput) -> Product:
        context = info.context
        return await products.set_reorder_point(
            context.app.db,
            context.viewer,
            input.key,
            input.product_id,
            input.store_id,
            required(input.quantity, "quantity"),
        )

    @root(
        Can.SET_THRESHOLDS,
        changes.ProductResult,
        description="Set how many days before expiry a batch counts as near expiry, in one store "
        "or in all. 临期预警天数",
    )
    async def set_expiry_warning(self, info: Info, input: changes.SetExpiryWarningInput) -> Product:
        context = info.context
        return await products.set_expiry_warning(
            context.app.db,
            context.viewer,
            input.key,
            input.product_id,
            input.store_id,
            required(input.days, "days"),
        )
