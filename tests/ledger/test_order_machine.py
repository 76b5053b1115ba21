"""Random customers on real PostgreSQL, compared with dicts: orders, expiry, channels, retries."""

from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from sqlalchemy import select

from app.db import feed
from app.db.menu import sellable_by_offer
from app.db.orders import orders_by_id
from app.db.tables import Alert, Movement, Order
from app.domain.errors import KeyReused, OutOfStock, ReturnExceedsSale, WrongState, WrongStateReason
from app.domain.movements.sales import Disposition
from app.domain.rules.kinds import Kind
from tests.conftest import Cloning
from tests.ledger.test_channels import buffer, quota
from tests.support.machine import Machine, run_machine
from tests.support.order_model import Kept, Model, ModelOrder, of, total
from tests.support.orders import OrderDesk
from tests.support.shop import day

PLAIN, DATED = "米", "奶"
NAMES = st.sampled_from([PLAIN, DATED])
BATCHES = st.sampled_from([(PLAIN, 0), (DATED, 3), (DATED, 30)])
SOME = st.integers(1, 4)
LINES = st.lists(st.tuples(NAMES, SOME), min_size=1, max_size=2)
LATELY = st.integers(0, 2)
"""The order to use, counted back from the last one."""

BOUND = st.none() | st.integers(0, 12)


class Customers(Machine):
    """Every step goes through the use cases; the model must refuse the same steps.

    A subclass adds rules for other kinds of documents.
    """

    async def open(self) -> None:
        self.model = Model()
        self.desk = OrderDesk(self.shop)
        self.rows: list[Order] = []
        await self.shop.product(PLAIN)
        await self.shop.product(DATED, batches=True)
        for batch in ((PLAIN, 0), (DATED, 3), (DATED, 30)):
            await self.arrive(batch, 6)

    def order(self, lately: int) -> tuple[Order, ModelOrder]:
        place = max(0, len(self.rows) - 1 - lately)
        return self.rows[place], self.model.orders[place]

    def tried(self, twice: bool, order: ModelOrder, doing: Any) -> tuple[Any, str]:
        """The outcome, of one call or of two with the same key, and the order's state before."""
        met, key = order.state, uuid4()
        outcome = self.run(doing(key))
        if twice and not isinstance(outcome, WrongState | OutOfStock | ReturnExceedsSale):
            assert self.run(doing(key)).id == outcome.id
        return outcome, met

    async def arrive(self, batch: Kept, quantity: int) -> None:
        name, days = batch
        if days:
            outcome = await self.shop.deliver(name, quantity, str(days), day(days))
        else:
            outcome = await self.shop.receive(name, quantity)
        assert isinstance(outcome, Movement), outcome
        self.model.shelf[batch] += quantity

    @rule(batch=BATCHES, quantity=SOME)
    def receive(self, batch: Kept, quantity: int) -> None:
        self.run(self.arrive(batch, quantity))

    @rule(lines=LINES, channel=st.sampled_from(["COUNTER", "WECHAT", "DOUYIN"]))
    def sell(self, lines: Any, channel: str) -> None:
        draft = self.run(self.shop.draft(Kind.SALE, *lines, channel=channel))
        outcome = self.run(self.desk.books.post(self.shop.tenant, draft))
        if not self.model.allows(total(lines), bound=channel == "WECHAT"):
            assert isinstance(outcome, OutOfStock), outcome
            return
        assert isinstance(outcome, Movement), outcome
        self.model.take(total(lines))
        if channel == "WECHAT":
            self.model.sold += total(lines)

    @rule(name=NAMES, quantity=SOME)
    def sell_all_the_same(self, name: str, quantity: int) -> None:
        """A counter sale books missing goods in from variance and opens an alert."""
        outcome = self.run(self.desk.sell_all_the_same(name, quantity))
        assert isinstance(outcome, Movement), outcome
        if not self.model.allows(total([(name, quantity)]), bound=False):
            self.model.short[name] += quantity - self.model.there(name)
        self.model.take(total([(name, quantity)]))

    @rule(lines=LINES, again=st.sampled_from(["", "same", "other"]))
    def place(self, lines: Any, again: str) -> None:
        key = uuid4()
        outcome = self.run(self.desk.place(*lines, key=key))
        if not self.model.allows(total(lines)):
            assert isinstance(outcome, OutOfStock), outcome
            return
        assert isinstance(outcome, Order), outcome
        held = self.model.take(total(lines))
        self.rows.append(outcome)
        self.model.orders.append(ModelOrder(total(lines), held))
        if again == "same":
            assert self.run(self.desk.place(*lines, key=key)).id == outcome.id
        elif again == "other":
            reused = self.desk.place(*lines, (PLAIN, 1), key=key)
            assert self.run(reused) == KeyReused(key)

    @precondition(lambda self: self.rows)
    @rule(lately=LATELY, twice=st.booleans())
    def pay(self, lately: int, twice: bool) -> None:
        row, order = self.order(lately)
        outcome, met = self.tried(twice, order, lambda key: self.desk.pay(row, key))
        if met not in ("HELD", "EXPIRED"):
            assert outcome == WrongState(WrongStateReason[met])
        elif met == "EXPIRED" and not self.model.allows(order.lines, sold=False):
            assert isinstance(outcome, OutOfStock), outcome
        else:
            assert outcome.state == "PAID", outcome
            if met == "EXPIRED":
                order.held = self.model.take(order.lines)
            order.state, order.over = "PAID", False

    @precondition(lambda self: self.rows)
    @rule(lately=LATELY, twice=st.booleans())
    def fulfil(self, lately: int, twice: bool) -> None:
        row, order = self.order(lately)
        outcome, met = self.tried(twice, order, lambda key: self.desk.fulfil(row, key))
        if met != "PAID":
            assert outcome == WrongState(WrongStateReason[met])
        else:
            assert outcome.state == "FULFILLED", outcome
            order.out, order.held, order.state = order.held, Counter(), "FULFILLED"

    @precondition(lambda self: self.rows)
    @rule(lately=LATELY, guest=st.booleans(), twice=st.booleans())
    def cancel(self, lately: int, guest: bool, twice: bool) -> None:
        row, order = self.order(lately)
        outcome, met = self.tried(twice, order, lambda key: self.desk.cancel(row, guest, key))
        if met not in (["HELD"] if guest else ["HELD", "PAID"]):
            assert outcome == WrongState(WrongStateReason[met])
        else:
            assert outcome.state == "CANCELLED", outcome
            self.model.release(order, "CANCELLED")

    @precondition(lambda self: self.rows)
    @rule(lately=LATELY, twice=st.booleans())
    def extend(self, lately: int, twice: bool) -> None:
        row, order = self.order(lately)
        outcome, met = self.tried(twice, order, lambda key: self.desk.extend(row, key))
        if met != "HELD":
            assert outcome == WrongState(WrongStateReason[met])
        elif order.over or order.extended:
            assert outcome == WrongState(WrongStateReason["EXPIRED" if order.over else "EXTENDED"])
        else:
            assert outcome.extended, outcome
            order.extended = True

    @precondition(lambda self: self.rows)
    @rule(
        lately=LATELY,
        lines=LINES,
        disposition=st.sampled_from(Disposition),
        twice=st.booleans(),
    )
    def give_back(self, lately: int, lines: Any, disposition: Disposition, twice: bool) -> None:
        row, order = self.order(lately)

        def doing(key: UUID) -> Any:
            return self.desk.give_back(row, *lines, disposition=disposition, key=key)

        outcome, met = self.tried(twice, order, doing)
        quantities = total(lines)
        if met != "FULFILLED":
            assert outcome == WrongState(WrongStateReason[met])
        elif any(quantity > of(order.out, name) for name, quantity in quantities.items()):
            assert isinstance(outcome, ReturnExceedsSale), outcome
        else:
            assert isinstance(outcome, Movement), outcome
            back = self.model.bring_back(order, quantities)
            if disposition is Disposition.SHELF:
                self.model.shelf += back
            elif disposition is Disposition.QUARANTINE:
                self.model.aside += back

    @precondition(lambda self: any(order.state == "HELD" for order in self.model.orders))
    @rule(data=st.data(), settled=st.booleans())
    def time_passes(self, data: st.DataObject, settled: bool) -> None:
        held = [n for n, order in enumerate(self.model.orders) if order.state == "HELD"]
        over = data.draw(st.lists(st.sampled_from(held), min_size=1, unique=True))
        self.run(self.desk.time_passes(*(self.rows[place] for place in over)))
        for place in over:
            self.model.orders[place].over = True
        if settled:
            self.run(self.desk.end_overdue())
            self.model.end_overdue(self.model.orders)

    @rule(name=NAMES, kept=BOUND, most=BOUND)
    def bind(self, name: str, kept: int | None, most: int | None) -> None:
        """Set the channel's buffer and its daily quota."""
        self.run(buffer(self.shop, name, kept))
        self.run(quota(self.shop, name, most))
        self.model.buffers[name], self.model.quotas[name] = kept or 0, most

    @invariant()
    def everything_equals_the_model(self) -> None:
        levels, batches, offers, states, short = self.run(self.look())
        model = self.model
        for name in (PLAIN, DATED):
            there = model.there(name), model.reserved(name), of(model.aside, name)
            assert levels[name] == (*there, model.there(name) + model.idle(name)), name
            assert offers[name] == (model.offer(name, False), model.offer(name, True)), name
        dated = {str(days): n for (name, days), n in model.shelf.items() if name == DATED}
        assert batches == dated
        assert states == [order.state for order in model.orders]
        assert short == model.short

    async def look(self) -> tuple[Any, ...]:
        shop, names = self.shop, {id: name for name, id in self.shop.products.items()}
        _, rows = await feed.levels(self.db, shop.tenant, shop.store)
        levels = {
            names[each.product_id]: (each.shelf, each.reserved, each.quarantine, each.free)
            for each in rows
        }
        batches = {number: n for number, n in (await shop.batches(DATED)).items() if n}
        pairs: list[Any] = [(shop.store, product) for product in names]
        offers_read = [(*pair, channel) for pair in pairs for channel in (None, "WECHAT")]
        async with self.db.read(shop.tenant) as session:
            sellable = await sellable_by_offer(session, shop.tenant, offers_read)
            ids = [row.id for row in self.rows]
            states = {row.id: row.state for row in await orders_by_id(session, shop.tenant, ids)}
            # The same product may be out of stock as well.
            missing = Alert.tenant_id == shop.tenant, Alert.rule == "DISCREPANCY"
            alerts = await session.scalars(select(Alert).where(*missing))
            short = Counter({names[each.product_id]: each.quantity for each in alerts})
        offers = {
            names[product]: tuple(sellable[store, product, each] for each in (None, "WECHAT"))
            for store, product in pairs
        }
        return levels, batches, offers, [states[id] for id in ids], short


@pytest.mark.widened
async def test_customers(clone: Cloning, wide: bool) -> None:
    await run_machine(Customers, clone, wide, examples=15, steps=35)
