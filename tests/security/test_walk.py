"""Every reader sends every document: nothing leaks, and what the matrix grants is answered."""

import json
import random
import re
from typing import Any, NamedTuple

import pytest
from graphql import is_required_argument

from tests.security.documents import (
    OPERATIONS,
    Document,
    Path,
    answered,
    chains,
    documents,
    nodes,
)
from tests.security.roots import ABSENT_PLACE, ARGUMENTS, PUBLIC
from tests.security.secrets import Reader, seen
from tests.security.walk import (
    OPENS,
    Answer,
    Walk,
    granted,
    last,
    nested_differences,
    permission,
)
from tests.security.world import World
from tests.support.examples import roots

ROOTS = [(kind, root) for kind in ("query", "subscription") for root in OPERATIONS[kind].fields]
CHAINS, CHAINS_ALL = 3, 60
"""Random ways of edges below each root."""
FOREIGN = 2
"""Documents below each root that every reader sends for foreign and absent rows as well."""
KEYS = 2
"""API keys without the root's permission that ask all the same."""
PEOPLE = 3
"""People who ask at each root besides the owner and a guest."""


SHOWING = (
    *("movements", "levels", "batches", "writeOffs", "purchaseOrders", "transfers", "orders"),
    *("stocktakes", "approvals"),
    *("alerts", "passes", "channelLinks", "channelRules", "suppliers", "products"),
    *("movement", "order"),
)
"""Roots at which an owner is shown all there is."""
OF_PERSON = {"sessions", "viewer"}
"""Roots that show each reader something of their own."""


def test_every_root_has_arguments() -> None:
    fields = {**roots("query"), **roots("subscription")}
    for name, given in ARGUMENTS.items():
        needed = {each for each, value in fields[name].args.items() if is_required_argument(value)}
        assert needed <= given(ABSENT_PLACE).keys(), f"give {name} its arguments in SPECIAL"


@pytest.fixture
def walk(world: World) -> Walk:
    return Walk(world)


def built(walk: Walk, kind: str, root: str, seed: str, wide: bool) -> list[Document]:
    rng = random.Random(f"{seed} {root}")
    given = ARGUMENTS[root](walk.world.places[0, 0])
    ways = chains(kind, root, rng, CHAINS_ALL if wide else CHAINS)
    grown = nodes(kind, root, 2 if wide else 1)
    return documents(kind, root, [*grown, *ways], given)


@pytest.mark.widened
@pytest.mark.parametrize(("kind", "root"), ROOTS, ids=[root for _, root in ROOTS])
async def test_walk(walk: Walk, kind: str, root: str, seed: str, wide: bool) -> None:
    readers = walk.world.readers
    every = built(walk, kind, root, seed, wide)
    for_staff = await walk.fitting(readers["owner"], every)
    assert_all_asked(every, for_staff)
    for_guests = await walk.fitting(readers["guest"], every)
    problems: list[str] = []
    shown: dict[str, Shown] = {}
    for name, reader in asking(walk, root, seed, wide).items():
        shown[name] = Shown(set(), set())
        for number, document in enumerate(for_staff if reader.is_staff else for_guests):
            own = await walk.ask(reader, document, "own")
            if set(own.codes) & {"FORBIDDEN", "UNAUTHENTICATED"}:
                break
            more = ("other", "foreign", "absent") if wide or number < FOREIGN else ("other",)
            answers = {"own": own} | {each: await walk.ask(reader, document, each) for each in more}
            for answer in answers.values():
                problems += walk.leaks(answer) + walk.undeclared(reader, answer)
            problems += differing(walk, reader, answers)
            shown[name].add(answers)
    for name in shown:
        problems += hidden(walk, readers[name], root, shown[name], shown["owner"])
    assert problems == []


async def test_every_canary_is_somewhere(walk: Walk) -> None:
    """The owner is shown each secret at some root, so that the walk would notice it."""
    owner = walk.world.readers["owner"]
    unseen = {
        each
        for each in walk.world.canaries
        if each.tenant == 0 and each.secret not in ("contact", "sealed", "customer_text")
    }
    for root in SHOWING:
        given = ARGUMENTS[root](walk.world.places[0, 0])
        every = documents("query", root, nodes("query", root), given)
        for document in await walk.fitting(owner, every):
            for target in ("own", "other"):
                unseen -= seen(unseen, (await walk.ask(owner, document, target)).text)
    assert unseen == set()


@pytest.mark.widened
@pytest.mark.parametrize(("kind", "root"), ROOTS, ids=[root for _, root in ROOTS])
async def test_sockets_answer_the_same(
    walk: Walk, kind: str, root: str, seed: str, wide: bool
) -> None:
    """On a websocket a reader is shown what HTTP shows; of a feed the first event."""
    rng = random.Random(f"{seed} {root}")
    readers = [
        each
        for each in walk.world.readers.values()
        if each.reaches(permission(root), 0, [walk.world.store(0, 0)])
    ]
    guest, every = walk.world.readers["guest"], built(walk, kind, root, seed, wide)
    # The last may be one deep way that costs more than a guest's budget; the first is the root.
    [document, *_] = await walk.fitting(guest, every[-1:]) or await walk.fitting(guest, every[:1])
    for reader in readers if wide else rng.sample(readers, min(2, len(readers))):
        for target in ("own", "foreign"):
            answer = await walk.ask_on_socket(reader, document, target)
            assert walk.leaks(answer) == []
            over_http = await walk.ask(reader, document, target)
            assert unsigned(answer.value) == unsigned(over_http.value)


TOKENS = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")


def unsigned(value: Any) -> Any:
    """An answer without signed tokens: each of them is another."""
    return json.loads(TOKENS.sub("token", json.dumps(value)))


def asking(walk: Walk, root: str, seed: str, wide: bool) -> dict[str, Reader]:
    """People, the keys that the root is for, and a few of the other keys."""
    can, readers = permission(root), walk.world.readers
    keys = [name for name in readers if name.startswith("key ")]
    people = [name for name in readers if name not in keys]
    opened = [] if can.value.anybody else [n for n in keys if readers[n].reaches(can, 0, ())]
    rng = random.Random(f"{seed} {root}")
    others = rng.sample(keys, len(keys) if wide else KEYS)
    some = {"owner", "guest", *rng.sample(people, len(people) if wide else PEOPLE)}
    return {
        name: reader
        for name, reader in readers.items()
        if name in some or name in opened or name in others
    }


def assert_all_asked(every: list[Document], fit: list[Document]) -> None:
    """All nodes within three edges of the root fit into the budget of staff."""
    fitting = {node for document in fit for node in document.nodes}
    left_out = [node.path for document in every for node in document.nodes if node not in fitting]
    assert [path for path in left_out if len(path) <= 3] == []


class Shown(NamedTuple):
    """The ways to what a reader was shown in the own store, and in the other."""

    own: set[Path]
    other: set[Path]

    def add(self, answers: dict[str, Answer]) -> None:
        self.own.update(answered(answers["own"].document.branch, answers["own"].value))
        self.other.update(answered(answers["other"].document.branch, answers["other"].value))


def hidden(walk: Walk, reader: Reader, root: str, shown: Shown, owner: Shown) -> list[str]:
    """Fields that the matrix grants to the reader, and that only the owner was shown."""
    if reader.tenant == 1 or root in OF_PERSON:
        return []
    problems = []
    for number, target in enumerate(("own", "other")):
        stores = [walk.world.store(0, number)]
        if reader.reaches(OPENS.get(root) or permission(root), 0, stores):
            fields = granted(reader, target, stores, owner[number])
            missing = fields - {last(path) for path in shown[number]}
            problems += [
                f"{reader.name}: {root} of {target} does not show {owner_type}.{name}"
                for owner_type, name in sorted(missing)
            ]
    return problems


def differing(walk: Walk, reader: Reader, answers: dict[str, Answer]) -> list[str]:
    """Targets that do not exist for the reader, but are not answered like an absent one."""
    root = answers["own"].document.root
    problems = [
        f"{answers[target]} is not answered like an absent one: "
        f"{answers[target].text[:300]} {answers['absent'].text[:300]}"
        for target in ("own", "other", "foreign")
        if "absent" in answers
        and walk.out_of_reach(reader, root, target)
        and not walk.same_as_absent(answers[target], answers["absent"])
    ]
    hidden = "own" if reader.tenant == 1 else "foreign"
    for answer in () if root in PUBLIC else answers.values():
        places = nested_differences(answer.value, hidden)
        problems += [f"{answer}: {place} tells a foreign store" for place in places[:3]]
    return problems
