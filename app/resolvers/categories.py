"""Roots of categories."""

import strawberry
from strawberry.types import Info

from app.db import categories as rows
from app.db.tables import Category
from app.domain.access import Can
from app.domain.catalog import categories
from app.domain.catalog.categories import CategoryChange
from app.resolvers.roots import root
from app.schema import catalog as types
from app.schema import catalog_changes as changes


@strawberry.type
class CategoriesQuery:
    @root(
        Can.SEE_CATALOG,
        list[types.Category],
        description="List all categories of the chain, at all levels of the tree. 分类列表",
    )
    async def categories(self, info: Info) -> list[Category]:
        tenant = info.context.viewer.tenant
        async with info.context.snapshot.read(tenant) as session:
            return list(await rows.categories(session, tenant))


@strawberry.type
class CategoriesMutation:
    @root(
        Can.EDIT_CATALOG,
        changes.CategoryResult,
        description="Create a category, below another one if `parentId` is given. Fails with "
        "AlreadyTaken if the name exists there. 新建分类",
    )
    async def create_category(self, info: Info, input: changes.CreateCategoryInput) -> Category:
        context = info.context
        return await categories.create_category(
            context.app.db, context.viewer, input.key, input.name, input.parent_id
        )

    @root(
        Can.EDIT_CATALOG,
        changes.CategoryResult,
        description="Rename a category, or move it with everything below it; omitted fields stay "
        "unchanged. Fails with WrongState OWN_SUBCATEGORY if it would be below itself. 修改分类",
    )
    async def update_category(self, info: Info, input: changes.UpdateCategoryInput) -> Category:
        context, parent = info.context, input.parent_id
        change = CategoryChange(input.name, parent is not None, parent.value if parent else None)
        return await categories.update_category(
            context.app.db, context.viewer, input.key, input.category_id, change
        )
