"""Checks an operation before it runs (limits, budget, validation), and runs it within a
deadline."""

from hashlib import sha256
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.types import ExecutionContext
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.domain.access import Role, Scope
from app.domain.errors import CostExceeded, Denied, Malformed, Unavailable
from app.live.executor import COST, PREPARED, Cost
from app.live.mirror import Computed
from app.live.share import Answer
from app.schema.documents import Document, Documents, Operation
from app.schema.offline_sales import read_sales
from app.schema.outages import PatientSchema
from app.schema.persisted import is_own
from app.schema.query_cost import budget_of, check_size

UNNAMED = (
    "文档包含多个操作，请用 operationName 指定要执行的一个",
    "Give operationName: the document has several operations.",
)
UNKNOWN = (
    "文档中没有要执行的操作，请检查 operationName",
    "The document has no such operation: check operationName.",
)
POSTED_ONLY = ("修改数据请用 POST 提交", "Send a mutation by POST.")
NOT_STREAMED = (
    "订阅请使用 WebSocket（graphql-transport-ws）或 Accept: text/event-stream",
    "Send a subscription over WebSocket (graphql-transport-ws) or accept text/event-stream.",
)

MOST_SCHEMA_ANSWERS = 8
"""How many answers to introspection are cached: each client library sends its own query."""


class GuardedSchema(PatientSchema):
    """Runs exactly one operation, within the limits; every refusal is a typed error.

    Whether over HTTP, as server-sent events or on a socket, an operation passes here first.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.documents = Documents(self._schema)
        self._schema_answers: dict[str, Any] = {}

    async def _prepare_operation_async(
        self, context: ExecutionContext, extensions_runner: SchemaExtensionsRunner
    ) -> PreExecutionError | None:
        scope: Scope | None = getattr(context.context, "scope", None)
        budget = budget_of(scope)
        cost = {"requested": 0, "budget": budget}
        context.extensions_results["cost"] = cost
        try:
            _check_guest_document(context.query or "", context.context)
            document = self.documents.read(context.query or "")
            context.graphql_document = document.node
            operation = _chosen(document, context)
            size = operation.size(context.variables or {})
            cost["requested"] = size.units
            check_size(size, operation.kind, budget)
            if document.introspects:
                _check_introspection(context.context)
        except GraphQLError as error:
            errors = [error]
        except (CostExceeded, Denied, Malformed) as error:
            errors = [GraphQLError(str(error), original_error=error)]
        else:
            errors = document.validate()
            if not errors:
                self.documents.keep(document)
                self._read_sales(operation, context)
                # The answer of a mutation is as large as its input, which is limited.
                is_query = operation.kind is OperationType.QUERY
                COST.set(Cost(size.units, budget, is_query))
                context.context.snapshot.expects_one = is_query and operation.reads_once
                PREPARED.set(operation.prepared if self._is_planned(context) else None)
                return None
        context.pre_execution_errors = errors
        return PreExecutionError(data=None, errors=errors)

    def _is_planned(self, context: ExecutionContext) -> bool:
        return context.context.app.settings.compiled_plans

    def _read_sales(self, operation: Operation, context: ExecutionContext) -> None:
        """Puts placeholders in place of offline sales that cannot be read."""
        if operation.sale_variables:
            read = read_sales(self._schema, operation.sale_variables, context.variables or {})
            context.variables, placeholders = read
            context.context.unreadable.update(placeholders)

    async def _execute_operation(
        self, execution_context: ExecutionContext, *arguments: Any, **named: Any
    ) -> Any:
        """The result within the deadline; answers to introspection are cached."""
        document = self.documents.read(execution_context.query or "")
        question = document.schema_question
        if question in self._schema_answers:
            return ExecutionResult(data=self._schema_answers[question], errors=None)
        result = await self._execute_in_time(execution_context, *arguments, **named)
        if question and not result.errors and len(self._schema_answers) < MOST_SCHEMA_ANSWERS:
            self._schema_answers[question] = result.data
        return result

    async def _execute_in_time(
        self, execution_context: ExecutionContext, *arguments: Any, **named: Any
    ) -> Any:
        deadlines = execution_context.context.app.deadlines
        try:
            work = self._execute_once(execution_context, *arguments, **named)
            result: Any = await deadlines.within(work)
        except TimeoutError:
            is_mutation = execution_context.operation_type is OperationType.MUTATION
            error = _late(deadlines.seconds, is_mutation)
        else:
            exceeded = [each for each in result.errors or () if _is_exceeded(each)]
            if not exceeded:
                return result
            error = GraphQLError(str(exceeded[0]), original_error=exceeded[0].original_error)
        self._process_errors([error], execution_context)
        return ExecutionResult(data=None, errors=[error])

    async def _execute_once(
        self, execution_context: ExecutionContext, *arguments: Any, **named: Any
    ) -> Any:
        """The result; one whose answer is the same for all readers comes from the mirror."""
        execute = self._execute_and_learn
        document = self.documents.read(execution_context.query or "")
        question = _shared_question(document, execution_context)
        if question is None:
            return await execute(execution_context, *arguments, **named)
        result = None

        async def compute() -> Computed | None:
            nonlocal result
            result = await execute(execution_context, *arguments, **named)
            stores = frozenset(execution_context.context.public_stores)
            if result.errors or not stores:
                return None
            return Computed(Answer(result.data), stores)

        answer = await execution_context.context.app.hub.mirror.answer(question, compute)
        if result is not None:
            return result
        if answer is not None:
            return ExecutionResult(data=answer, errors=None)
        return await execute(execution_context, *arguments, **named)

    async def _execute_and_learn(
        self, execution_context: ExecutionContext, *arguments: Any, **named: Any
    ) -> Any:
        """The result; the operation learns how many statements it needs."""
        result = await super()._execute_operation(execution_context, *arguments, **named)
        document = self.documents.read(execution_context.query or "")
        operation = document.operation(execution_context._provided_operation_name)
        assert operation is not None
        operation.reads_once = execution_context.context.snapshot.statements == 1
        return result


def _shared_question(document: Document, context: ExecutionContext) -> bytes | None:
    """The hash of what is asked, if the answer is the same for all readers; None otherwise.

    Readers with another budget may be refused the same answer, so each budget has its own.
    """
    name = context._provided_operation_name
    if not document.is_shared(name) or context.context.trouble is not None:
        return None
    variables = document.declared(name, context.variables or {})
    budget = budget_of(context.context.scope)
    question = document.text, name, variables, context.context.language, budget
    try:
        return sha256(orjson.dumps(question, option=orjson.OPT_SORT_KEYS)).digest()
    except TypeError:
        # The variables are nested too deeply: they are refused when they are read.
        return None


def _chosen(document: Document, context: ExecutionContext) -> Operation:
    """The operation that is named, or the only one. Raises Malformed."""
    # Strawberry would run the first of several.
    name = context._provided_operation_name
    if name is None and document.ambiguous:
        raise Malformed(None, *UNNAMED)
    operation = document.operation(name)
    if operation is None:
        raise Malformed(None, *UNKNOWN)
    if operation.kind not in context.allowed_operations:
        is_mutation = operation.kind is OperationType.MUTATION
        raise Malformed(None, *(POSTED_ONLY if is_mutation else NOT_STREAMED))
    return operation


def _check_guest_document(text: str, context: Any) -> None:
    """Allow guests only the documents of `app/operations`, and those that a tenant registered for
    guests, where the settings say so.

    Raises Denied.
    """
    if not context.has_own_documents_only or context.trouble is not None:
        return
    if not is_own(text) and text not in context.guest_documents:
        raise Denied(
            "UNAUTHENTICATED",
            "未登录时只能使用服务器提供的查询，请先登录",
            "Without signing in, you can run only the server's own documents: sign in first.",
        )


def _check_introspection(context: Any) -> None:
    """Allow introspection to staff and API keys, and to everyone if GraphiQL is served.

    Raises Denied.
    """
    scope: Scope | None = context.scope
    if context.app.settings.graphiql or (scope and scope.role is not Role.CUSTOMER):
        return
    raise Denied(
        "UNAUTHENTICATED" if scope is None else "FORBIDDEN",
        "接口结构只供员工和接口密钥查询",
        "Only staff and API keys may read the schema by introspection.",
    )


def _late(seconds: float, is_mutation: bool) -> GraphQLError:
    """The error of an operation that took too long; a mutation may have been committed."""
    zh, en = "请稍后重试", "Send it again."
    if is_mutation:
        zh = "可能已经写入，请用同一个 key 重试，不会重复写入"
        en = "It may have been written. Send it again with the same key: nothing is written twice."
    late = Unavailable(
        1, f"处理超过 {seconds:g} 秒。{zh}", f"The operation took longer than {seconds:g} s. {en}"
    )
    return GraphQLError(str(late), original_error=late)


def _is_exceeded(error: GraphQLError) -> bool:
    return isinstance(error.original_error, CostExceeded)
