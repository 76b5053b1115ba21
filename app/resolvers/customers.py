"""Roots of customers: their accounts and their contacts."""

import strawberry
from strawberry.types import Info

from app.db import customers as rows
from app.db.tables import Customer, MiniApp
from app.domain.access import Can
from app.domain.people import customer_accounts as accounts
from app.domain.people import customers
from app.domain.people.customers import ErasedCustomer, RevealedContact
from app.domain.people.mini_apps import set_mini_app
from app.resolvers.pages import Read, newest
from app.resolvers.roots import root
from app.schema import customers as types
from app.schema.arguments import After, Before, First, Last
from app.schema.orders import Order
from app.schema.paging import Connection, PageArguments
from app.schema.passes import Pass


@strawberry.type
class CustomersQuery:
    @root(
        Can.CONNECT_MINI_APPS,
        list[types.MiniApp],
        description="List the mini-programs by which customers sign in. 小程序列表",
    )
    async def mini_apps(self, info: Info):
        tenant = info.context.viewer.tenant
        async with info.context.snapshot.read(tenant) as session:
            return list(await rows.mini_apps(session, tenant))

    @root(
        Can.SHOP,
        types.Customer,
        description="Return the account of the signed-in customer. 我的账号",
    )
    async def my_account(self, info: Info) -> Customer:
        return await accounts.get_customer(info.context.snapshot, info.context.viewer)

    @root(
        Can.SHOP,
        Connection[Order],
        description="List the orders that you placed, and those of the phone number that you "
        "bound, the newest first. 我的订单",
    )
    async def my_orders(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        return await own(info, rows.orders_of, PageArguments(first, after, last, before))

    @root(
        Can.SHOP,
        Connection[Pass],
        description="List the passes that you bought, and those of the phone number that you "
        "bound, the newest first. 我的次卡",
    )
    async def my_passes(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ):
        return await own(info, rows.passes_of, PageArguments(first, after, last, before))


async def own(info: Info, read: Read, paging: PageArguments):
    """A page of the rows that belong to the signed-in customer."""
    context = info.context
    customer = await accounts.get_customer(context.snapshot, context.viewer)
    phone = accounts.phone_indexes(context.app.db.vault, customer)
    return await newest(info, read, customer.id, phone, paging=paging)


@strawberry.type
class CustomersMutation:
    @root(
        Can.CONNECT_MINI_APPS,
        types.SetMiniAppResult,
        description="Set the mini-program by which customers sign in through a channel, in place "
        "of the one before. 对接小程序",
    )
    async def set_mini_app(self, info: Info, input: types.SetMiniAppInput) -> MiniApp:
        db, viewer, channel = info.context.app.db, info.context.viewer, input.channel.name
        what = input.key, channel, input.app_id, input.secret, input.phone_key
        return await set_mini_app(db, viewer, *what)

    @root(
        Can.SHOP,
        types.BindPhoneResult,
        description="Bind the phone number that the platform gives for the code of your consent. "
        "绑定手机号",
    )
    async def bind_phone(self, info: Info, input: types.BindPhoneInput) -> Customer:
        app, viewer = info.context.app, info.context.viewer
        return await accounts.bind_phone(app.db, app.mini_apps, viewer, input.key, input.code)

    @root(
        Can.SHOP,
        types.EraseCustomerResult,
        description="Erase your account, with the contact and notes of your orders and passes; "
        "your sessions end. 注销账号",
    )
    async def delete_my_account(
        self, info: Info, input: types.DeleteMyAccountInput
    ) -> ErasedCustomer:
        gate, viewer = info.context.app.gate, info.context.viewer
        return await customers.delete_account(gate, viewer, input.key)

    @root(
        Can.REVEAL_CONTACTS,
        types.RevealContactResult,
        description="Read the contact of an order or a pass in full. The audit log records who "
        "read it. 查看联系方式",
    )
    async def reveal_contact(self, info: Info, input: types.RevealContactInput) -> RevealedContact:
        db, viewer = info.context.app.db, info.context.viewer
        return await customers.reveal(db, viewer, input.key, input.order_id, input.pass_id)

    @root(
        Can.ERASE_CUSTOMERS,
        types.EraseCustomerResult,
        description="Erase a customer's contact from all orders and passes, with the notes of "
        "these orders, every text that holds the phone number, and the accounts that bound it. "
        "Movements hold no contact and stay as they are. 删除顾客信息",
    )
    async def erase_customer(self, info: Info, input: types.EraseCustomerInput) -> ErasedCustomer:
        db, viewer = info.context.app.db, info.context.viewer
        return await customers.erase(db, viewer, input.key, input.contact)
