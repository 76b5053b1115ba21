"""Roots of the recipes topic."""

import strawberry
from strawberry.types import Info

from app.db.tables import Product
from app.domain.access import Can
from app.domain.catalog import recipes
from app.domain.catalog.recipes import Ingredient
from app.resolvers.roots import root
from app.schema import recipes as types


def ingredient(input: types.ComponentInput) -> Ingredient:
    loss = types.NO_LOSS if input.loss is None else input.loss
    return Ingredient(input.product_id, input.quantity, input.unit, loss, bool(input.optional))


@strawberry.type
class RecipesMutation:
    @root(
        Can.EDIT_RECIPES,
        types.RecipeResult,
        description="Set the recipe of a product; a new version is saved and past sales keep "
        "theirs. 设置配方",
    )
    async def set_recipe(self, info: Info, input: types.SetRecipeInput) -> Product:
        context = info.context
        return await recipes.set_recipe(
            context.app.db,
            context.viewer,
            input.key,
            input.product_id,
            [ingredient(each) for each in input.components],
            input.yields,
            input.consume_on and input.consume_on.name,
        )
