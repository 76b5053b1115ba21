"""`/graphql`: operations over POST, server-sent events and WebSocket."""

from collections.abc import Sequence
from datetime import timedelta
from types import NoneType
from typing import Any, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLRequestData, process_result
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.streaming import SSETransport
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult, SubscriptionExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET, UnsetType

from app.db.core.outage import is_passing
from app.domain.errors import Denied, Malformed, RateLimited
from app.domain.rules.languages import language_of
from app.live.clients import CLIENT, Clients
from app.live.share import dumps
from app.live.socket import Socket
from app.live.stream import TRANSPORT
from app.live.wire import Wire
from app.schema.context import App, Caller, Context
from app.schema.contract import finish
from app.schema.known_documents import KnownDocuments
from app.schema.operations import GuardedSchema
from app.schema.persisted import NOT_FOUND, named_document, with_name_in_extensions
from app.settings import listed
from app.web.named import EVENT_STREAM, cacheable, named_query, names_query
from app.web.network import origin_of
from app.web.plain import FirstHeaders, JsonAnswer, is_plain, read_body

ANSWERED = {OperationType.QUERY, OperationType.MUTATION}
"""Operations that have one answer."""


class EventStream(SSETransport):
    """Server-sent events whose lines end in LF: urql splits frames at `\\n\\n` only."""

    def encode_event(self, event: str, data: str | None = None) -> str:
        # Browsers drop an event without a data line, so an empty one is sent.
        return f"event: {event}\ndata: {data or ''}\n\n"

    def encode_comment(self, comment: str) -> str:
        return f": {comment}\n\n"


class Endpoint(GraphQL[Context, None]):
    """`/graphql`: bodies are checked before Strawberry sees them."""

    # Strawberry declares both with the types of its own classes.
    websocket_adapter_class: Any = Wire
    graphql_transport_ws_handler_class: Any = Socket
    stream_transport_classes_by_protocol = {GRAPHQL_SSE_PROTOCOL: EventStream}

    def __init__(self, schema: GuardedSchema, app: App) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=3),
            max_subscriptions_per_connection=20,
            # The guard has checked the origin; Strawberry checks it once more.
            allowed_origins=listed(app.settings.origins),
        )
        self.app = app
        self.documents = schema.documents
        self.known = KnownDocuments(app, schema.documents)
        config = app.settings
        self.clients = Clients(config.connections_per_address, config.feeds_per_address)

    def decode_json(self, data: str | bytes) -> object:
        value = orjson.loads(data)
        if not isinstance(value, dict):
            raise orjson.JSONDecodeError("expected an object", "", 0)
        return with_name_in_extensions(cast("dict[str, Any]", value))

    def parse_query_params(self, params: Any) -> dict[str, Any]:
        return with_name_in_extensions(super().parse_query_params(params))

    def encode_json(self, data: object) -> bytes:
        return dumps(data)

    async def run(
        self, request: Request | WebSocket, context: Any = UNSET, root_value: Any = UNSET
    ) -> Any:
        """The answer to a request. A plain JSON body, or a GET that names its operation, takes
        a short way, with half of the work; Strawberry's view answers all others.
        """
        answer = None
        if isinstance(request, Request):
            if is_plain(request.method, FirstHeaders(request.scope)):
                answer = await self._answer_plain(request)
            elif names_query(request):
                answer = await self._answer_named(request)
        return answer or await super().run(request, context, root_value)

    async def _answer_plain(self, request: Request) -> JsonAnswer | None:
        # Strawberry's view reads the body from the request, if it has to answer.
        request._body = await read_body(request.receive)
        headers = FirstHeaders(request.scope)
        return await self.answer_json(request.scope, headers, request._body)

    async def answer_json(
        self, scope: Scope, headers: FirstHeaders, body: bytes
    ) -> JsonAnswer | None:
        """The answer to a JSON body; None if it has no operation, since Strawberry says why.

        Raises HTTPException.
        """
        context = await self._read_context(scope, headers)
        data = self.parse_json(body)
        if not is_operation(data):
            return None
        operation = operation_in(data)
        result = await self._read_persisted(operation, context)
        if result is None:
            result = await self._run_operation(self.schema.execute, operation, context, ANSWERED)
        return JsonAnswer(self.encode_json(process_result(result)))

    async def _answer_named(self, request: Request) -> JsonAnswer | Response:
        """The answer to a GET that names its document; one with errors is kept by no cache."""
        context = await self.get_context(request, None)
        try:
            operation = named_query(request)
        except Malformed as malformed:
            result = refused(malformed, context.language)
            return JsonAnswer(self.encode_json(process_result(result)))
        result = await self._read_persisted(operation, context)
        if result is None:
            allowed = {OperationType.QUERY}
            result = await self._run_operation(self.schema.execute, operation, context, allowed)
        body = self.encode_json(process_result(result))
        if result.errors:
            return JsonAnswer(body)
        document = self.documents.read(operation.query or "")
        is_shared = document.is_shared(operation.operation_name)
        return cacheable(request.headers, body, is_shared)

    def is_request_allowed(self, request: BaseRequestProtocol) -> bool:
        """POST; GET only for a browser's EventSource, which cannot send a body."""
        return request.method == "POST" or (
            request.method == "GET" and EVENT_STREAM in media_types(request.headers.get("accept"))
        )

    async def execute_operation(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        request_data: GraphQLRequestData | list[GraphQLRequestData],
        context: Context,
        root_value: None,
        sub_response: Response,
    ) -> ExecutionResult | list[ExecutionResult] | SubscriptionExecutionResult:
        """A stream if the client subscribes or accepts nothing else, otherwise one result."""
        if isinstance(request_data, list):
            raise HTTPException(400, "Batching is not enabled")
        if refusal := await self._read_persisted(request_data, context):
            return refusal
        allowed, run = ANSWERED, self.schema.execute
        if self.is_streamed(request_adapter, request_data):
            method = OperationType.from_http(request_adapter.method)
            allowed = method if request_adapter.method == "POST" else {OperationType.SUBSCRIPTION}
            run = self.schema.stream
        return await self._run_operation(run, request_data, context, allowed)

    async def _run_operation(
        self, run: Any, data: GraphQLRequestData, context: Context, allowed: set[OperationType]
    ) -> Any:
        if not data.query:
            raise HTTPException(400, "No GraphQL query found in the request")
        return await run(
            data.query,
            variable_values=data.variables,
            context_value=context,
            operation_name=data.operation_name,
            operation_extensions=data.extensions,
            allowed_operation_types=allowed,
        )

    async def _read_persisted(
        self, data: GraphQLRequestData, context: Context
    ) -> ExecutionResult | None:
        """Set the query to the text of the document that is named. Returns the answer if it is
        unknown."""
        name = named_document(data.extensions)
        if name is None:
            return None
        if data.query is None:
            variables: object = data.variables
            try:
                text = await self.known.find(name, data.operation_name, variables, context)
            except Exception as error:
                if not isinstance(error, RateLimited) and not is_passing(error):
                    raise
                return refused(error, context.language)
            data.query = text
            return None if text is not None else unknown(context)
        if context.has_own_documents_only:
            # Refused later, unless it is the server's own: guests put nothing into the cache.
            return None
        try:
            self.known.persisted.keep(name, data.query)
        except Malformed as malformed:
            return refused(malformed, context.language)
        return None

    def is_named(self, payload: object) -> bool:
        """Whether the payload of a socket's message names its document."""
        if not isinstance(payload, dict):
            return False
        body = with_name_in_extensions(cast("dict[str, Any]", payload))
        return named_document(body.get("extensions")) is not None and is_operation(body)

    async def read_named(
        self, payload: dict[str, Any], context: Context
    ) -> tuple[str, Sequence[GraphQLError]]:
        """The text of the document that a socket's message names, or why it is refused."""
        data = operation_in(with_name_in_extensions(payload))
        refusal = await self._read_persisted(data, context)
        return data.query or "", refusal.errors or () if refusal else ()

    def is_streamed(self, request: AsyncHTTPRequestAdapter, data: GraphQLRequestData) -> bool:
        """Whether the answer is a stream of events.

        urql accepts `application/json` and `text/event-stream` for every operation, and reads
        the answer to a query as JSON only.
        """
        accepted = media_types(request.headers.get("accept"))
        if EVENT_STREAM not in accepted:
            return False
        return accepted == {EVENT_STREAM} or self.is_subscription(data)

    def is_subscription(self, data: GraphQLRequestData) -> bool:
        """Whether the operation that would run is a subscription; False if that cannot be
        determined."""
        if not data.query or "subscription" not in data.query:
            return False
        try:
            operation = self.documents.read(data.query).operation(data.operation_name)
        except (GraphQLError, Malformed):
            return False
        return operation is not None and operation.kind is OperationType.SUBSCRIPTION

    async def get_context(self, request: Request | WebSocket, response: Any) -> Any:
        """The reader of a request's operation; for a socket its caller."""
        scope = request.scope
        CLIENT.set(self.clients.of(address_of(scope)))
        stream = scope.get("extensions", {}).get("kucun.stream", {})
        TRANSPORT.set(stream.get("transport"))
        headers = FirstHeaders(scope)
        if isinstance(request, WebSocket):
            return self._caller(scope, headers)
        return await self._read_context(scope, headers)

    async def _read_context(self, scope: Scope, headers: FirstHeaders) -> Context:
        caller = self._caller(scope, headers)
        await caller.admit(bearer(headers.get(b"authorization")))
        return caller.context()

    def _caller(self, scope: Scope, headers: FirstHeaders) -> Caller:
        return Caller(
            self.app,
            language=language_of(headers.get(b"accept-language")),
            address=address_of(scope),
            origin=self.app.settings.public_url or origin_of(scope),
        )

    async def on_ws_connect(self, context: Any) -> UnsetType | dict[str, object] | None:
        """Sign the socket in. Raises ConnectionRejectionError, which closes it with 4403, and the
        error of a database that is away, which closes it with 1013.
        """
        params = context.connection_params
        language = params.get("language") if params else None
        if isinstance(language, str):
            context.language = language_of(language)
        await context.admit(bearer(params.get("authorization")) if params else None)
        if isinstance(context.trouble, Denied):
            raise ConnectionRejectionError
        if context.trouble is not None:
            raise context.trouble
        return await super().on_ws_connect(context)


def unknown(context: Context) -> ExecutionResult:
    """The answer to an unknown hash. A token that is wrong or expired is the reason why a document
    of its tenant is not known."""
    if context.trouble is not None:
        return refused(context.trouble, context.language)
    error = GraphQLError(NOT_FOUND, extensions={"code": "PERSISTED_QUERY_NOT_FOUND"})
    return failed(error, context.language)


def refused(cause: Exception, language: str) -> ExecutionResult:
    """The answer to an operation that was not run for this cause."""
    return failed(GraphQLError(str(cause), original_error=cause), language)


def failed(error: GraphQLError, language: str) -> ExecutionResult:
    """The answer of an operation that was not run, because of this error."""
    finish(error, language)
    return ExecutionResult(data=None, errors=[error])


def address_of(scope: Scope) -> str:
    """The address of the client; empty if it is not known."""
    client = scope.get("client")
    return client[0] if client else ""


def is_operation(data: Any) -> bool:
    """Whether a JSON body has the parts of an operation, each of its type."""
    objects = (dict, NoneType)
    return (
        isinstance(data.get("query"), (str, NoneType))
        and isinstance(data.get("variables"), objects)
        and isinstance(data.get("extensions"), objects)
    )


def operation_in(body: dict[str, Any]) -> GraphQLRequestData:
    """The operation of a JSON body that `is_operation`."""
    return GraphQLRequestData(
        query=body.get("query"),
        variables=body.get("variables"),
        operation_name=body.get("operationName"),
        extensions=body.get("extensions"),
        protocol="http",
    )


def media_types(accept: str | None) -> set[str]:
    """The media types of an Accept header, without their parameters."""
    types = (part.split(";", 1)[0].strip().lower() for part in (accept or "").split(","))
    return {each for each in types if each}


def bearer(value: object) -> str | None:
    """The token of an Authorization value, with or without the word Bearer."""
    if not isinstance(value, str) or not value.strip():
        return None
    return value.strip().removeprefix("Bearer ").strip()
