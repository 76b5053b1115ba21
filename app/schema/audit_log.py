"""The audit log: who did what with a privilege, and when."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_camel_case

from app.db import tables
from app.domain.audit_log import Act, Subject
from app.schema.edges import edge, maybe_edge
from app.schema.identity import Actor, Role, Store
from app.schema.window import describe_values, window

strawberry.enum(Act, name="AuditAct", description="An act that the audit log records. 操作")
describe_values(Act, {act.name: act.value for act in Act})
strawberry.enum(Subject, name="AuditSubject", description="Object of a privileged act. 操作对象")
describe_values(Subject, {subject.name: subject.value for subject in Subject})


@strawberry.type(description="A value that an act set, or another detail of it. 操作明细")
class AuditDetail:
    name: str = strawberry.field(description="Name of the value, such as `role`. 名称")
    values: list[str] = strawberry.field(
        description="The value as text, or several; empty if there is none. 内容"
    )


@window(tables.AuditRecord, description="A privileged act; records are never changed. 操作记录")
class AuditRecord:
    id: UUID = strawberry.field(description="ID of the record.")
    at: datetime = strawberry.field(description="Time of the act. 操作时间")
    actor: Actor | None = edge(
        "actors", "actor_id", "Member of staff or API key that did it. 操作人"
    )
    subject_id: UUID = strawberry.field(description="ID of the object of the act.")
    store: Store | None = maybe_edge(
        "stores", "store_id", "Store of the act; null if it concerns the whole chain. 门店"
    )
    address: str | None = strawberry.field(
        description="IP address that the request came from; null if it is not known. IP 地址"
    )

    @strawberry.field(description="What was done. 操作")
    def act(self, root: strawberry.Parent[tables.AuditRecord]) -> Act:
        return Act[root.act]

    @strawberry.field(description="Role of the actor at that time. 角色")
    def role(self, root: strawberry.Parent[tables.AuditRecord]) -> Role:
        return Role[root.role]

    @strawberry.field(description="Kind of the object of the act. 对象类型")
    def subject(self, root: strawberry.Parent[tables.AuditRecord]) -> Subject:
        return Subject[root.subject]

    @strawberry.field(
        description="Values that the act set; never secrets or personal data. 操作明细"
    )
    def details(self, root: strawberry.Parent[tables.AuditRecord]) -> list[AuditDetail]:
        return [_detail(name, value) for name, value in root.details.items()]


def _detail(name: str, value: Any) -> AuditDetail:
    values = value if isinstance(value, list) else [] if value is None else [value]
    texts = [str(each) for each in values]
    if name == "settings":
        texts = [to_camel_case(each) for each in texts]
    return AuditDetail(name=to_camel_case(name), values=texts)
