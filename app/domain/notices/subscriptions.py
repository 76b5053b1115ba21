"""Mini-program messages: templates of the chain, identities of staff, and their credits.

WeChat and Douyin send one message for each time that a person subscribes to its template. The
mini-program reports each subscription; a message that is written spends one.
"""

from collections.abc import Mapping
from uuid import UUID

import structlog

from app.db import subscriptions as rows
from app.db.core.snapshot import Reads
from app.db.core.unit import Database
from app.db.subscriptions import Subscription
from app.db.tables import MessageTemplate, StaffMiniApp
from app.domain.access import Viewer
from app.domain.audit_log import Act, Subject, record_act
from app.domain.claims import claim
from app.domain.errors import Malformed, Refused, UnknownNotification, WrongState, WrongStateReason
from app.domain.people import contacts
from app.domain.people.mini_apps import MiniApps, get_mini_app, refusal_of
from app.domain.rules.message_fields import Part, most_characters
from app.domain.rules.texts import clean
from app.platforms.mini_apps import CodeRefused
from app.platforms.platform import ShopError

log = structlog.get_logger()

CHANNELS = ("WECHAT", "DOUYIN", "SMS")
"""Channels that reach one person, in the order in which they are tried."""
MOST_FIELDS = 10
MOST_AT_ONCE = 20
"""Subscriptions that one request reports."""
MOST_CREDITS = 1000


async def set_template(
    db: Database,
    viewer: Viewer,
    key: UUID,
    channel: str,
    template: str,
    page: str | None,
    fields: Mapping[str, Part],
) -> MessageTemplate:
    """Sets the template of a channel, in place of the one before.

    Raises Malformed for a channel without templates, and for a field that its part cannot fill.
    """
    template = clean(template, "template", 100, required=True)
    page = clean(page, "page", 200)
    _check_fields(channel, fields)
    row = MessageTemplate(
        tenant_id=viewer.tenant,
        channel=channel,
        template=template,
        page=page,
        fields=list(fields),
        parts=[part.name for part in fields.values()],
        set_by=viewer.actor,
    )
    request = ("setMessageTemplate", channel, template, page, row.fields, row.parts)
    async with db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.claimant, key, viewer.tenant, *request) is None:
            await rows.put_template(unit, row)
            act = Act.SET_MESSAGE_TEMPLATE, Subject.CHAIN, viewer.tenant
            await record_act(unit, viewer, *act, channel=channel)
        present = await rows.templates(unit.session, viewer.tenant)
    return next(each for each in present if each.channel == channel)


def _check_fields(channel: str, fields: Mapping[str, Part]) -> None:
    if channel not in CHANNELS:
        raise Malformed(
            "channel",
            "只有微信、抖音和短信有消息模板",
            "Only WECHAT, DOUYIN and SMS have message templates.",
        )
    if not 1 <= len(fields) <= MOST_FIELDS:
        raise Malformed(
            "fields",
            f"请填写 1 至 {MOST_FIELDS} 个模板字段，名称不重复",
            f"Give 1 to {MOST_FIELDS} fields with different names.",
        )
    for name, part in fields.items():
        if most_characters(channel, name, part) is None:
            shown = name[:40]
            raise Malformed(
                "fields",
                f"字段 {shown} 不能填写 {part.name}，请按平台模板填写，例如 thing1 填 TEXT",
                f"The field {shown} cannot hold {part.name}. Write the names as they are in the "
                "platform's template: for example thing1 with TEXT.",
            )


async def bind_mini_app(
    db: Database, apps: MiniApps, viewer: Viewer, key: UUID, channel: str, code: str
) -> Subscription:
    """Binds the viewer's identity in the channel's mini-program, by the code of its login.

    Raises Refused: InvalidLoginCode, CustomerBlocked, TooManyAttempts, PlatformUnavailable;
    WrongState when the chain has no mini-program in the channel.
    """
    code = clean(code, "code", 200, required=True)
    app = await get_mini_app(db, viewer.tenant, channel)
    openid, refused = "", None
    # No connection is held while the platform answers.
    try:
        openid = await apps.of(db.vault, app).openid(code)
    except (CodeRefused, ShopError) as error:
        log.warning("mini_app.bind_refused", channel=channel, error=str(error))
        refused = refusal_of(error)
    identity = StaffMiniApp(
        tenant_id=viewer.tenant, staff_id=viewer.actor, channel=channel, app_id=app.app_id
    )
    sent = contacts.printed(db.vault, viewer.tenant, code)
    request = ("bindMiniApp", viewer.actor, channel, sent)
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.claimant, key, identity.seal_id, *request)
        # The platform takes a code once: it refuses the code of a request that is repeated.
        if earlier is None and refused is not None:
            raise refused
        if earlier is None:
            identity.sealed_openid = db.vault.seal(viewer.tenant, identity.seal_id, openid)
            await rows.put_identity(unit, identity)
    return await _subscription(db, viewer, channel)


async def unbind_mini_app(db: Database, viewer: Viewer, key: UUID, channel: str) -> Subscription:
    """Deletes the viewer's identity in the channel's mini-program; again is harmless.

    Raises Refused(WrongState) when the chain has no mini-program in the channel.
    """
    # I5: what is refused leaves no claim.
    await _subscription(db, viewer, channel)
    request = ("unbindMiniApp", viewer.actor, channel)
    async with db.unit(viewer.tenant) as unit:
        if await claim(unit, viewer.claimant, key, viewer.actor, *request) is None:
            await rows.remove_identity(unit, viewer.actor, channel)
    return await _subscription(db, viewer, channel)


async def grant_credit(
    db: Database, viewer: Viewer, key: UUID, template: str, count: int
) -> Subscription:
    """Adds messages that the viewer has subscribed to.

    Raises Refused(UnknownNotification) for a template that no mini-program of the chain has, and
    Malformed for a count out of range.
    """
    template = clean(template, "template", 100, required=True)
    if not 1 <= count <= MOST_AT_ONCE:
        raise Malformed(
            "count", f"次数须为 1 至 {MOST_AT_ONCE}", f"Give a count from 1 to {MOST_AT_ONCE}."
        )
    request = ("grantMessageCredit", viewer.actor, template, count)
    async with db.unit(viewer.tenant) as unit:
        earlier = await claim(unit, viewer.claimant, key, viewer.actor, *request)
        present = await rows.subscriptions(unit.session, viewer.tenant, viewer.actor)
        mine = next((each for each in present if each.template == template), None)
        if mine is None:
            raise Refused(UnknownNotification(template))
        if earlier is None:
            total = await rows.add_credits(unit, viewer.actor, template, count, MOST_CREDITS)
            mine = mine._replace(credits=total)
    return mine


async def list_subscriptions(reads: Reads, viewer: Viewer) -> list[Subscription]:
    """The chain's mini-programs for the viewer, by channel."""
    async with reads.read(viewer.tenant) as session:
        return await rows.subscriptions(session, viewer.tenant, viewer.actor)


async def _subscription(db: Database, viewer: Viewer, channel: str) -> Subscription:
    for each in await list_subscriptions(db, viewer):
        if each.channel == channel:
            return each
    raise Refused(WrongState(WrongStateReason.NO_MINI_APP))
