"""What random machines share: a loop of their own, a shop on a database of its own, the audit."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from app.db.core.audit import audit
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.domain.ledger.post import PostDrafts
from app.run.embedded import Urls
from tests.conftest import VAULT, Cloning, unheard
from tests.support.shop import Shop, a_shop

T = TypeVar("T")


class Machine(RuleBasedStateMachine):
    """A shop, and every step run in the machine's own loop. `open` fills it."""

    urls: Urls

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.run(self._open())

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    async def _open(self) -> None:
        self.db = Database(self.urls.database, unheard, pool_size=2, vault=VAULT)
        self.lane = Lane(self.urls.database, PostDrafts(), unheard, connections=1)
        self.shop: Shop = await a_shop(self.db, self.lane)
        await self.open()

    async def open(self) -> None:
        """Makes the products and opens the levels."""
        raise NotImplementedError

    def teardown(self) -> None:
        self.run(self._close())
        self.runner.close()

    async def _close(self) -> None:
        assert await audit(self.urls.owner) == []
        await self.lane.close()
        await self.db.close()


def settings_of(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        # A failing example is printed as it is: shrinking one on a database takes minutes.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


async def run_machine(
    machine: type[Machine], clone: Cloning, wide: bool, *, examples: int, steps: int
) -> None:
    """Run all the examples when `wide`, otherwise a quarter of them."""
    if not wide:
        examples = examples // 4
    this = type(f"This{machine.__name__}", (machine,), {"urls": await clone()})
    # The machine has a loop of its own, so it runs in a thread of its own.
    await asyncio.to_thread(run_state_machine_as_test, this, settings=settings_of(examples, steps))
