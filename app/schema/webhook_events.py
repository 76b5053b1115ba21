"""What webhooks receive of a store's changes: the answer of its feed to a fixed document."""

import inspect
from typing import Any
from uuid import UUID

import structlog
from graphql import execute, parse

from app.domain.access import Scope
from app.domain.feed import Change
from app.live.share import unreachable
from app.schema.context import App, Context
from app.schema.persisted import FOLDER

log = structlog.get_logger()


class StoreChanges:
    """Shows a change as `app/operations/changes.graphql` receives it from the store's feed."""

    def __init__(self, schema: Any, app: App) -> None:
        self._schema, self._app = schema._schema, app
        self._document = parse((FOLDER / "changes.graphql").read_text(encoding="utf-8"))

    async def __call__(self, scope: Scope, store: UUID, change: Change) -> Any:
        """The event as viewers of the scope see it, with texts in Chinese.

        None after an error that will not pass, so that the ids are sent without it. Raises what
        the database raises while it is away.
        """
        context = Context(self._app, scope=scope, tenant=scope.tenant)
        try:
            result: Any = execute(
                self._schema,
                self._document,
                root_value=change,
                context_value=context,
                variable_values={"storeId": str(store)},
            )
            if inspect.isawaitable(result):
                result = await result
        finally:
            await context.snapshot.close()
        if not result.errors:
            return result.data["storeFeed"]
        cause = result.errors[0].original_error or result.errors[0]
        if unreachable(result):
            raise cause
        log.error("webhooks.event_failed", store=str(store), error=str(cause))
        return None
