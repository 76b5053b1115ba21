"""Sends a document as a reader, over HTTP, as an event stream or on a websocket."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from graphql import get_named_type

from app.domain.access import Can
from app.resolvers import SCHEMA
from app.schema.boundary import permission_of, sight_of
from tests.security.documents import (
    CORE,
    OPERATIONS,
    Document,
    Path,
    answered,
    type_after,
)
from tests.security.roots import OF_CHAIN, PUBLIC, TARGETS, arguments, nested, spelled
from tests.security.secrets import GRANTS, OF_ROOT, Canary, Reader, seen
from tests.security.world import World
from tests.support.live import dialled

OPENS = {"order": Can.SEE_ORDERS, "orderFeed": Can.SEE_ORDERS}
"""Roots that guests may call: what opens their rows to staff."""


@dataclass(frozen=True)
class Answer:
    """An answer of one operation: as it came, and parsed."""

    reader: Reader
    document: Document
    target: str
    text: str

    @property
    def payload(self) -> dict[str, Any]:
        return json.loads(self.text)

    @property
    def value(self) -> Any:
        return (self.payload.get("data") or {}).get(self.document.root)

    @property
    def codes(self) -> list[str]:
        return [each["extensions"]["code"] for each in self.payload.get("errors", ())]

    def __str__(self) -> str:
        return f"{self.reader.name}: {self.document.root} of {self.target}"


@dataclass
class Walk:
    """Sends documents and judges answers against the matrix."""

    world: World
    sent: int = field(default=0)

    def variables(self, document: Document, target: str) -> dict[str, Any]:
        given = arguments(self.world, document.root, target)
        text = document.text
        below = {name: id for name, id in nested(self.world).items() if f"${name}" in text}
        return {**{name: given[name] for name in document.arguments if name in given}, **below}

    async def ask(self, reader: Reader, document: Document, target: str, **more: Any) -> Answer:
        """The answer over HTTP; of a subscription the first event."""
        self.sent += 1
        variables = {**self.variables(document, target), **more}
        stream = document.operation == "subscription"
        headers = {"accept": "text/event-stream"} if stream else {}
        if reader.token:
            headers["authorization"] = f"Bearer {reader.token}"
        body = {"query": document.text, "variables": variables}
        http = self.world.asking.http
        if not stream:
            response = await http.post("/graphql", json=body, headers=headers)
            assert response.status_code == 200, (str(reader), response.text)
            return Answer(reader, document, target, without_cost(response.text))
        async with http.stream("POST", "/graphql", json=body, headers=headers) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    text = without_cost(line.removeprefix("data: "))
                    return Answer(reader, document, target, text)
        raise AssertionError("a stream without an event")

    async def ask_on_socket(self, reader: Reader, document: Document, target: str) -> Answer:
        """The first answer on a websocket of its own."""
        self.sent += 1
        url, id = str(self.world.asking.http.base_url), uuid4().hex
        async with dialled(url, reader.token, max_size=2**24) as line:
            body = {"query": document.text, "variables": self.variables(document, target)}
            await line.send(id=id, type="subscribe", payload=body)
            message = await line.receive(20)
            payload = message["payload"]
            whole = payload if message["type"] == "next" else {"errors": payload}
            text = json.dumps({**whole, "extensions": None}, ensure_ascii=False)
            return Answer(reader, document, target, text)

    async def fitting(
        self, reader: Reader, documents: list[Document], **more: Any
    ) -> list[Document]:
        """The documents, halved until their cost is within the reader's budget.

        One node that costs too much is left out: the reader gets no answer to it.
        """
        waiting, fit = list(documents), []
        while waiting:
            document = waiting.pop()
            answer = await self.ask(reader, document, "absent", **more)
            if answer.codes == ["COST_EXCEEDED"]:
                waiting += document.halves()
            else:
                fit.append(document)
        return fit

    def undeclared(self, reader: Reader, answer: Answer) -> list[str]:
        """Fields that were shown although the reader has their permission in no store."""
        return [
            f"{answer} shows {path[-1].owner}.{path[-1].name}: needs {can.name}"
            for path in answered(answer.document.branch, answer.value)
            for can in needed(path)
            if not reader.reaches(can, reader.tenant or 0, ())
            and not (last(path) in OF_CUSTOMER and answer.document.root in OWN_ROOTS)
        ]

    def leaks(self, answer: Answer) -> list[str]:
        """What the answer shows although the matrix denies it to the reader."""
        return sorted(
            f"{answer} shows {each.secret} of tenant {each.tenant}, store {each.stores} "
            f"at {' '.join(places(answer, each))}: "
            f"needs {[can.name for can in GRANTS[each.secret]]}"
            for each in seen(self.world.canaries, answer.text)
            if not self.grants(answer.reader, each, answer.document.root)
        )

    def grants(self, reader: Reader, canary: Canary, root: str) -> bool:
        if canary.text in reader.knows:
            return True
        opening = OF_ROOT.get(root, {}).get(canary.secret)
        cans = (*GRANTS[canary.secret], *([opening] if opening else []))
        stores = [self.world.store(canary.tenant, store) for store in canary.stores]
        return any(reader.reaches(can, canary.tenant, stores) for can in cans)

    def out_of_reach(self, reader: Reader, root: str, target: str) -> bool:
        """Whether the target's rows do not exist for the reader."""
        of_target, of_absent = (arguments(self.world, root, each) for each in (target, "absent"))
        if root in PUBLIC or of_target == of_absent:
            return False
        where = TARGETS[target]
        assert where
        tenant, store = where
        if root in OF_CHAIN or "ransfer" in root or "eplenishment" in root:
            return tenant != reader.tenant
        can = OPENS.get(root) or permission(root)
        return not reader.reaches(can, tenant, [self.world.store(tenant, store)])

    def same_as_absent(self, answer: Answer, absent: Answer) -> bool:
        """Whether only the ids that were sent tell the answer from that of an absent id."""
        text = spelled(answer.text, self.world, answer.target)
        return MADE_AT.sub("", text) == MADE_AT.sub("", absent.text)


MADE_AT = re.compile(r'(?<="__typename":"StockValue",)"at":"[^"]*"')
"""When a report of now was made: it differs between any two requests."""
COST = re.compile(r',"extensions":\{"cost":\{[^}]*\}\}')


def without_cost(answer: str) -> str:
    """The answer without the numbers that tell what it cost."""
    return COST.sub("", answer)


def permission(root: str) -> Can:
    """The permission that a root declares."""
    field = next(type_.fields[root] for type_ in OPERATIONS.values() if root in type_.fields)
    can = permission_of(field.extensions["strawberry-definition"])
    assert can is not None
    return can


def places(answer: Answer, canary: Canary) -> list[str]:
    """Where in an answer a canary stands."""

    def below(value: Any, path: str) -> list[str]:
        if isinstance(value, dict):
            return [each for key in value for each in below(value[key], f"{path}.{key}")]
        if isinstance(value, list):
            return [each for item in value for each in below(item, path)]
        return [path] if seen([canary], json.dumps(value, ensure_ascii=False)) else []

    return sorted(set(below(answer.payload, "")))[:5]


def nested_differences(value: Any, hidden: str, path: str = "") -> list[str]:
    """Fields that show something of a store that does not exist for the reader.

    `hidden` is the suffix of their aliases: `level_foreign` says no more than `level_absent`.
    """
    if isinstance(value, list):
        return [each for item in value for each in nested_differences(item, hidden, path)]
    if not isinstance(value, dict):
        return []
    differing = [
        f"{path}.{key}"
        for key in value
        if key.endswith((f"_{hidden}", "_absent")) and value[key] is not None
    ]
    return differing + [
        each for key in value for each in nested_differences(value[key], hidden, f"{path}.{key}")
    ]


OF_CUSTOMER = {("Order", "contact")}
"""Fields that customers see in their own rows."""
OWN_ROOTS = {"myOrders", "myPasses"}

IN_CODE = {
    ("CartLine", "makeable"): Can.SEE_STOCK,
    ("MenuDish", "limiting"): Can.SEE_STOCK,
    ("MenuDish", "makeable"): Can.SEE_STOCK,
    ("MovementLine", "onHandAfter"): Can.SEE_STOCK,
    ("MovementLine", "seq"): Can.SEE_STOCK,
    ("Order", "contact"): Can.SEE_CONTACTS,
    ("WriteOffLine", "cost"): Can.SEE_COST,
}
"""Fields that judge by a store that their row does not name itself."""


def last(path: Path) -> tuple[str, str]:
    """The type and name of the field at the end of the path."""
    return path[-1].owner, path[-1].name


@cache
def needed(path: Path) -> frozenset[Can]:
    """The permissions that what stands at this path needs, besides that of the root."""
    cans: set[Can | None] = set()
    for step in path:
        definition: Any = CORE.type_map[step.owner].extensions["strawberry-definition"]
        names = SCHEMA.config.name_converter
        field = next(
            each for each in definition.fields if names.get_graphql_name(each) == step.name
        )
        cans |= {permission_of(field), IN_CODE.get((step.owner, step.name))}
        if not field.metadata.get("of_root"):
            cans.add(sight_of(get_named_type(type_after(step))).can)
    return frozenset(can for can in cans if can is not None)


def granted(
    reader: Reader, target: str, stores: list[UUID], paths: Iterable[Path]
) -> set[tuple[str, str]]:
    """The fields at these paths that the matrix shows to the reader in the target's store."""
    elsewhere = {f"_{each}" for each in TARGETS if each != target}
    return {
        last(path)
        for path in paths
        if not any(step.key.endswith(tuple(elsewhere)) for step in path)
        and all(reader.reaches(can, 0, stores) for can in needed(path))
    }
