"""The audit finds every change that bypassed the ledger."""

from datetime import UTC, date, datetime

import asyncpg
import pytest

from app.db.core.audit import INVARIANTS, audit, findings
from app.db.core.lane import Lane
from app.db.core.unit import Database
from app.db.tables import Movement
from app.domain.documents.writeoffs import Source
from app.domain.ledger.post import PostDrafts
from app.domain.movements.checkpoints import keep_checkpoints
from app.domain.reports.report_sums import keep_sums
from app.domain.rules.kinds import Kind
from app.run.embedded import Urls
from tests.conftest import VAULT, Auditor, Cloning, unheard
from tests.support.depot import a_depot
from tests.support.orders import OrderDesk
from tests.support.purchases import PurchaseDesk
from tests.support.salon import a_salon
from tests.support.shop import Shop, a_shop
from tests.support.stocktakes import CountDesk
from tests.support.writeoffs import WasteDesk

DISARM = "alter table movements disable trigger all; alter table entries disable trigger all; "
ARM = "; alter table movements enable trigger all; alter table entries enable trigger all"

# Each statement breaks one invariant; the audit must name it.
TAMPERING = [
    ("I1", "alter table entries disable trigger append_only"),
    ("I1", "grant update on movements to kucun_app"),
    ("I2", "alter table entries drop constraint ck_entries_quantity; "
     + DISARM + "update entries set quantity = -quantity" + ARM),
    ("I3", "update levels set shelf = shelf + 1"),
    ("I3", DISARM + "update entries set quantity = quantity + 1 where from_bin = 'shelf'" + ARM),
    ("I3 batch bins", DISARM + "update entries set batch_id = batch_id, quantity = 9 "
     "where batch_id is not null and to_bin = 'customer'" + ARM),
    ("I3 a level is", "update batch_levels set shelf = shelf + 1"),
    ("I3 a level is", "update levels set tracks_batches = not tracks_batches"),
    ("I4", "alter table levels drop constraint ck_levels_shelf; update levels set shelf = -1"),
    ("I5", "delete from requests"),
    ("I5", "update requests set result_id = uuidv7()"),
    ("I6", "update feeds set revision = revision + 1"),
    ("I6", "delete from changes where revision = 2"),
    ("I7", "update batches set expires_on = '2999-01-01' where number = 'A'"),
    ("I8", "update batches set expires_on = '2000-01-01' where number = 'A'"),
    ("a movement's business date", DISARM
     + "update movements set business_date = business_date - 9" + ARM),
    ("I9 positions", DISARM + "update entries set to_after = to_after + 1" + ARM),
    ("I9 positions", DISARM + "update entries set from_seq = 7 where from_seq = 2" + ARM),
    ("I9 a level's version", "update levels set version = version + 1"),
    ("I10 shipped", "update transfer_lines set received = 1 where shipped = 6"),
    ("I10 shipped", "update transfers set state = 'RECEIVED' where return_of is null"),
    ("I10 goods in transit", DISARM + "update entries set to_bin = 'shelf' where movement_id = "
     "(select id from movements where kind = 'SHIPMENT'); update levels set shelf = transit, "
     "transit = 0 where transit = 3" + ARM),
    ("I11", "drop index uq_alerts_open; insert into alerts select tenant_id, uuidv7(), rule, "
     "store_id, product_id, state, quantity, scale, movement_id from alerts"),
    ("I12", DISARM + "update entries set scale = 2" + ARM),
    ("I12", DISARM + "update entries set batch_id = uuidv7() where batch_id is not null" + ARM),
    ("I12", DISARM + "update movements set store_id = uuidv7()" + ARM),
    ("a level's value", "update levels set value = value + 1"),
    ("a level's value", DISARM + "update entries set cost = 1 where to_bin = 'customer'" + ARM),
    ("returns give back", DISARM + "update entries set amount = 1000 where from_bin = 'customer'"
     + ARM),
    ("returns of a sale give", DISARM + "update entries set amount = 1000 "
     "where from_bin = 'customer'" + ARM),
    ("returns give back", DISARM + "update entries set quantity = 1, amount = 1 "
     "where to_bin = 'customer'" + ARM),
    ("an order is handed over", "update orders set total = total + 1"),
    ("a pass's used count", "update passes set used = 1"),
    ("an ended pass", "update passes set state = 'REFUNDED'"),
    ("an ended order", "update orders set state = 'CANCELLED'"),
    ("an open order", "update order_lines set quantity = 1"),
    ("a level has", "update levels set held_until = null"),
    ("an open write-off holds", "update write_off_lines set quantity = 3 where source = 'shelf'"),
    ("a decided write-off", "update write_offs set state = 'APPROVED', decided_by = uuidv7()"),
    ("quarantine covers", "update write_off_lines set quantity = 4 where source = 'quarantine'"),
    ("a write-off is not", "alter table write_offs drop constraint ck_write_offs_approver; "
     "update write_offs set state = 'APPROVED', decided_by = requested_by"),
    ("a receipt number is unique", DISARM + "update movements set document = 'X', kind = 'SALE', "
     "business_date = current_date, receipt_key = gen_random_uuid()" + ARM),
    ("a receipt number is claimed", DISARM + "update movements set receipt_key = "
     "gen_random_uuid()" + ARM),
    ("a purchase line", "update purchase_lines set received = 2, ordered = 9"),
    ("a purchase line", DISARM + "update movements set document_id = null" + ARM),
    ("a purchase order's", "update purchase_orders set state = 'RECEIVED', ended_at = now()"),
    ("a purchase order's", "update purchase_lines set ordered = received"),
    ("I13", "update rollups set amount = amount + 1 where flow = 'SOLD'"),
    ("I13", "delete from rollups where flow = 'RETURNED'"),
    ("I14 a stocktake's variance", "update stocktake_variances set counted = counted + 1"),
    ("I14 a stocktake's variance", "update stocktakes set state = 'REVERSED'"),
    ("I14 a variance is", "update stocktake_variances set expected = expected + 1, "
     "counted = counted + 1"),
    ("a product is in", "update stocktakes set state = 'OPEN'"),
    ("a closed stocktake has", "update stocktake_lines set posted_at = null"),
    ("a checkpoint is", "update checkpoints set balances = '[]'"),
    ("a checkpoint knows", "update checkpoints set first_at = last_at + interval '1 second'"),
    ("a checkpoint's totals", "update checkpoints set on_hand = on_hand + 1"),
    ("a checkpoint's totals", "update checkpoints set value = value + 1"),
    ("a checkpoint day is", "update checkpoint_days set value = value + 1"),
    ("a checkpoint day is", "update checkpoint_days set levels = levels + 1"),
    ("a checkpoint day is", "update checkpoint_days set last_known = now() - interval '1 year'"),
    ("a checkpoint day is", "delete from checkpoint_days"),
    ("checkpoints have what", "delete from checkpoints; "
     "update checkpoint_marks set covered_until = now() + interval '2h'"),
    ("checkpoints have what", "update checkpoint_marks set covered_until = now() + interval '2h'"),
    ("a checkpoint continues", "update checkpoints set since_seq = seq - 1 where seq > 1"),
    ("sums of a level that", "update level_sums set low = low + 1"),
    ("sums of a level that", "delete from level_sums"),
    ("sums of a category", "update category_sums set value = value + 1"),
    ("a movement has entries", DISARM + "delete from entries" + ARM),
]  # fmt: skip


def test_every_invariant_is_tampered_with() -> None:
    for name in INVARIANTS:
        assert any(name.startswith(broken) for broken, _ in TAMPERING), name


@pytest.fixture(scope="module")
async def filled(clone: Cloning) -> Urls:
    """A database of its own with rows of every kind, and no breach."""
    urls = await clone()
    db = Database(urls.database, unheard, 1, VAULT)
    lane = Lane(urls.database, PostDrafts(), unheard, 1)
    await fill(await a_shop(db, lane))
    await lane.close()
    await db.close()
    assert await audit(urls.owner) == []
    return urls


async def fill(shop: Shop) -> None:
    await shop.receive("米", 10)
    sale = await shop.sell("米", 3)
    assert isinstance(sale, Movement)
    await shop.do(Kind.RETURN, ("米", 1), sale_id=sale.id)
    for number, expires_on in (("A", date(2998, 1, 1)), ("B", date(2998, 2, 1))):
        await shop.deliver("奶", 5, number, expires_on)
    await shop.sell("奶", 2)
    salon = await a_salon(shop, "RESERVE_ON_SALE")
    await salon.sell()
    await OrderDesk(shop).place(("米", 2))
    paid = await OrderDesk(shop).place(("米", 1))
    await OrderDesk(shop).fulfil(await OrderDesk(shop).pay(paid))
    buying = PurchaseDesk(shop)
    await buying.came(await buying.buy(("油", 5)), ("油", 3))
    await OrderDesk(shop).sell_all_the_same("米", 9)
    await shop.receive("糖", 5)
    await shop.do(Kind.QUARANTINE, ("糖", 2))
    for source in Source:
        await WasteDesk(shop).request(("糖", 1, source))
    depot = await a_depot(shop)
    await depot.stock("盐", 9)
    await depot.receive(await depot.send(("盐", 6)), "盐", received=2, returned=1)
    counting = CountDesk(shop)
    for quantity in (5, 7):
        row = await counting.open("油")
        await counting.count(row, "油", quantity)
        await counting.close(row)
    await keep_checkpoints(shop.db, shop.tenant, datetime.now(UTC))
    # A movement that no checkpoint has.
    await shop.receive("糖", 1)
    await keep_sums(shop.db, shop.tenant)


@pytest.mark.parametrize(("broken", "sql"), TAMPERING, ids=[f"{b}-{s[:40]}" for b, s in TAMPERING])
async def test_tampering_is_found(filled: Urls, broken: str, sql: str) -> None:
    owner = await asyncpg.connect(filled.owner)
    undone = owner.transaction()
    await undone.start()
    await owner.execute(sql)
    breaches = await findings(owner)
    await undone.rollback()
    await owner.close()
    assert any(each.invariant.startswith(broken) for each in breaches)


async def test_the_audit_after_a_test_reads_what_was_written(
    filled: Urls, auditor: Auditor
) -> None:
    assert await auditor(filled.owner) == []
    owner = await asyncpg.connect(filled.owner)
    change = "update levels set shelf = shelf + {} where shelf > 1"
    await owner.execute(f"{change.format(1)}; update feeds set revision = revision")
    breaches = {each.invariant for each in await auditor(filled.owner)}
    assert "I3 bins are the sum of their entries" in breaches
    await owner.execute(f"{change.format(-1)}; update feeds set revision = revision")
    assert await auditor(filled.owner) == []
    await owner.close()


async def test_the_app_cannot_change_the_ledger(urls) -> None:
    app = await asyncpg.connect(urls.database)
    for sql in ("update entries set quantity = 1", "delete from movements"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(sql)
    await app.close()
    owner = await asyncpg.connect(urls.owner)
    for sql in ("update entries set quantity = 1", "truncate movements cascade"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await owner.execute(sql)
    await owner.close()
