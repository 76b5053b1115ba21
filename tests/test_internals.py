"""The internals of libraries that the app overrides or calls, each by name.

They are no part of a library's contract, so an upgrade may change them without notice: it then
fails here. `pyproject.toml` pins these libraries with `~=`.
"""

import inspect
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType
from graphql.execution.executor import Executor
from graphql.execution.values import VariableValues
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.sm import SchedulerManager
from strawberry import Schema
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.http.base import BaseView
from strawberry.http.streaming import SSETransport
from strawberry.schema.schema import validate_document
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.types import ExecutionContext
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.server import ServerProtocol

from app.db.core.jobs import SETTINGS
from app.resolvers import SCHEMA

ROOT = Path(__file__).parent.parent
PINNED = ("graphql-core", "pgqueuer", "strawberry-graphql", "uvicorn", "websockets")

CALLS: list[tuple[Callable[..., Any], str]] = [
    # app/live/executor.py: PlannedExecutor, app/live/share.py: SharedExecutor
    (
        Executor.execute_fields,
        "self parent_type source_value path grouped_field_set position_context",
    ),
    (
        Executor.complete_value,
        "self return_type field_details_list info path result position_context",
    ),
    (Executor.collect_subfields, "self return_type field_details_list"),
    (Executor.build_per_event_executor, "self payload"),
    (Executor.execute_operation, "self serially"),
    (Executor.cancellable_iterable, "self iterable"),
    # app/live/socket.py: Wire, Socket
    (ASGIWebSocketAdapter.__init__, "self view request response"),
    (ASGIWebSocketAdapter.iter_json, "self ignore_parsing_errors"),
    (ASGIWebSocketAdapter.send_json, "self message"),
    (ASGIWebSocketAdapter.close, "self code reason"),
    (
        BaseGraphQLTransportWSHandler.__init__,
        "self view websocket context root_value schema connection_init_wait_timeout "
        "max_subscriptions_per_connection",
    ),
    (BaseGraphQLTransportWSHandler.handle, "self"),
    (BaseGraphQLTransportWSHandler.shutdown, "self"),
    (BaseGraphQLTransportWSHandler.handle_connection_init, "self message"),
    (BaseGraphQLTransportWSHandler.run_operation, "self operation"),
    (BaseGraphQLTransportWSHandler._get_pre_execution_close_reason, "error"),
    (BaseGraphQLTransportWSHandler.forget_id, "self id"),
    (BaseGraphQLTransportWSHandler.send_message, "self message"),
    (BaseGraphQLTransportWSHandler.cleanup_operation, "self operation_id"),
    (BaseGraphQLTransportWSHandler.handle_task_exception, "self error"),
    # app/web/endpoint.py: EventStream, Endpoint
    (SSETransport.encode_event, "self event data"),
    (SSETransport.encode_comment, "self comment"),
    (BaseView.is_request_allowed, "self request"),
    (BaseView.decode_json, "self data"),
    (BaseView.encode_json, "self data"),
    (
        GraphQL.execute_operation,
        "self request request_adapter request_data context root_value sub_response",
    ),
    (GraphQL.get_context, "self request response"),
    (GraphQL.on_ws_connect, "self context"),
    # app/schema/operations.py, app/schema/contract.py
    (Schema._prepare_operation_async, "self context extensions_runner"),
    (Schema.process_errors, "self errors execution_context"),
    (
        Schema._execute_operation,
        "self execution_context extensions_runner middleware_manager execute_function "
        "custom_context_kwargs",
    ),
    # app/schema/documents.py
    (validate_document, "schema document validation_rules"),
    # app/live/protocol.py: Protocol
    (WebSocketsSansIOProtocol.connection_made, "self transport"),
    (WebSocketsSansIOProtocol.handle_connect, "self event"),
    (WebSocketsSansIOProtocol.resume_writing, "self"),
    (ServerProtocol.send_text, "self data fin"),
    (ServerProtocol.data_to_send, "self"),
    # app/db/core/jobs.py, app/jobs/runner.py
    (AsyncpgDriver, "connection"),
    (Queries, "driver qbe qbq qbs"),
    (SchedulerManager, "queries"),
    (SchedulerManager.run, "self"),
]

ATTRIBUTES: list[tuple[type, str]] = [
    (
        Executor,
        "operation variable_values context_value root_value fragment_definitions "
        "collected_errors is_awaitable error_propagation schema _relevant_sub_fields",
    ),
    (VariableValues, "coerced"),
    (BaseGraphQLTransportWSHandler, "websocket context schema operations"),
    (Operation, "id handler task"),
    (ASGIWebSocketAdapter, "ws"),
    (BaseView, "stream_transport_classes_by_protocol"),
    (GraphQL, "websocket_adapter_class graphql_transport_ws_handler_class"),
    (
        ExecutionContext,
        "allowed_operations extensions_results graphql_document pre_execution_errors "
        "_provided_operation_name",
    ),
    (StrawberryField, "base_resolver python_name arguments extensions is_async"),
    (StrawberryResolver, "wrapped_func info_parameter signature"),
    (
        WebSocketsSansIOProtocol,
        "conn transport writable disconnected close_sent scope",
    ),
]


@pytest.mark.parametrize(
    ("call", "parameters"), CALLS, ids=[call.__qualname__ for call, _ in CALLS]
)
def test_a_call_has_the_parameters_that_are_used(call: Callable[..., Any], parameters: str) -> None:
    names = list(inspect.signature(call).parameters)
    expected = parameters.split()
    # A constructor may have gained parameters with defaults after those that are given.
    assert names[: len(expected)] == expected
    more = list(inspect.signature(call).parameters.values())[len(expected) :]
    assert all(each.default is not each.empty or each.kind is each.VAR_KEYWORD for each in more)


@pytest.mark.parametrize(
    ("owner", "name"),
    [(owner, name) for owner, names in ATTRIBUTES for name in names.split()],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_an_attribute_exists(owner: type, name: str) -> None:
    assert name in attributes(owner)


def attributes(owner: type) -> set[str]:
    """The names that the class defines, annotates, or sets in a method of its own."""
    names = set(dir(owner))
    for each in owner.__mro__:
        names |= set(inspect.get_annotations(each))
        for value in vars(each).values():
            if inspect.isfunction(value):
                names |= set(value.__code__.co_names)
    return names


def test_types_carry_their_definition() -> None:
    """`contract` replaces the resolvers of these fields."""
    types = SCHEMA._schema.type_map.values()
    definitions = [
        each.extensions["strawberry-definition"]
        for each in types
        if isinstance(each, GraphQLObjectType) and "strawberry-definition" in each.extensions
    ]
    assert len(definitions) > 50
    assert all(isinstance(each, StrawberryField) for one in definitions for each in one.fields)


def test_the_migration_installs_the_tables_of_this_pgqueuer() -> None:
    installed = qb.QueryBuilderEnvironment(SETTINGS).build_install_query()
    migration = (ROOT / "alembic/versions/0004_jobs.sql").read_text()
    assert statements(installed) == statements(migration)


def statements(sql: str) -> list[str]:
    """The lines that matter: without comments, and without the schema, which comes first."""
    lines = [line.strip() for line in sql.splitlines()]
    return [line for line in lines if line and not line.startswith(("--", "CREATE SCHEMA"))]


@pytest.mark.parametrize("name", PINNED)
def test_a_library_whose_internals_are_used_is_pinned(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [requirement] = [each for each in project["dependencies"] if each.startswith(f"{name}~=")]
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    [version] = [each["version"] for each in locked if each["name"] == name]
    lowest = requirement.removeprefix(f"{name}~=").split(".")
    assert version.split(".")[: len(lowest) - 1] == lowest[:-1]
