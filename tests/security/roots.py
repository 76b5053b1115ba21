"""The arguments of each query and feed at a target: own, other, foreign, absent."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from tests.security.world import World, moment, today
from tests.support.examples import roots

TARGETS = {"own": (0, 0), "other": (0, 1), "foreign": (1, 0), "absent": None}
"""The places that a document names, as one reads them who works in the first store."""

NOUNS = (
    *("store", "product", "dish", "movement", "order", "transfer", "supplier", "purchaseOrder"),
    *("writeOff", "approval", "pass", "staff", "stocktake", "file", "import", "scanSession"),
)
ABSENT_PLACE = {
    **{noun: str(UUID(int=7 + number, version=4)) for number, noun in enumerate(NOUNS)},
    "code": "no-such-store",
    "barcode": "no-such-code",
}
"""A place that does not exist. The ids differ, so that a problem names the argument."""

ABSENT = str(UUID(int=6, version=4))
"""The id of a noun that the world has none of."""

Arguments = Callable[[dict[str, Any]], dict[str, Any]]


def by_stores(place: dict[str, Any]) -> dict[str, Any]:
    return {"storeIds": [place["store"]]}


def paged(place: dict[str, Any]) -> dict[str, Any]:
    return {**by_stores(place), "first": 20}


def usual(root: str, names: Collection[str]) -> Arguments:
    """The arguments of a root that takes stores, a page and the id of its noun, or some of them."""

    def arguments(place: dict[str, Any]) -> dict[str, Any]:
        usually = {**paged(place), "id": place.get(root, ABSENT)}
        return {name: value for name, value in usually.items() if name in names}

    return arguments


def this_day() -> dict[str, Any]:
    return {"since": today(), "until": today()}


def nothing(_: dict[str, Any]) -> dict[str, Any]:
    return {}


SPECIAL: dict[str, Arguments] = {
    "webhookDeliveries": lambda place: {"webhookId": place["product"]},
    "alertRoute": lambda place: {"rule": "LOW_STOCK", "storeId": place["store"]},
    "alertRulePreview": lambda place: {"input": {"rule": "LOW_STOCK", "storeId": place["store"]}},
    "sessions": lambda place: {"staffId": place.get("staff", ABSENT_PLACE["staff"]), "first": 5},
    "stockAsOf": lambda place: {**paged(place), "at": moment()},
    "explainLevel": lambda place: {"storeId": place["store"], "productId": place["product"]},
    "suggestedCounts": lambda place: {"storeId": place["store"]},
    "movements": lambda place: {"storeId": place["store"], "first": 30},
    "sale": lambda place: {"storeId": place["store"], "receiptNo": "XS-0001"},
    "scan": lambda place: {"storeId": place["store"], "code": place["barcode"]},
    "storefront": lambda place: {"store": place["code"], "channel": "WECHAT"},
    "menu": lambda place: {"store": place["code"], "channel": "WECHAT"},
    "canMake": lambda place: {
        "store": place["code"],
        "lines": [{"productId": place["dish"], "quantity": "900"}],
    },
    "channelPreview": lambda place: {
        "channel": "WECHAT",
        "productId": place["product"],
        "storeId": place["store"],
        "buffer": "3",
    },
    "replenishmentSuggestions": lambda place: {"storeId": place["store"]},
    "passes": lambda place: {"ids": [place["pass"]]},
    "productLabel": lambda place: {"productId": place["product"]},
    "previewImport": lambda place: {"fileId": place["file"], "kind": "PRODUCTS"},
    "salesReport": lambda place: {**by_stores(place), **this_day(), "groupBy": "PRODUCT"},
    "lossReport": lambda place: {**by_stores(place), **this_day(), "groupBy": "PRODUCT"},
    "analytics": lambda place: {
        "metrics": ["REVENUE", "COST", "QUANTITY_SOLD", "MARGIN_PERCENT", "REFUND_PERCENT"],
        "dimensions": ["PRODUCT", "CHANNEL", "HOUR"],
        "period": this_day(),
        "filters": by_stores(place),
    },
    "supplierReport": lambda place: {**by_stores(place), **this_day()},
    "stocktakeReport": lambda place: {**by_stores(place), **this_day()},
    "turnoverReport": lambda place: {**by_stores(place), **this_day()},
    "channelReport": lambda place: {**by_stores(place), "since": today(), "until": today()},
    "chart": lambda place: {**by_stores(place), "report": "LEVELS"},
    # Only the person who requested an export sees it.
    "export": lambda _: {"id": ABSENT_PLACE["order"]},
    "exportFeed": lambda _: {"exportId": ABSENT_PLACE["order"]},
    "scanSessionFeed": lambda place: {"scanSessionId": place["scanSession"]},
    "importFeed": lambda _: {"importId": ABSENT_PLACE["import"]},
    "availabilityFeed": lambda place: {
        "store": place["code"],
        "productIds": [place["product"], place["dish"]],
    },
    "menuFeed": lambda place: {"store": place["code"], "channel": "WECHAT"},
    "storeFeed": lambda place: {"storeId": place["store"]},
}

ARGUMENTS: dict[str, Arguments] = {
    root: SPECIAL.get(root) or usual(root, field.args)
    for kind in ("query", "subscription")
    for root, field in roots(kind).items()
}

PUBLIC = {"storefront", "menu", "canMake", "menuFeed", "availabilityFeed"}
"""Roots that show every store with this code to guests."""

OF_CHAIN = {"product", "supplier", "productLabel", "passes", "sessions", "previewImport", "import"}
"""Roots whose rows belong to the chain: a permission in any store shows them."""


def arguments(world: World, root: str, target: str) -> dict[str, Any]:
    """The variables of a document on this root: those of the target, and the ids it nests."""
    where = TARGETS[target]
    place = ABSENT_PLACE if where is None else world.places[where]
    return ARGUMENTS.get(root, nothing)(place)


def nested(world: World) -> dict[str, str]:
    """The stores that fields below a root name."""
    return {
        name: (ABSENT_PLACE if where is None else world.places[where])["store"]
        for name, where in TARGETS.items()
    }


def spelled(answer: str, world: World, target: str) -> str:
    """The answer with the ids of a target replaced by those that do not exist."""
    where = TARGETS[target]
    if where is not None:
        for noun, value in world.places[where].items():
            if noun in ABSENT_PLACE:
                answer = answer.replace(value, ABSENT_PLACE[noun])
    return answer
