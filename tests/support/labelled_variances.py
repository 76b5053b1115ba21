"""Random variances whose causes are known, with the ledger of the month before."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID, uuid5

from app.domain.rules.variances import Difference, Fact, SuggestedReason

SPACE, TODAY = UUID(int=8), date(2026, 11, 23)
PAIRS = (
    ("可口可乐 330ml", "百事可乐 330ml"),
    ("蒙牛纯牛奶 250ml", "伊利纯牛奶 250ml"),
    ("海天生抽 500ml", "海天老抽 500ml"),
    ("红烧牛肉面", "香辣牛肉面"),
    ("心相印抽纸 120 抽", "清风面巾纸 3 包"),
    ("东北大米 5kg", "金龙鱼菜籽油 5L"),
    ("飘柔洗发水 400ml", "舒肤佳香皂 125g"),
)
LOOK_ALIKE_PAIRS = 4
"""The first pairs have similar names."""
R = SuggestedReason
CAUSES = (*SuggestedReason, None)
"""None: stolen, or never found out."""


class Labelled(NamedTuple):
    """A variance and what caused it."""

    difference: Difference
    cause: SuggestedReason | None


def labelled(seed: str) -> list[Labelled]:
    """The differences of one stocktake, each with its cause."""
    rng = Random(seed)
    names = [name for pair in PAIRS for name in pair]
    rows = {name: Labelled(_product(rng, name), None) for name in names}
    differing: dict[str, Labelled] = {}
    for name in rng.sample(names, 6):
        cause = rng.choice(CAUSES)
        if cause is R.LOOK_ALIKE:
            pair, quantity = rng.choice(PAIRS[:LOOK_ALIKE_PAIRS]), rng.randint(1, 4)
            if differing.keys().isdisjoint(pair):
                for one, sign in zip(pair, (-1, 1), strict=True):
                    changed = _changed(rows[one].difference, sign * quantity)
                    differing[one] = Labelled(changed, cause)
        elif name not in differing:
            differing[name] = Labelled(_caused(rng, rows[name].difference, cause), cause)
    return list(differing.values())


def _changed(line: Difference, variance: int) -> Difference:
    return replace(line, variance=variance, parts=[variance])


def _product(rng: Random, name: str) -> Difference:
    """A product without a difference: what is put aside, its packs, and the month's ledger."""
    id = uuid5(SPACE, name)
    reserved = rng.choice((0, 0, 0, 1, 2))
    facts = [_fact(rng, "RECEIPT", rng.choice((12, 24, 36)), days) for days in (2, 9, 16, 23)]
    if rng.random() < 0.4:
        # Goods that spoil are written off every few days.
        facts += [_fact(rng, "WRITE_OFF", rng.randint(1, 3), days) for days in range(3, 30, 6)]
    if rng.random() < 0.3:
        # A till was offline on some day of the month.
        late = timedelta(minutes=rng.randint(20, 400))
        facts.append(_fact(rng, "SALE", rng.randint(1, 3), rng.randint(2, 30), late))
    packs = rng.choice(((), (6,), (12,), (24,)))
    short = rng.random() < 0.05
    return Difference(id, name, 0, [0], {0, reserved}, 0, packs, facts, TODAY, short)


def _fact(rng: Random, kind: str, quantity: int, days: int, lag: timedelta = timedelta()) -> Fact:
    id = UUID(int=rng.getrandbits(128))
    return Fact(kind, id, quantity, TODAY - timedelta(days=days), lag)


def _caused(rng: Random, line: Difference, cause: SuggestedReason | None) -> Difference:
    """The product with a variance of this cause, and what the ledger knows of it."""
    quantity = rng.randint(1, 3)
    facts, packs = list(line.facts), line.packs
    if cause is R.WRONG_BATCH:
        return replace(line, parts=[quantity, -quantity])
    if cause is R.OPEN_HOLD:
        return replace(_changed(line, -quantity), aside={quantity})
    if cause is R.IN_TRANSIT:
        arrived = 12 * quantity
        return replace(_changed(line, arrived), transit=arrived)
    if cause is R.DOUBLE_RECEIPT:
        first = next(fact for fact in facts if fact.kind == "RECEIPT")
        again = first._replace(movement_id=UUID(int=rng.getrandbits(128)))
        return replace(_changed(line, -first.quantity), facts=[*facts, again])
    if cause is R.UNSYNCED_SALE:
        # The till had a connection in between, but for some products it sold nothing then.
        if rng.random() < 0.85:
            facts.append(_fact(rng, "SALE", 1, rng.choice((0, 1)), timedelta(minutes=90)))
        return replace(_changed(line, -quantity), facts=facts)
    if cause is R.UNIT_MIX_UP:
        pack = rng.choice((6, 12, 24))
        # A pack is not counted, or sold or received as one piece.
        missing = rng.choice((-1, 1)) * rng.choice((pack, pack - 1))
        return replace(_changed(line, missing), packs=(pack,))
    if cause is R.SHORT_DELIVERY:
        return replace(_changed(line, -quantity), was_short=rng.random() < 0.9)
    if cause is R.UNRECORDED_WRITE_OFF:
        spoilt = [_fact(rng, "WRITE_OFF", rng.randint(1, 3), days) for days in range(4, 30, 5)]
        return replace(_changed(line, -quantity), facts=facts + spoilt)
    sign = rng.choice((-1, -1, 1))
    return replace(_changed(line, sign * rng.randint(1, 5)), packs=packs)
