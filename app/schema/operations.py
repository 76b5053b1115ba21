"""Which operation of a document runs: the one that is named, or the only one."""

from typing import Any

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionContext
from strawberry.types.execution import PreExecutionError

from app.schema.outages import PatientSchema

UNNAMED = (
    "文档包含多个操作，请用 operationName 指定要执行的一个。"
    " Give operationName: the document has several operations."
)
UNKNOWN = (
    "文档中没有要执行的操作，请检查 operationName。"
    " The document has no such operation: check operationName."
)
NOT_STREAMED = (
    "订阅请使用 WebSocket（graphql-transport-ws）或 Accept: text/event-stream。"
    " Send a subscription over WebSocket (graphql-transport-ws) or accept text/event-stream."
)


class SingleOperation(PatientSchema):
    """Runs nothing and answers a BAD_INPUT error unless exactly one operation is meant.

    Strawberry runs the first operation of several when the request names none.
    """

    async def _prepare_operation_async(
        self, context: ExecutionContext, extensions_runner: SchemaExtensionsRunner
    ) -> PreExecutionError | None:
        try:
            error = await super()._prepare_operation_async(context, extensions_runner)
        except CannotGetOperationTypeError:
            return refuse(UNKNOWN)
        except InvalidOperationTypeError:
            return refuse(NOT_STREAMED)
        if error is None and _is_ambiguous(context):
            return refuse(UNNAMED)
        return error


def refuse(message: str) -> PreExecutionError:
    """A result that ends the operation before any field runs."""
    return PreExecutionError(data=None, errors=[GraphQLError(message)])


def _is_ambiguous(context: ExecutionContext) -> bool:
    # `operation_name` is never None here: Strawberry falls back to the first operation's name.
    if context._provided_operation_name is not None:
        return False
    document: DocumentNode | None = context.graphql_document
    definitions: tuple[Any, ...] = document.definitions if document else ()
    return sum(isinstance(each, OperationDefinitionNode) for each in definitions) > 1
