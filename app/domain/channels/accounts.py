"""Channel accounts: connect and disconnect shops, map their SKUs, receive their messages."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any
from uuid import UUID, uuid5

import httpx2
import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from uuid_utils.compat import uuid7

from app.db import channel_accounts as rows
from app.db.catalog import insert_unique
from app.db.core.unit import Database, Unit
from app.db.tables import ChannelLink, Direction, Listing
from app.domain import access
from app.domain.access import Can, Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.catalog.products import get_product
from app.domain.claims import claim
from app.domain.errors import (
    AlreadyTaken,
    Malformed,
    Refused,
    UnknownChannelLink,
    WrongState,
    WrongStateReason,
)
from app.domain.rules.texts import clean
from app.platforms.douyin import Douyin
from app.platforms.platform import Account, Shop, ShopError
from app.platforms.wechat import Wechat
from app.settings import Settings

CLIENTS = {"DOUYIN": Douyin, "WECHAT": Wechat}
UNREADABLE = (ValueError, TypeError, LookupError, RecursionError, AttributeError)


class Shops:
    """Clients of the connected shops, and the keys that decrypt their accounts; one per process."""

    def __init__(self, settings: Settings) -> None:
        self._urls = {"DOUYIN": settings.douyin_url, "WECHAT": settings.wechat_url}
        self._secrets = [each for each in (settings.secret, settings.former_secret) if each]
        self._http = httpx2.AsyncClient()
        self._clients: dict[UUID, Shop] = {}

    @cached_property
    def _safe(self) -> MultiFernet:
        return MultiFernet([Fernet(_key(secret)) for secret in self._secrets])

    def seal(self, account: Account) -> bytes:
        return self._safe.encrypt(orjson.dumps(asdict(account)))

    def of(self, link: ChannelLink) -> Shop:
        """The client of an account. Raises ShopError when its secrets cannot be decrypted."""
        if link.id not in self._clients:
            try:
                account = Account(**orjson.loads(self._safe.decrypt(link.sealed)))
            except InvalidToken:
                reason = "the account was sealed by another key: connect it again"
                raise ShopError(reason, passing=True) from None
            client = CLIENTS[link.channel](self._http, self._urls[link.channel], account)
            self._clients[link.id] = client
        return self._clients[link.id]

    async def close(self) -> None:
        await self._http.aclose()


def _key(secret: str) -> bytes:
    derived = HKDF(SHA256(), 32, None, b"kucun channel accounts").derive(secret.encode())
    return urlsafe_b64encode(derived)


async def connect(
    db: Database,
    viewer: Viewer,
    shops: Shops,
    key: UUID,
    store_id: UUID,
    channel: str,
    account: Account,
) -> ChannelLink:
    """Connect a store to its shop in a channel.

    Raises Refused: UnknownStore, AlreadyTaken when the store has a shop in this channel;
    Malformed for another channel or a missing parameter.
    """
    access.at(viewer, Can.CONNECT_CHANNELS, store_id)
    if channel not in CLIENTS:
        raise Malformed(
            "channel", "只能对接微信或抖音店铺", "Only WeChat and Douyin accounts can be connected."
        )
    lacking = "shopId" if channel == "DOUYIN" else "token"
    if not (account.shop_id if channel == "DOUYIN" else account.token):
        raise Malformed(
            lacking,
            "请填写该渠道店铺的全部接口参数",
            "Give every parameter of this channel account.",
        )
    link = ChannelLink(
        tenant_id=viewer.tenant,
        id=uuid5(viewer.claimant, key.hex),
        store_id=store_id,
        channel=channel,
        app_id=clean(account.app_id, "appId", 100, required=True),
        sealed=shops.seal(account),
        connected_by=viewer.actor,
    )
    async with db.unit(viewer.tenant) as unit:
        request = ("connectChannel", store_id, channel, *asdict(account).values())
        if await claim(unit, viewer.claimant, key, link.id, *request) is None:
            if not await insert_unique(unit, link):
                raise Refused(AlreadyTaken("channel", channel))
            subject = {"tenant_id": viewer.tenant, "subject_id": link.id}
            unit.session.add(Direction(kind="shop", name=str(link.id), **subject))
            connected = Act.CONNECT_CHANNEL, Subject.CHANNEL_ACCOUNT, link.id
            await record_act(unit, viewer, *connected, store_id, channel=channel)
    return await get_account(db, viewer, link.id)


async def get_account(db: Database, viewer: Viewer, link_id: UUID) -> ChannelLink:
    """An account of a store that the viewer may connect. Raises Refused(UnknownChannelLink)."""
    async with db.read(viewer.tenant) as session:
        links = await rows.links_by_id(session, viewer.tenant, [link_id])
    if not links or not access.within(viewer, Can.CONNECT_CHANNELS, [links[0].store_id]):
        raise Refused(UnknownChannelLink(str(link_id)))
    return links[0]


async def disconnect(db: Database, viewer: Viewer, key: UUID, link_id: UUID) -> ChannelLink:
    """End an account: no further pushes, and its messages are rejected.

    Raises Refused: UnknownChannelLink, WrongState.
    """
    await get_account(db, viewer, link_id)
    async with db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.claimant, key, link_id, "disconnectChannel", link_id) is None:
            link = await _open(unit, link_id)
            link.ended_at = unit.now
            disconnected = Act.DISCONNECT_CHANNEL, Subject.CHANNEL_ACCOUNT, link.id
            await record_act(unit, viewer, *disconnected, link.store_id, channel=link.channel)
    return await get_account(db, viewer, link_id)


async def _open(unit: Unit, link_id: UUID) -> ChannelLink:
    """The connected account, locked. Raises Refused(WrongState)."""
    link = await rows.locked_link(unit, link_id)
    if link is None:
        raise Refused(WrongState(WrongStateReason.DISCONNECTED))
    return link


async def set_listing(
    db: Database,
    viewer: Viewer,
    key: UUID,
    link_id: UUID,
    product_id: UUID,
    sku: str,
    item: str | None,
) -> ChannelLink:
    """Map a product to a SKU of the shop; its stock is pushed at once.

    Raises Refused: UnknownChannelLink, UnknownProduct, WrongState; Malformed when WeChat's `item`
    is missing.
    """
    await get_account(db, viewer, link_id)
    sku = clean(sku, "sku", 64, required=True)
    item = clean(item, "item", 64) or ""
    async with db.unit(viewer.tenant) as unit:
        request = ("setListing", link_id, product_id, sku, item)
        if await claim(unit, viewer.claimant, key, link_id, *request) is None:
            link = await _open(unit, link_id)
            if link.channel == "WECHAT" and not item:
                raise Malformed(
                    "item",
                    "微信小店的商品须填写商品编号",
                    "A WeChat listing needs the product id of the shop.",
                )
            await get_product(unit, product_id)
            listings = await rows.listings_of(unit.session, unit.tenant, [link_id])
            row = next((each for each in listings if each.sku == sku), None)
            if row is None:
                row = Listing(tenant_id=unit.tenant, id=uuid7(), link_id=link_id, sku=sku)
                unit.session.add(row)
            # `pushed_revision` stays: a push that is on its way is still known to be older.
            row.product_id, row.item, row.state = product_id, item, "NEW"
            row.pushed = row.next_at = row.error = None
            row.attempts = 0
    return await get_account(db, viewer, link_id)


async def remove_listing(
    db: Database, viewer: Viewer, key: UUID, link_id: UUID, sku: str
) -> ChannelLink:
    """Remove the mapping of a SKU; its stock is not pushed after that.

    Raises Refused: UnknownChannelLink, WrongState.
    """
    await get_account(db, viewer, link_id)
    async with db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.claimant, key, link_id, "removeListing", link_id, sku) is None:
            await _open(unit, link_id)
            for each in await rows.listings_of(unit.session, unit.tenant, [link_id]):
                if each.sku == sku:
                    await unit.session.delete(each)
    return await get_account(db, viewer, link_id)


async def retry(db: Database, viewer: Viewer, key: UUID, link_id: UUID) -> ChannelLink:
    """Retry every DEAD push and message of the account.

    Raises Refused: UnknownChannelLink, WrongState.
    """
    await get_account(db, viewer, link_id)
    async with db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.claimant, key, link_id, "retryChannel", link_id) is None:
            await _open(unit, link_id)
            await rows.revive(unit, link_id)
    return await get_account(db, viewer, link_id)


async def receive_messages(
    db: Database,
    shops: Shops,
    link: ChannelLink,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
) -> None:
    """Store a shop's messages. A job reads the orders they name from the shop later.

    Raises Forged for a wrong signature, ShopError when the account cannot be decrypted, Malformed
    for a body that cannot be read or stored.
    """
    try:
        messages = [
            (clean(id, "id", 200, required=True), clean(order, "order", 64, required=True))
            for id, order in shops.of(link).notices(headers, query, body)
        ]
    except UNREADABLE as error:
        raise Malformed(
            None, f"消息无法读取：{error}", f"The message cannot be read: {error}."
        ) from None
    if messages:
        async with db.unit(link.tenant_id) as unit:
            await rows.keep_messages(unit, link.id, messages)


def account_of(input: Any) -> Account:
    """The account in the input of `connectChannel`. Raises InvalidText."""
    return Account(
        clean(input.app_id, "appId", 100, required=True),
        clean(input.secret, "secret", 200, required=True),
        clean(input.shop_id, "shopId", 100) or "",
        clean(input.token, "token", 200) or "",
    )
