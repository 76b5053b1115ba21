"""Customers with an account: signed in by a mini-program, with a phone number that they bind.

The platform's id and the phone number are personal data: sealed, found by a blind index, erased.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from app.db import customers as rows
from app.db import identity
from app.db.core.snapshot import Reads
from app.db.core.unit import Database, Unit
from app.db.core.vault import Unopened, Vault
from app.db.tables import Customer, Order, Pass
from app.domain.access import Viewer
from app.domain.claims import claim
from app.domain.errors import (
    Malformed,
    Refused,
    UnknownStore,
    WrongState,
    WrongStateReason,
)
from app.domain.people import contacts, tokens
from app.domain.people.mini_apps import MiniApps, get_mini_app, refusal_of
from app.domain.people.sessions import Gate
from app.domain.people.sign_in import SignedIn, open_session
from app.domain.rules.phones import normal
from app.domain.rules.texts import clean
from app.platforms.mini_apps import CodeRefused
from app.platforms.platform import ShopError

log = structlog.get_logger()


class LoginCode(NamedTuple):
    """The code of a mini-program's login, and the chain by its own or a store's public code."""

    channel: str
    code: str
    store: str | None = None
    tenant: str | None = None
    device_name: str | None = None


async def sign_in_with(gate: Gate, apps: MiniApps, login: LoginCode) -> SignedIn:
    """A session of the customer whom the platform names; their first sign-in opens the account.

    Raises Refused: UnknownStore, InvalidLoginCode, CustomerBlocked, TooManyAttempts,
    PlatformUnavailable, WrongState when the chain has no mini-program; Malformed.
    """
    code = clean(login.code, "code", 200, required=True)
    device_name = clean(login.device_name, "deviceName", 100)
    tenant = await _chain(gate.db, login)
    app = await get_mini_app(gate.db, tenant, login.channel)
    # No connection is held while the platform answers.
    try:
        openid = await apps.of(gate.db.vault, app).openid(code)
    except (CodeRefused, ShopError) as error:
        log.warning("customer.sign_in_refused", channel=login.channel, error=str(error))
        raise refusal_of(error) from None
    name = f"{login.channel} {app.app_id} {openid}"
    async with gate.db.unit(tenant) as unit:
        customer = await _opened(unit, gate.db.vault, login.channel, name)
        return await open_session(gate.signer, unit, device_name, customer_id=customer.id)


async def _chain(db: Database, login: LoginCode) -> UUID:
    if (login.store is None) == (login.tenant is None):
        raise Malformed(
            "store", "门店和商户编码须填且只填一个", "Give exactly one of store and tenant."
        )
    kind, field = ("store", login.store) if login.store is not None else ("tenant", login.tenant)
    code = clean(field, kind, 100, required=True)
    chain = await identity.resolve_name(db, kind, code)
    if chain is None:
        raise Refused(UnknownStore(code))
    return chain.tenant_id


async def _opened(unit: Unit, vault: Vault, channel: str, name: str) -> Customer:
    """The customer with this identity; of two first sign-ins at once, both get the same one."""
    indexes = vault.indexes(unit.tenant, name)
    customer = await rows.locked_customer(unit, indexes)
    if customer is None:
        id = uuid7()
        new = Customer(
            id=id,
            channel=channel,
            sealed_identity=vault.seal(unit.tenant, id, name),
            identity_index=indexes[0],
        )
        await rows.add_customer(unit, new)
        customer = await rows.locked_customer(unit, indexes)
    assert customer is not None
    return customer


async def bind_phone(
    db: Database, apps: MiniApps, viewer: Viewer, key: UUID, code: str
) -> Customer:
    """The customer with the phone number that the platform gives for the code of their consent.

    Raises Refused: InvalidLoginCode, TooManyAttempts, PlatformUnavailable; WrongState for a
    channel that gives no number.
    """
    code = clean(code, "code", 200, required=True)
    customer = await get_customer(db, viewer)
    app = await get_mini_app(db, viewer.tenant, customer.channel)
    number, refused = None, None
    try:
        number = await apps.of(db.vault, app).phone(code)
    except (CodeRefused, ShopError) as error:
        refused = refusal_of(error)
    else:
        if number is None:
            raise Refused(WrongState(WrongStateReason.NO_PHONE))
    phone = "" if number is None else clean(number, "code", 100, required=True)
    request = ("bindPhone", viewer.actor, contacts.printed(db.vault, viewer.tenant, code))
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.claimant, key, viewer.actor, *request)
        row = await _to_change(unit, viewer)
        # The platform takes a code once: it refuses the code of a request that is repeated.
        if earlier is None and refused is not None:
            raise refused
        if earlier is None:
            row.sealed_phone = db.vault.seal(unit.tenant, row.id, phone)
            row.phone_index = db.vault.index(unit.tenant, normal(phone))
    return row


async def _to_change(unit: Unit, viewer: Viewer) -> Customer:
    row = await rows.customer_to_change(unit, viewer.actor)
    if row is None:
        raise tokens.unknown()
    return row


async def get_customer(reads: Reads, viewer: Viewer) -> Customer:
    """The viewer's own account. Raises Denied when it was just erased."""
    async with reads.read(viewer.tenant) as session:
        customer = await rows.customer_by_id(session, viewer.tenant, viewer.actor)
    if customer is None or customer.erased_at is not None:
        raise tokens.unknown()
    return customer


def phone_of(vault: Vault, customer: Customer) -> str | None:
    """The number that the customer bound; None without one."""
    if customer.sealed_phone is None:
        return None
    try:
        return vault.open(customer.tenant_id, customer.id, customer.sealed_phone)
    except Unopened:
        log.error("customer.unopened", tenant=str(customer.tenant_id), id=str(customer.id))
        return None


def phone_indexes(vault: Vault, customer: Customer) -> Sequence[bytes]:
    """The blind indexes that find orders and passes of the customer's phone number."""
    phone = phone_of(vault, customer)
    return () if phone is None else vault.indexes(customer.tenant_id, normal(phone))


async def owns(reads: Reads, vault: Vault, viewer: Viewer, row: Order | Pass) -> bool:
    """Whether the order or pass is the viewer's own: placed by them, or for their number."""
    mine = row.placed_by if isinstance(row, Order) else row.customer_id
    if mine == viewer.actor:
        return True
    customer = await get_customer(reads, viewer)
    return row.contact_index is not None and row.contact_index in phone_indexes(vault, customer)


async def erase_account(unit: Unit, customer: Customer) -> None:
    """Erase the identity and phone of an account and end its sessions; its row remains."""
    customer.sealed_identity = customer.identity_index = None
    customer.sealed_phone = customer.phone_index = None
    customer.erased_at = unit.now
    await identity.end_sessions(unit, customer.id)


def seal_account_again(vault: Vault, customer: Customer) -> None:
    """Seal the identity and phone of an account with the current secret. Raises Unopened."""
    tenant, id = customer.tenant_id, customer.id
    assert customer.sealed_identity is not None, "an erased account has no index"
    name = vault.open(tenant, id, customer.sealed_identity)
    if customer.sealed_phone is not None:
        phone = vault.open(tenant, id, customer.sealed_phone)
        customer.sealed_phone = vault.seal(tenant, id, phone)
        customer.phone_index = vault.index(tenant, normal(phone))
    customer.sealed_identity = vault.seal(tenant, id, name)
    customer.identity_index = vault.index(tenant, name)
