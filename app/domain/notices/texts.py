"""Texts and values of alerts, from their facts."""

from datetime import datetime

from app.db.alert_facts import AlertFacts
from app.domain.rules.alert_texts import RULE_NAMES, AlertTerms, alert_text
from app.domain.rules.costs import cost_of
from app.domain.rules.units import written


def terms_of(facts: AlertFacts) -> AlertTerms:
    """What the text of an alert says."""
    return AlertTerms(
        rule=facts.rule,
        product=facts.name,
        unit=facts.unit,
        quantity=written(facts.now, facts.scale),
        days=facts.days,
        batch=facts.batch,
        orders=facts.orders,
        sold=written(facts.threshold, facts.scale),
        window=facts.tier or 0,
        cause=facts.cause,
        number=facts.number,
        origin=facts.origin,
        hours=facts.waiting_hours,
    )


def text_of(facts: AlertFacts, language: str) -> str:
    """The alert as a sentence, in `zh` or `en`."""
    return alert_text(terms_of(facts), language)


def parts_of(facts: AlertFacts, store: str, at: datetime) -> dict[str, str]:
    """The parts of an alert that fill the templates of messages, in Chinese; `at` is by the
    store's clock."""
    number = written(facts.now, facts.scale)
    return {
        "TEXT": text_of(facts, "zh"),
        "STORE": store,
        "RULE": RULE_NAMES[facts.rule],
        "PRODUCT": facts.name,
        "QUANTITY": f"{number} {facts.unit}" if facts.unit else "",
        "NUMBER": number,
        "TIME": f"{at:%Y年%m月%d日 %H:%M}",
    }


def value_of(facts: AlertFacts) -> int | None:
    """The cost of the goods at risk, in 1/10000 yuan; None if there are none or it is unknown."""
    if facts.rule == "SLOW_MOVING":
        return facts.level_value
    unit_cost = facts.unit_cost if facts.batch_cost is None else facts.batch_cost
    if facts.rule not in ("NEAR_EXPIRY", "EXPIRED") or unit_cost is None:
        return None
    return cost_of(facts.now, facts.scale, unit_cost)
