"""Texts and values of alerts, from their facts."""

from app.db.alert_facts import AlertFacts
from app.domain.rules.alert_texts import AlertTerms, alert_text
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
        hours=facts.waiting_hours,
    )


def text_of(facts: AlertFacts, language: str) -> str:
    """The alert as a sentence, in `zh` or `en`."""
    return alert_text(terms_of(facts), language)


def value_of(facts: AlertFacts) -> int | None:
    """The cost of the goods at risk, in 1/10000 yuan; None if there are none or it is unknown."""
    if facts.rule == "SLOW_MOVING":
        return facts.level_value
    unit_cost = facts.unit_cost if facts.batch_cost is None else facts.batch_cost
    if facts.rule not in ("NEAR_EXPIRY", "EXPIRED") or unit_cost is None:
        return None
    return cost_of(facts.now, facts.scale, unit_cost)
