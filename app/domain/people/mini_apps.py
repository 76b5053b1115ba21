"""Mini-programs of a chain: their credentials, set by the owner, and the clients that use them."""

from uuid import UUID

import httpx2
from cryptography.exceptions import UnsupportedAlgorithm

from app.db import customers as rows
from app.db.core.snapshot import Reads
from app.db.core.unit import Database
from app.db.core.vault import Unopened, Vault
from app.db.tables import MiniApp
from app.domain.access import Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.customer_errors import CustomerBlocked, InvalidLoginCode, PlatformUnavailable
from app.domain.errors import (
    Malformed,
    Refused,
    TooManyAttempts,
    WrongState,
    WrongStateReason,
)
from app.domain.people import contacts
from app.domain.rules.texts import clean
from app.platforms import mini_apps as clients
from app.platforms.douyin_phones import DouyinPhones, private_key
from app.platforms.mini_apps import CodeRefused, DouyinMiniApp, WechatMiniApp
from app.platforms.platform import ShopError
from app.settings import Settings

CHANNELS = ("WECHAT", "DOUYIN")
LONGEST_KEY = 10_000
Sealed = tuple[bytes, bytes | None]
"""The sealed secret and phone key of a client."""

TOO_OFTEN_SECONDS = 60


class MiniApps:
    """Clients of the chains' mini-programs; one per process. A client keeps its access token."""

    def __init__(self, settings: Settings) -> None:
        self._urls = {"WECHAT": settings.wechat_url, "DOUYIN": settings.douyin_login_url}
        self._http = httpx2.AsyncClient()
        self._open_url = settings.douyin_open_url.rstrip("/")
        self._clients: dict[tuple[UUID, str], tuple[Sealed, clients.MiniApp]] = {}

    def of(self, vault: Vault, row: MiniApp) -> clients.MiniApp:
        """The client of a mini-program. Raises Refused when its secret cannot be opened."""
        name = row.tenant_id, row.channel
        credentials = row.sealed_secret, row.sealed_phone_key
        sealed, client = self._clients.get(name, (None, None))
        if client is None or sealed != credentials:
            try:
                client = self._client(vault, row)
            except Unopened:
                raise Refused(WrongState(WrongStateReason.MINI_APP_REFUSED)) from None
            self._clients[name] = credentials, client
        return client

    def _client(self, vault: Vault, row: MiniApp) -> clients.MiniApp:
        secret = vault.open(row.tenant_id, row.seal_id, row.sealed_secret)
        what = self._http, self._urls[row.channel], row.app_id, secret
        if row.channel == "WECHAT":
            return WechatMiniApp(*what)
        if row.sealed_phone_key is None:
            return DouyinMiniApp(*what)
        pem = vault.open(row.tenant_id, row.phone_key_id, row.sealed_phone_key)
        return DouyinMiniApp(*what, DouyinPhones(self._open_url, private_key(pem)))

    async def close(self) -> None:
        await self._http.aclose()


async def set_mini_app(
    db: Database,
    viewer: Viewer,
    key: UUID,
    channel: str,
    app_id: str,
    secret: str,
    phone_key: str | None = None,
) -> MiniApp:
    """Set the mini-program by which customers sign in through a channel; secrets are sealed.

    Raises Malformed for another channel, and for a phone key that is none or is not Douyin's.
    """
    if channel not in CHANNELS:
        raise Malformed(
            "channel", "只能对接微信或抖音小程序", "Only WeChat and Douyin have mini-programs."
        )
    app = MiniApp(
        tenant_id=viewer.tenant,
        channel=channel,
        app_id=clean(app_id, "appId", 100, required=True),
        set_by=viewer.actor,
    )
    secret = clean(secret, "secret", 200, required=True)
    app.sealed_secret = db.vault.seal(viewer.tenant, app.seal_id, secret)
    sent = [contacts.printed(db.vault, viewer.tenant, secret)]
    if phone_key is not None:
        _check_phone_key(channel, phone_key)
        app.sealed_phone_key = db.vault.seal(viewer.tenant, app.phone_key_id, phone_key)
        sent.append(contacts.printed(db.vault, viewer.tenant, phone_key))
    request = ("setMiniApp", channel, app.app_id, *sent)
    async with db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.claimant, key, app.seal_id, *request) is None:
            await rows.put_mini_app(unit, app)
            act = Act.SET_MINI_APP, Subject.CHAIN, viewer.tenant
            await record_act(unit, viewer, *act, channel=channel)
    return await get_mini_app(db, viewer.tenant, channel)


def _check_phone_key(channel: str, pem: str) -> None:
    try:
        if channel != "DOUYIN" or len(pem) > LONGEST_KEY:
            raise ValueError(channel)
        private_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise Malformed(
            "phoneKey",
            "请填写抖音小程序的应用私钥（RSA，PEM 格式，无密码）",
            "Give the private RSA key of the Douyin mini-program, in PEM and without a password.",
        ) from None


async def get_mini_app(reads: Reads, tenant: UUID, channel: str) -> MiniApp:
    """The chain's mini-program in this channel. Raises Refused(WrongState)."""
    async with reads.read(tenant) as session:
        apps = await rows.mini_apps(session, tenant)
    app = next((each for each in apps if each.channel == channel), None)
    if app is None:
        raise Refused(WrongState(WrongStateReason.NO_MINI_APP))
    return app


def refusal_of(error: CodeRefused | ShopError) -> Refused:
    """What the platform's answer means for the customer."""
    if isinstance(error, ShopError):
        return Refused(PlatformUnavailable())
    match error.why:
        case clients.Refusal.CODE:
            return Refused(InvalidLoginCode())
        case clients.Refusal.BLOCKED:
            return Refused(CustomerBlocked())
        case clients.Refusal.TOO_OFTEN:
            return Refused(TooManyAttempts(TOO_OFTEN_SECONDS))
        case clients.Refusal.APP:
            return Refused(WrongState(WrongStateReason.MINI_APP_REFUSED))
