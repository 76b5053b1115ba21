"""Documents that a request names by their hash: the server's own, those that clients sent with
their hash, and those that a tenant registered."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from graphql import GraphQLError, value_from_ast_untyped

from app.db.identity import resolve_name
from app.domain.errors import Malformed
from app.domain.registered_operations import Registry
from app.domain.rules.texts import InvalidText, clean
from app.schema.context import App, Context
from app.schema.documents import Documents, Operation
from app.schema.persisted import PersistedDocuments
from app.schema.rates import budgets, spend

UNKNOWN_UNITS = 2000
"""Units that an unknown hash takes from the budgets of its sender."""


class KnownDocuments:
    """Finds the text of a hash for one reader. What another tenant registered is unknown."""

    def __init__(self, app: App, documents: Documents) -> None:
        self._app = app
        self._documents = documents
        self.persisted = PersistedDocuments()
        self._registry = Registry(app.db)

    async def find(
        self, name: str, operation_name: object, variables: object, context: Context
    ) -> str | None:
        """The document with this hash that the reader may run; None if there is none.

        Raises RateLimited, and the error of a database that is away.
        """
        text = self.persisted.text(name, own_only=context.has_own_documents_only)
        if text is not None:
            return text
        draws = tuple(budgets(context))
        spend(self._app.rates, draws, 0)
        if context.scope is not None:
            registered = await self._registry.find(context.scope.tenant, name)
            text = registered and registered.text
        elif context.trouble is None:
            text = await self._find_for_guest(name, operation_name, variables)
        if text is None:
            spend(self._app.rates, draws, UNKNOWN_UNITS)
        elif context.scope is None:
            context.guest_documents.add(text)
        return text

    async def _find_for_guest(
        self, name: str, operation_name: object, variables: object
    ) -> str | None:
        """The document, if each tenant whose stores or orders it reads registered it for guests."""
        registered = await self._registry.find(None, name)
        if registered is None:
            return None
        for tenant in await self._tenants(registered.text, operation_name, variables):
            own = await self._registry.find(tenant, name)
            if own is None or not own.for_guests:
                return None
        return registered.text

    async def _tenants(self, text: str, operation_name: object, variables: object) -> set[UUID]:
        """The tenants of the stores and orders that the operation names. Those that do not exist
        have none, and neither has an operation that cannot be read, which is refused later."""
        try:
            operation = self._documents.read(text).operation(operation_name)
        except (GraphQLError, Malformed):
            return set()
        given: Mapping[str, Any] = variables if isinstance(variables, dict) else {}
        tenants: set[UUID | None] = set()
        for arguments in _arguments(operation, given) if operation else ():
            tenants.add(await self._tenant_of_store(arguments.get("store")))
            id = arguments.get("id") or arguments.get("orderId")
            tenants.add(self._tenant_of_order(id, arguments.get("token")))
        return {tenant for tenant in tenants if tenant is not None}

    async def _tenant_of_store(self, code: object) -> UUID | None:
        try:
            code = clean(code, "store", 100, required=True) if isinstance(code, str) else None
        except InvalidText:
            return None
        place = code and await resolve_name(self._app.db, "store", code)
        return place.tenant_id if place else None

    def _tenant_of_order(self, id: object, token: object) -> UUID | None:
        if not isinstance(token, str):
            return None
        try:
            return self._app.gate.signer.order_tenant(token, UUID(str(id)))
        except ValueError:
            return None


def _arguments(operation: Operation, variables: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The arguments of each root field, or the fields of its `input`, as they were sent."""
    defaults = {
        each.variable.name.value: value_from_ast_untyped(each.default_value)
        for each in operation.node.variable_definitions or ()
        if each.default_value is not None
    }
    values = {**defaults, **variables}
    for node in operation.root_fields():
        arguments = {
            each.name.value: value_from_ast_untyped(each.value, values)
            for each in node.arguments or ()
        }
        fields = arguments.get("input", arguments)
        yield fields if isinstance(fields, dict) else {}
