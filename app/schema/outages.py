"""Runs operations again that an outage of the database interrupted, for a short while."""

import dataclasses
from functools import cached_property
from typing import Any

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    get_named_type,
    get_operation_ast,
)
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from app.db.core.outage import RETRY_AFTER_SECONDS, Patience, is_passing
from app.schema.prepared import PreparedSchema

UNAVAILABLE = "UNAVAILABLE"


class PatientSchema(PreparedSchema):
    """Runs queries, and mutations that carry a key, again while the database is away.

    A mutation claims its key in the transaction that it commits (I5): if the first run was
    committed and its reply lost, the second returns the same answer. The same holds for a mutation
    that was committed before a read of one of its edges failed.
    """

    async def _execute_operation(
        self,
        execution_context: ExecutionContext,
        extensions_runner: Any,
        middleware_manager: Any,
        execute_function: Any,
        custom_context_kwargs: dict[str, Any],
    ) -> Any:
        parts = extensions_runner, middleware_manager, execute_function, custom_context_kwargs
        patience = Patience()
        while True:
            try:
                result = await super()._execute_operation(execution_context, *parts)
                if execution_context.context.snapshot.has_moved:
                    # Only queries read without a snapshot first, and they may run twice.
                    _renew(execution_context)
                    continue
                if not _interrupted(result):
                    return result
            except Exception as error:
                # Raised when the operation's snapshot ends.
                if not is_passing(error):
                    raise
                result = ExecutionResult(None, [GraphQLError(str(error), original_error=error)])
                self._process_errors(result.errors or [], execution_context)
            if not self._is_repeatable(execution_context) or not await patience.again():
                return result
            _renew(execution_context)

    def _is_repeatable(self, execution_context: ExecutionContext) -> bool:
        # The viewer could not be read, so the operation would be refused again.
        if execution_context.context.trouble is not None:
            return False
        if execution_context.operation_type is OperationType.QUERY:
            return True
        document = execution_context.graphql_document
        operation = document and get_operation_ast(document, execution_context.operation_name)
        return isinstance(operation, OperationDefinitionNode) and all(
            isinstance(field, FieldNode) and field.name.value in self.keyed_mutations
            for field in operation.selection_set.selections
        )

    @cached_property
    def keyed_mutations(self) -> frozenset[str]:
        """Mutations whose input, or each entry of a list in it, has a required key."""
        mutation = self._schema.mutation_type
        assert mutation is not None
        return frozenset(
            name
            for name, field in mutation.fields.items()
            if "input" in field.args and _is_keyed(field.args["input"].type)
        )


def _renew(execution_context: ExecutionContext) -> None:
    """Prepare for the next run, which reads all values again."""
    execution_context.result = None
    execution_context.pre_execution_errors = None
    execution_context.context = dataclasses.replace(execution_context.context)


def _is_keyed(type_: Any) -> bool:
    fields = getattr(get_named_type(type_), "fields", {})
    if "key" in fields:
        return True
    parts = [getattr(get_named_type(field.type), "fields", {}) for field in fields.values()]
    return any("key" in part for part in parts)


def _interrupted(result: Any) -> bool:
    return any((error.extensions or {}).get("code") == UNAVAILABLE for error in result.errors or ())


def unavailable(language: str) -> tuple[str, dict[str, Any]]:
    """The message and the extensions of an UNAVAILABLE error."""
    seconds = RETRY_AFTER_SECONDS
    message = (
        f"系统暂时不可用，请 {seconds} 秒后原样重试，不会重复记账"
        if language == "zh"
        else "The system is not available at the moment: send the same request again, with the "
        f"same key, in {seconds} seconds. It takes effect only once."
    )
    return message, {"code": UNAVAILABLE, "retryAfter": seconds}
