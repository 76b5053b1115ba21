"""Registered documents, and the checks that they pass before they are registered."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from graphql import GraphQLError

from app.db import tables
from app.domain import access
from app.domain import registered_operations as operations
from app.domain.access import Can, Viewer
from app.domain.errors import Malformed, Refused, Text
from app.domain.registered_operations import MOST_TEXT_BYTES
from app.schema import problems
from app.schema.arguments import at_most_characters, request_key
from app.schema.boundary import permission_of
from app.schema.documents import Document, Documents, Operation
from app.schema.edges import edge
from app.schema.identity import Actor
from app.schema.problems import Problem, as_sent, problem
from app.schema.query_cost import GUEST_BUDGET, budget_of, check_size
from app.schema.window import window

MOST_REASONS = 20
"""Reasons that are shown of an invalid document."""
OF_GUESTS = {Can.BROWSE, Can.PLACE_ORDER}
"""The permissions of the roots that a document for guests may have: each names its store, or an
order by its token."""


@window(
    tables.RegisteredOperation,
    needs=Can.MANAGE_OPERATIONS,
    description="A document of the chain, which clients name by its SHA-256. 可信查询",
)
class RegisteredOperation:
    sha256: str = strawberry.field(
        description="SHA-256 of the document in UTF-8, in lower-case hexadecimal digits: the `id` "
        "of a request. 哈希值"
    )
    for_guests: bool = strawberry.field(
        description="Whether guests may run it in the stores of the chain. 顾客可用"
    )
    cost: int = strawberry.field(
        description="Units of its most expensive operation, with the default page sizes where "
        "variables choose them. 成本"
    )
    registered_by: Actor | None = edge(
        "actors", "registered_by", "Owner or API key that registered it first. 登记人"
    )
    registered_at: datetime = strawberry.field(
        description="Time when it was registered first. 登记时间"
    )

    @strawberry.field(description="Text of the document. 内容")
    def document(self, root: strawberry.Parent[tables.RegisteredOperation]) -> str:
        return root.text


@strawberry.type(description="The hash of a document that is no longer registered. 已移除")
class RemovedOperation:
    sha256: str = strawberry.field(description="SHA-256 of the document. 哈希值")


@problem(
    operations.UnknownOperation,
    words=Text("没有登记过这个查询：{asked}", "No such document is registered: {asked}."),
    description="The chain has no registered document with this SHA-256. 查询未登记",
)
class UnknownOperation(Problem):
    asked: str = as_sent()


@problem(
    operations.TooManyOperations,
    words=Text(
        "最多登记 {most} 个查询，请先移除不用的",
        "A chain registers at most {most} documents: remove some first.",
    ),
    description="The chain has as many registered documents as it may have. 登记数量已满",
)
class TooManyOperations(Problem):
    most: int = strawberry.field(description="Number of documents that a chain may register.")


@problem(
    operations.InvalidDocument,
    words=Text("查询有误，请按提示修改", "The document is not valid: see `reasons`."),
    description="The document has errors of syntax, or does not fit the schema. 查询有误",
)
class InvalidDocument(Problem):
    reasons: list[str] = strawberry.field(
        description=f"What is wrong, in English, at most {MOST_REASONS}. 错误说明"
    )


RegisterOperationResult = Annotated[
    RegisteredOperation
    | InvalidDocument
    | TooManyOperations
    | UnknownOperation
    | problems.KeyReused,
    strawberry.union(
        "RegisterOperationResult",
        description="The registered document, or the problem that prevented it.",
    ),
]
RemoveOperationResult = Annotated[
    RemovedOperation | UnknownOperation | problems.KeyReused,
    strawberry.union(
        "RemoveOperationResult",
        description="The hash of the removed document, or the problem that prevented the removal.",
    ),
]


@strawberry.input(description="Input of `registerOperation`. 登记可信查询")
class RegisterOperationInput:
    key: UUID = request_key()
    document: str = strawberry.field(
        description=f"Text of a GraphQL document, at most {MOST_TEXT_BYTES} bytes in UTF-8. 内容",
        metadata=at_most_characters(MOST_TEXT_BYTES),
    )
    for_guests: bool = strawberry.field(
        default=False,
        description="Whether guests may run it. Its root fields must then be open to guests and "
        "name a store, or an order by its token. 顾客可用",
    )


@strawberry.input(description="Input of `removeOperation`. 移除可信查询")
class RemoveOperationInput:
    key: UUID = request_key()
    sha256: str = strawberry.field(description="SHA-256 of the document. 哈希值")


def cost_of(core: Any, viewer: Viewer, text: str, for_guests: bool) -> int:
    """The units of a document's most expensive operation, after all checks of the document.

    Raises Malformed for a text that is too long, and for a root that is not for guests;
    Refused(InvalidDocument); CostExceeded for more than the budget of those who may run it; Denied
    for a root that the viewer may not use.
    """
    schema = core.extensions["strawberry-definition"]
    document = _valid(schema.documents, text)
    budget = GUEST_BUDGET if for_guests else budget_of(viewer.scope)
    cost = 0
    for operation in document.operations:
        _check_roots(schema, viewer, operation, for_guests)
        size = operation.size({})
        check_size(size, operation.kind, budget)
        cost = max(cost, size.units)
    return cost


def _valid(documents: Documents, text: str) -> Document:
    """The document of this text. Raises Malformed and Refused(InvalidDocument)."""
    if len(text.encode()) > MOST_TEXT_BYTES:
        raise Malformed(
            "document",
            f"查询最多 {MOST_TEXT_BYTES} 字节",
            f"A document has at most {MOST_TEXT_BYTES} bytes.",
        )
    try:
        document = documents.read(text)
    except GraphQLError as error:
        raise Refused(operations.InvalidDocument((error.message,))) from None
    reasons = tuple(error.message for error in document.validate())
    if not reasons and not document.operations:
        reasons = ("The document has no operation.",)
    if reasons:
        raise Refused(operations.InvalidDocument(reasons[:MOST_REASONS]))
    return document


def _check_roots(schema: Any, viewer: Viewer, operation: Operation, for_guests: bool) -> None:
    """Check the permission of each root field. Raises Malformed and Denied."""
    permissions = _permissions(schema, operation)
    for node in operation.root_fields():
        name = node.name.value
        if name == "__typename":
            continue
        can = permissions.get(name)
        if for_guests and can not in OF_GUESTS:
            raise Malformed(
                "forGuests",
                f"顾客不能使用 {name}，或它没有指明门店；登录请使用服务器自带的查询",
                f"{name} is not for guests, or names no store. To sign in, use the server's own "
                "documents.",
            )
        if can is not None and can is not Can.SHOP:
            access.require(viewer, can)


def _permissions(schema: Any, operation: Operation) -> dict[str, Can | None]:
    """The permission of each root field of the operation's kind, by its name."""
    type_ = schema._schema.get_root_type(operation.node.operation)
    fields = type_.extensions["strawberry-definition"].fields
    name_of = schema.config.name_converter.get_graphql_name
    return {name_of(field): permission_of(field) for field in fields}
