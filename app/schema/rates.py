"""Budgets of units a minute: which ones an operation draws on, and the error when one is spent."""

import math
from collections.abc import Iterable, Iterator

from graphql import GraphQLError
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.types import ExecutionContext
from strawberry.types.execution import PreExecutionError

from app.db.core.rates import Rates
from app.domain.access import Role
from app.domain.errors import RateLimited
from app.domain.rules.addresses import counted_address
from app.schema.context import Context
from app.schema.operations import GuardedSchema
from app.settings import Settings

Draw = tuple[str, int]
"""A subject, and the units a minute that it may spend."""

BYTE, REFUSED_MAX = 5, 40_000
"""Units of a document that is refused: for each byte, up to the tokens that are read."""


class RatedSchema(GuardedSchema):
    """Takes the units of every operation from the budgets of its caller, on every transport.

    When one of them is spent, the operation is refused before its document is parsed.
    """

    async def _prepare_operation_async(
        self, context: ExecutionContext, extensions_runner: SchemaExtensionsRunner
    ) -> PreExecutionError | None:
        rates, draws = context.context.app.rates, tuple(budgets(context.context))
        try:
            spend(rates, draws, 0)
            refusal = await super()._prepare_operation_async(context, extensions_runner)
            if refusal:
                units = min(len(context.query or "") * BYTE, REFUSED_MAX)
            else:
                units = context.extensions_results["cost"]["requested"]
            spend(rates, draws, units)
        except RateLimited as limited:
            context.pre_execution_errors = [GraphQLError(str(limited), original_error=limited)]
            return PreExecutionError(data=None, errors=context.pre_execution_errors)
        return refusal


def spend(rates: Rates, draws: Iterable[Draw], units: int) -> None:
    """Take units from all of these budgets. Raises RateLimited."""
    for subject, budget in draws:
        if wait := rates.spend(subject, budget, units):
            seconds = math.ceil(wait)
            raise RateLimited(
                seconds,
                f"请求过于频繁，请在 {seconds} 秒后再试",
                f"Too many requests: try again in {seconds} seconds.",
            )


def budgets(context: Context) -> Iterator[Draw]:
    """The subjects of an operation, each with its units a minute.

    Guests count by address. Staff and keys count by themselves and with their tenant, so that the
    tills behind one line do not slow each other down. Customers count by themselves.
    """
    settings, viewer = context.app.settings, context.person
    if viewer is None:
        yield guest(settings, context.address)
        return
    role = viewer.scope.role
    if role is Role.CUSTOMER:
        yield f"person:{viewer.actor.hex}", settings.rate_guest
        return
    if role is Role.INTEGRATOR:
        yield f"key:{viewer.actor.hex}", settings.rate_key
    else:
        yield f"person:{viewer.actor.hex}", settings.rate_staff
    yield f"tenant:{viewer.tenant.hex}", settings.rate_tenant


def guest(settings: Settings, address: str) -> Draw:
    """The budget of everything that an address sends without signing in."""
    return f"address:{counted_address(address)}", settings.rate_guest
