"""The audit log: privileged acts, recorded in the transaction that they are part of."""

from collections.abc import Collection
from enum import Enum, unique
from typing import TypedDict, Unpack
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from app.db import audit_log as rows
from app.db.audit_log import AuditFilter, AuditRow
from app.db.core.unit import Unit, clock
from app.domain import access
from app.domain.access import Can, Role, Viewer


@unique
class Act(Enum):
    """The acts that the log knows."""

    INVITE_STAFF = "Created a staff account. 邀请员工"
    SET_STAFF_ROLE = "Changed the role or the stores of a staff account. 调整权限"
    REMOVE_STAFF = "Deactivated a staff account. 移除员工"
    CHANGE_PASSWORD = "Changed their own password. 修改密码"
    RESET_PASSWORD = "Reset the password of a staff account. 重置密码"
    REVOKE_SESSION = "Ended a session. 结束会话"
    CREATE_API_KEY = "Created an API key. 新建接口密钥"
    REVOKE_API_KEY = "Revoked an API key. 吊销接口密钥"
    CREATE_STORE = "Created a store. 新建门店"
    UPDATE_STORE = "Changed the settings of a store. 修改门店"
    CONNECT_CHANNEL = "Connected a channel account. 对接渠道店铺"
    DISCONNECT_CHANNEL = "Disconnected a channel account. 断开渠道店铺"
    SET_MINI_APP = "Set the credentials of a mini-program. 对接小程序"
    SET_MESSAGE_TEMPLATE = "Set the template of a channel's messages. 设置消息模板"
    SET_SMS_ACCOUNT = "Set the account by which SMS are sent. 对接短信"
    CREATE_WEBHOOK = "Created a webhook. 新建 Webhook"
    ROTATE_WEBHOOK_SECRET = "Gave a webhook a new secret. 更换 Webhook 密钥"
    END_WEBHOOK_SECRET = "Ended the old secret of a webhook. 停用 Webhook 旧密钥"
    REPLAY_WEBHOOK = "Sent changes of a store to a webhook again. 重发 Webhook"
    DELETE_WEBHOOK = "Deleted a webhook. 删除 Webhook"
    REGISTER_OPERATION = "Registered a document, or changed who may run it. 登记可信查询"
    REMOVE_OPERATION = "Removed a registered document. 移除可信查询"
    APPROVE_WRITE_OFF = "Approved a write-off. 批准报损"
    REJECT_WRITE_OFF = "Rejected a write-off. 驳回报损"
    APPROVE_MOVEMENT = "Approved a movement above a role's limit. 批准超额"
    REJECT_MOVEMENT = "Rejected a movement above a role's limit. 驳回超额"
    SET_BACKDATE_DAYS = "Set how late movements may be recorded. 设置补录期限"
    SET_WRITE_OFF_LIMIT = "Set the approval limit of a role. 设置报损额度"
    CLOSE_STOCKTAKE = "Closed a stocktake. 盘点过账"
    REVERSE_STOCKTAKE = "Reversed a stocktake. 撤销盘点"
    SET_STOCKTAKE_RULES = "Set the rules of stocktakes. 设置盘点规则"
    APPROVE_REPLENISHMENT = "Approved a replenishment request. 批准补货"
    REJECT_REPLENISHMENT = "Rejected a replenishment request. 驳回补货"
    ADJUST = "Adjusted stock by hand. 手工调整"
    SET_MARKDOWN = "Set or ended the markdown of a batch. 设置临期折扣"
    REVERSE = "Reversed a movement. 冲销"
    REVEAL_CONTACT = "Read a customer's contact in full. 查看联系方式"
    ERASE_CUSTOMER = "Erased a customer's contact everywhere. 删除顾客信息"


class Subject(Enum):
    """What an act was done to."""

    STAFF = "The account of a member of staff. 员工"
    SESSION = "A session of a staff account. 会话"
    API_KEY = "An API key of a program. 接口密钥"
    STORE = "A store or warehouse. 门店"
    CHANNEL_ACCOUNT = "An account of a sales channel. 渠道店铺"
    WRITE_OFF = "A request to write goods off. 报损单"
    APPROVAL = "A movement that waits for a second person. 超额申请"
    STOCKTAKE = "A stocktake of a store. 盘点单"
    TRANSFER = "A replenishment request or transfer. 调拨单"
    BATCH = "A batch of a product in a store. 批次"
    MOVEMENT = "A movement of stock. 变动单据"
    ORDER = "An order of a customer. 订单"
    PASS = "A prepaid pass. 次卡"
    WEBHOOK = "A webhook of a program. Webhook"
    OPERATION = "A registered document. 可信查询"
    CHAIN = "The chain as a whole. 商户"


class Details(TypedDict, total=False):
    """What an act changed, by name. Secrets and personal data have no name here."""

    role: str
    role_before: str
    stores: list[str]
    scopes: list[str]
    settings: list[str]
    """Names of the settings that changed."""
    channel: str
    provider: str
    events: list[str]
    amount: int | None
    """1/10000 yuan; None is no limit."""
    percent: int | None
    """Percent off; None ends a markdown."""
    kind: str
    """The kind of a movement."""
    sha256: str
    """The hash of a registered document."""
    for_guests: bool
    """Whether guests may run it."""
    orders: int
    passes: int
    accounts: int
    """Numbers of rows."""


def audit_row(
    viewer: Viewer,
    act: Act,
    subject: Subject,
    subject_id: UUID,
    store: UUID | None = None,
    **details: Unpack[Details],
) -> AuditRow:
    """The row of an act that the viewer does now; `store` is None for an act on the chain."""
    return AuditRow(
        id=uuid7(),
        act=act.name,
        actor_id=viewer.actor,
        role=viewer.scope.role.name,
        subject=subject.name,
        subject_id=subject_id,
        store_id=store,
        details=orjson.dumps(details).decode(),
        address=viewer.address or None,
        at=clock(),
    )


async def record_act(
    unit: Unit,
    viewer: Viewer,
    act: Act,
    subject: Subject,
    subject_id: UUID,
    store: UUID | None = None,
    **details: Unpack[Details],
) -> None:
    """Record that the viewer does this, in the unit's transaction; without the act there is no
    record, and without the record no act."""
    await rows.write(unit, [audit_row(viewer, act, subject, subject_id, store, **details)])


def visible_to(viewer: Viewer, store_ids: Collection[UUID] | None) -> AuditFilter:
    """The part of the log that the viewer may read.

    Managers read the acts in their own stores, purchasers those in all stores; acts that concern
    the whole chain are for owners.
    """
    stores = access.within(viewer, Can.SEE_AUDIT, store_ids)
    return AuditFilter(stores, store_ids is None and viewer.scope.role is Role.OWNER)
