"""Problems that customers meet: when they sign in, and when they order."""

import strawberry
from strawberry.types import Info

from app.domain import customer_errors, errors
from app.domain.errors import Text
from app.schema.catalog import Product
from app.schema.problems import Problem, problem


@problem(
    errors.TooManyOrders,
    description="The guest has too many unpaid orders in the store. 未付款订单过多",
)
class TooManyOrders(Problem):
    open: int = strawberry.field(
        description="Unpaid orders of the guest in the store. 未付款订单数"
    )


@problem(
    customer_errors.InvalidLoginCode,
    words=Text(
        "登录码无效或已使用，请重新登录",
        "The code is not valid or was used before: ask the mini-program for a new one.",
    ),
    description="The platform does not know the code, or it was used before. 登录码无效",
)
class InvalidLoginCode(Problem): ...


@problem(
    customer_errors.CustomerBlocked,
    words=Text(
        "平台判定该账号存在风险，暂时不能登录",
        "The platform considers this account a risk and does not let it sign in.",
    ),
    description="The platform does not let this customer sign in. 平台拦截",
)
class CustomerBlocked(Problem): ...


@problem(
    customer_errors.PlatformUnavailable,
    words=Text(
        "平台暂时没有响应，请稍后重试", "The platform does not answer: try again in a moment."
    ),
    description="WeChat or Douyin did not answer; retry with a new code. 平台无响应",
)
class PlatformUnavailable(Problem):
    retryable: bool = strawberry.field(
        resolver=lambda: True, description="Always true: the request may be repeated. 可重试"
    )


@problem(
    errors.GuestLimitReached,
    description="Guests together already reserve the share of these products that they may: sign "
    "in, or order less. 未登录顾客预订已满",
)
class GuestLimitReached(Problem):
    @strawberry.field(description="Products of the order of which guests cannot reserve more. 商品")
    async def products(
        self, root: strawberry.Parent[errors.GuestLimitReached], info: Info
    ) -> list[Product]:
        return await info.context.loaders_of(root).products.load_many(list(root.product_ids))
