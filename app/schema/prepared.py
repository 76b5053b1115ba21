"""Runs operations without what Strawberry and graphql-core repeat for each request: hooks of
extensions, a scan of the document, and the types of its variables."""

from collections.abc import Iterable
from typing import Any

import strawberry
from graphql import GraphQLError, default_field_resolver, default_type_resolver, execute
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.schema import DEFAULT_ALLOWED_OPERATION_TYPES
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.live.executor import PREPARED


class PreparedSchema(strawberry.Schema):
    """A schema without extensions, so that it calls none of their hooks."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if self.get_extensions():
            raise TypeError("extensions of the schema would not run")

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """The result of one query or mutation, as Strawberry's `execute` returns it."""
        context = self._create_execution_context(
            query,
            allowed_operation_types or DEFAULT_ALLOWED_OPERATION_TYPES,
            variable_values,
            context_value,
            root_value,
            operation_name,
            operation_extensions,
        )
        try:
            result = await self._run(context)
        except Exception as error:
            result = PreExecutionError(None, [_error(error)])
        if isinstance(result, PreExecutionError):
            self._process_errors(result.errors or [], context)
            result.extensions = context.extensions_results
            return result
        return ExecutionResult(result.data, result.errors, context.extensions_results)

    async def _run(self, context: ExecutionContext) -> Any:
        runner = SchemaExtensionsRunner(context)
        refusal = await self._prepare_operation_async(context, runner)
        if refusal is not None:
            return refusal
        named = {"operation_extensions": context.operation_extensions}
        return await self._execute_operation(context, runner, None, execute, named)  # pyright: ignore[reportArgumentType] no middleware

    async def _execute_operation(
        self, execution_context: ExecutionContext, *arguments: Any, **named: Any
    ) -> Any:
        """The result of a prepared operation; graphql-core runs any other from its document."""
        prepared = PREPARED.get()
        values = prepared and prepared.variables.read(execution_context.variables or {})
        if prepared is None or values is None:
            return await super()._execute_operation(execution_context, *arguments, **named)
        new_executor: Any = self.execution_context_class
        executor = new_executor(
            self._schema,
            prepared.fragment_nodes,
            prepared.fragments,
            execution_context.root_value,
            execution_context.context,
            prepared.node,
            values,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=optimized_is_awaitable,
            operation_extensions=execution_context.operation_extensions,
        )
        result = executor.execute_operation()
        if executor.is_awaitable(result):
            result = await result
        if result.errors:
            self._process_errors(result.errors, execution_context)
        return result


def _error(error: Exception) -> GraphQLError:
    if isinstance(error, GraphQLError):
        return error
    return GraphQLError(str(error), original_error=error)
