"""Staff, API keys and stores over HTTP."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.domain.access import ApiScope
from tests.support.identity import (
    CREATE_KEY,
    CREATE_STORE,
    INVITE,
    PASSWORD,
    REMOVE,
    REVOKE_KEY,
    SET_ROLE,
    UPDATE_STORE,
    VIEWER,
    Asking,
    Chain,
)

STAFF = "query($first: Int, $after: String) { staff(first: $first, after: $after) \
    { nodes { id login } pageInfo { hasNextPage endCursor } } }"
KEYS = "{ apiKeys { nodes { id name scopes revokedAt } } }"
STORES = "{ stores { id code name timezone fewThreshold } }"


async def test_an_invited_account_signs_in_and_sees_its_store(chain: Chain) -> None:
    person, signed = await chain.hired()
    assert person["stores"] == [{"code": chain.founded.store.code}]
    viewer = await chain.asking(VIEWER, signed["accessToken"])
    assert (viewer["name"], viewer["role"]) == ("小李", "CASHIER")
    assert "SELL" in viewer["permissions"]
    assert "MANAGE_STAFF" not in viewer["permissions"]


async def test_stores_are_those_within_reach(chain: Chain) -> None:
    _, cashier = await chain.hired()
    _, buyer = await chain.hired(role="PURCHASER", storeIds=[])
    code = f"z-{uuid4().hex[:20]}"
    answer = await chain.do(CREATE_STORE, code=code.upper(), name="福田店", fewThreshold=9)
    assert answer["storeCode"] == code
    assert (answer["timezone"], answer["fewThreshold"]) == ("Asia/Shanghai", 9)
    mine = await chain.asking(STORES, cashier["accessToken"])
    assert [store["id"] for store in mine] == [str(chain.store)]
    for token in (chain.token, buyer["accessToken"]):
        every = await chain.asking(STORES, token)
        assert {store["id"] for store in every} == {str(chain.store), answer["id"]}


async def test_a_store_changes_only_what_is_given(chain: Chain) -> None:
    changed = await chain.do(UPDATE_STORE, storeId=str(chain.store), fewThreshold=0)
    assert (changed["name"], changed["fewThreshold"]) == ("南山店", 0)
    changed = await chain.do(UPDATE_STORE, storeId=str(chain.store), name="新店", timezone="UTC")
    assert (changed["name"], changed["timezone"], changed["fewThreshold"]) == ("新店", "UTC", 0)


async def test_time_zones_are_those_of_the_list(chain: Chain) -> None:
    zones = await chain.asking("{ timezones }", chain.token)
    assert zones == sorted(zones)
    assert {"Asia/Shanghai", "Asia/Urumqi", "UTC"} <= set(zones)
    assert await chain.asking.code("{ timezones }", None) == "UNAUTHENTICATED"
    # Python lists localtime where the system does, and Factory; neither is a place.
    for zone in ("localtime", "Factory", "posix/UTC", "Asia/Beijing", "GMT+8"):
        assert zone not in zones
        input = {"storeId": str(chain.store), "timezone": zone}
        assert await chain.bad(UPDATE_STORE, **input) == "BAD_INPUT"
    changed = await chain.do(UPDATE_STORE, storeId=str(chain.store), timezone="Asia/Urumqi")
    assert changed["timezone"] == "Asia/Urumqi"


async def test_store_codes_are_unique_among_all_chains(chain: Chain, stranger: Chain) -> None:
    code = stranger.founded.store.code
    assert (await chain.do(CREATE_STORE, code=code, name="x"))["code"] == "ALREADY_TAKEN"


async def test_ten_who_want_one_login(chain: Chain) -> None:
    person = chain.person()
    answers = await asyncio.gather(*(chain.do(INVITE, **person) for _ in range(10)))
    assert sorted(answer.get("code", "") for answer in answers) == ["", *["ALREADY_TAKEN"] * 9]


async def test_who_left_may_come_back(chain: Chain) -> None:
    person, _ = await chain.hired()
    gone = await chain.do(REMOVE, staffId=person["id"])
    assert gone["removedAt"]
    assert (await chain.do(REMOVE, staffId=person["id"]))["code"] == "UNKNOWN_STAFF"
    back, signed = await chain.hired(login=person["login"])
    assert back["id"] != person["id"]
    assert await chain.asking(VIEWER, signed["accessToken"])


async def test_staff_in_pages(chain: Chain) -> None:
    invited = [(await chain.do(INVITE, **chain.person()))["id"] for _ in range(4)]
    await chain.do(REMOVE, staffId=invited.pop())
    seen: list[str] = []
    after = None
    while True:
        listed = await chain.asking(STAFF, chain.token, first=2, after=after)
        seen += [node["id"] for node in listed["nodes"]]
        if not listed["pageInfo"]["hasNextPage"]:
            break
        after = listed["pageInfo"]["endCursor"]
    assert seen == [*reversed(invited), str(chain.founded.owner.id)]


async def test_a_key_does_what_its_scopes_say(chain: Chain) -> None:
    answer = await chain.do(CREATE_KEY, name="ERP", scopes=["VIEWER_READ", "STOCK_READ"])
    assert answer["apiKey"]["createdBy"] == {"name": chain.founded.owner.name}
    viewer = await chain.asking(VIEWER, answer["secret"])
    assert (viewer["name"], viewer["role"]) == ("ERP", "INTEGRATOR")
    assert set(viewer["permissions"]) == {
        "BROWSE",
        "SIGN_IN",
        "PLACE_ORDER",
        "SEE_SELF",
        "SEE_STOCK",
    }
    assert await chain.asking.code(STAFF, answer["secret"]) == "FORBIDDEN"
    bare = await chain.do(CREATE_KEY, name="till", scopes=["SALE_WRITE"])
    assert await chain.asking.code(VIEWER, bare["secret"]) == "FORBIDDEN"


async def test_no_scope_lets_a_key_change_people_keys_or_stores(chain: Chain) -> None:
    every = await chain.do(CREATE_KEY, name="all", scopes=[scope.name for scope in ApiScope])
    for text, input in mutations(chain).values():
        request = {"key": str(uuid4()), **input}
        assert await chain.asking.code(text, every["secret"], input=request) == "FORBIDDEN"


async def test_a_key_works_only_whole_and_in_its_own_tenant(chain: Chain, stranger: Chain) -> None:
    answer = await chain.do(CREATE_KEY, name="ERP", scopes=["VIEWER_READ"])
    _, tenant, key, secret = answer["secret"].split("_", 3)
    other = stranger.founded.tenant.tenant_id.hex
    changed = "A" if secret[0] != "A" else "B"
    for token in (
        f"kucun_{tenant}_{key}_{changed}{secret[1:]}",
        f"kucun_{tenant}_{key}_{secret[:-1]}",
        f"kucun_{tenant}_{uuid4().hex}_{secret}",
        f"kucun_{other}_{key}_{secret}",
        f"kucun_{tenant.upper()}_{key}_{secret}",
        f"{answer['secret']}x",
    ):
        assert await chain.asking.code(VIEWER, token) == "UNAUTHENTICATED"
    assert await chain.asking(VIEWER, answer["secret"])
    # A key in the URL is not accepted, because logs and proxies store URLs.
    response = await chain.asking.http.post(
        f"/graphql?authorization=Bearer%20{answer['secret']}", json={"query": VIEWER}
    )
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_secret_is_shown_once(chain: Chain) -> None:
    key = uuid4()
    answers = await asyncio.gather(
        *(chain.do(CREATE_KEY, key, name="ERP", scopes=["STOCK_READ"]) for _ in range(5))
    )
    assert len({answer["apiKey"]["id"] for answer in answers}) == 1
    assert len([answer for answer in answers if answer["secret"]]) == 1
    listed = await chain.asking(KEYS, chain.token)
    assert [node["name"] for node in listed["nodes"]] == ["ERP"]


async def test_a_key_stays_revoked(chain: Chain) -> None:
    answer = await chain.do(CREATE_KEY, name="ERP", scopes=["VIEWER_READ"])
    first = await chain.do(REVOKE_KEY, apiKeyId=answer["apiKey"]["id"])
    again = await chain.do(REVOKE_KEY, apiKeyId=answer["apiKey"]["id"])
    assert first == again
    assert first["revokedAt"]


async def test_owners_cannot_remove_their_own_role(chain: Chain) -> None:
    me = str(chain.founded.owner.id)
    refused = await chain.do(SET_ROLE, staffId=me, role="CASHIER", storeIds=[])
    assert (refused["code"], refused["wrong"]) == ("WRONG_STATE", "SELF")
    assert (await chain.do(REMOVE, staffId=me))["wrong"] == "SELF"
    kept = await chain.do(SET_ROLE, staffId=me, role="OWNER", storeIds=[str(chain.store)])
    assert kept["role"] == "OWNER"


async def test_two_owners_who_remove_each_other_at_once(chain: Chain, elsewhere: Asking) -> None:
    other, signed = await chain.hired(role="OWNER")
    me = str(chain.founded.owner.id)
    # Both processes have cached both owners for a moment.
    await elsewhere(VIEWER, signed["accessToken"])
    answers = await asyncio.gather(
        chain.do(REMOVE, staffId=other["id"]),
        elsewhere(REMOVE, signed["accessToken"], input={"key": str(uuid4()), "staffId": me}),
    )
    assert sorted(answer.get("wrong", "") for answer in answers) == ["", "LAST_OWNER"]


def mutations(chain: Chain) -> dict[str, tuple[str, dict[str, Any]]]:
    """Every mutation that writes, with a valid input."""
    absent = str(uuid4())
    return {
        "inviteStaff": (INVITE, chain.person()),
        "setStaffRole": (SET_ROLE, {"staffId": absent, "role": "CASHIER", "storeIds": []}),
        "removeStaff": (REMOVE, {"staffId": absent}),
        "createApiKey": (CREATE_KEY, {"name": "ERP", "scopes": ["STOCK_READ"]}),
        "revokeApiKey": (REVOKE_KEY, {"apiKeyId": absent}),
        "createStore": (CREATE_STORE, {"code": uuid4().hex, "name": "x"}),
        "updateStore": (UPDATE_STORE, {"storeId": absent, "name": "x"}),
    }


@pytest.mark.parametrize("role", ["CASHIER", "PURCHASER"])
async def test_only_owners_and_managers_manage(chain: Chain, role: str) -> None:
    _, signed = await chain.hired(role=role)
    token = signed["accessToken"]
    for name, (text, input) in mutations(chain).items():
        request = {"key": str(uuid4()), **input}
        assert await chain.asking.code(text, token, input=request) == "FORBIDDEN", name
        assert await chain.asking.code(text, None, input=request) == "UNAUTHENTICATED", name
    for text in (STAFF, KEYS):
        assert await chain.asking.code(text, token) == "FORBIDDEN"


async def test_foreign_ids_look_like_absent_ones(chain: Chain, stranger: Chain) -> None:
    person, _ = await stranger.hired()
    their_key = await stranger.do(CREATE_KEY, name="ERP", scopes=["VIEWER_READ"])
    requests = [
        (SET_ROLE, "staffId", person["id"], {"role": "CASHIER", "storeIds": []}),
        (REMOVE, "staffId", person["id"], {}),
        (REVOKE_KEY, "apiKeyId", their_key["apiKey"]["id"], {}),
        (UPDATE_STORE, "storeId", str(stranger.store), {"name": "mine now"}),
    ]
    for text, field, foreign, more in requests:
        absent = str(uuid4())
        theirs = await chain.do(text, **{field: foreign}, **more)
        nobodys = await chain.do(text, **{field: absent}, **more)
        assert theirs["code"].startswith("UNKNOWN_")
        assert str(theirs).replace(foreign, "ID") == str(nobodys).replace(absent, "ID")
    for store in (stranger.store, uuid4()):
        refused = await chain.do(INVITE, **chain.person(storeIds=[str(store)]))
        assert refused["code"] == "UNKNOWN_STORE"
    assert (await stranger.asking(STORES, stranger.token))[0]["name"] == "南山店"
    assert await stranger.asking(VIEWER, their_key["secret"])


async def test_one_key_has_one_effect(chain: Chain, elsewhere: Asking) -> None:
    input = {"key": str(uuid4()), **chain.person()}
    answers = await asyncio.gather(
        *(
            where(INVITE, chain.token, input=input)
            for where in (chain.asking, elsewhere)
            for _ in range(10)
        )
    )
    assert all(answer == answers[0] for answer in answers)
    assert len((await chain.asking(STAFF, chain.token))["nodes"]) == 2
    reused = await chain.asking(INVITE, chain.token, input=input | {"name": "小王"})
    assert reused["code"] == "KEY_REUSED"
    store = {"key": input["key"], "code": uuid4().hex, "name": "x"}
    assert (await chain.asking(CREATE_STORE, chain.token, input=store))["code"] == "KEY_REUSED"


async def test_a_key_belongs_to_who_sent_it(chain: Chain, stranger: Chain) -> None:
    key = uuid4()
    _, other = await chain.hired(role="OWNER")
    first = await chain.do(CREATE_STORE, key, code=uuid4().hex, name="一店")
    input = {"key": str(key), "code": uuid4().hex, "name": "二店"}
    second = await chain.asking(CREATE_STORE, other["accessToken"], input=input)
    third = await stranger.do(CREATE_STORE, key, code=uuid4().hex, name="三店")
    assert [each["name"] for each in (first, second, third)] == ["一店", "二店", "三店"]


async def test_a_refusal_leaves_no_claim(chain: Chain) -> None:
    key, person = uuid4(), chain.person()
    holder, _ = await chain.hired(login=person["login"])
    assert (await chain.do(INVITE, key, **person))["code"] == "ALREADY_TAKEN"
    await chain.do(REMOVE, staffId=holder["id"])
    assert (await chain.do(INVITE, key, **person))["login"] == person["login"]


@pytest.mark.parametrize("name", ["setStaffRole", "removeStaff", "revokeApiKey", "updateStore"])
async def test_changes_repeat_their_answer(chain: Chain, name: str) -> None:
    person, _ = await chain.hired()
    answer = await chain.do(CREATE_KEY, name="ERP", scopes=["STOCK_READ"])
    ids = {
        "staffId": person["id"],
        "apiKeyId": answer["apiKey"]["id"],
        "storeId": str(chain.store),
    }
    text, input = mutations(chain)[name]
    input = {field: ids.get(field, value) for field, value in input.items()}
    key = uuid4()
    first = await chain.do(text, key, **input)
    assert "code" not in first
    assert await chain.do(text, key, **input) == first
    # A key that was used for one row is refused for another.
    field = next(field for field in ids if field in input)
    other = await chain.do(text, key, **(input | {field: str(uuid4())}))
    assert other["code"] == "KEY_REUSED"


BAD: list[tuple[str, dict[str, Any]]] = [
    ("inviteStaff", {"login": ""}),
    ("inviteStaff", {"login": "two words"}),
    ("inviteStaff", {"login": "a\0b"}),
    ("inviteStaff", {"login": "x" * 101}),
    ("inviteStaff", {"name": " "}),
    ("inviteStaff", {"name": "a\nb"}),
    ("inviteStaff", {"name": "名" * 101}),
    ("inviteStaff", {"password": "short"}),
    ("inviteStaff", {"password": "x" * 129}),
    ("inviteStaff", {"role": "CUSTOMER"}),
    ("inviteStaff", {"role": "INTEGRATOR"}),
    ("inviteStaff", {"role": "ADMIN"}),
    ("inviteStaff", {"storeIds": ["x"]}),
    ("inviteStaff", {"storeIds": None}),
    ("inviteStaff", {"storeIds": [str(UUID(int=0))] * 1001}),
    ("inviteStaff", {"tenantId": str(UUID(int=0))}),
    ("inviteStaff", {"key": "x"}),
    ("inviteStaff", {"key": None}),
    ("setStaffRole", {"role": "INTEGRATOR"}),
    ("setStaffRole", {"staffId": 1}),
    ("createApiKey", {"name": ""}),
    ("createApiKey", {"scopes": []}),
    ("createApiKey", {"scopes": ["*"]}),
    ("createApiKey", {"scopes": ["STOCK_READ", "\0"]}),
    ("createStore", {"code": "x"}),
    ("createStore", {"code": "-x"}),
    ("createStore", {"code": "门店"}),
    ("createStore", {"code": "a" * 33}),
    ("createStore", {"code": "a/../b"}),
    ("createStore", {"name": "\u2028x\u2028y"}),
    ("createStore", {"timezone": "Mars/Base"}),
    ("createStore", {"timezone": "../../etc/passwd"}),
    ("createStore", {"timezone": "\0"}),
    ("createStore", {"timezone": ""}),
    ("createStore", {"timezone": "localtime"}),
    ("createStore", {"fewThreshold": -1}),
    ("createStore", {"fewThreshold": 1001}),
    ("createStore", {"fewThreshold": 2**31}),
    ("createStore", {"fewThreshold": 1.5}),
    ("updateStore", {"name": ""}),
    ("updateStore", {"timezone": ""}),
    ("updateStore", {"fewThreshold": -1}),
]


@pytest.mark.parametrize(("name", "bad"), BAD, ids=lambda part: str(part)[:40])
async def test_bad_input_writes_nothing(chain: Chain, name: str, bad: dict[str, Any]) -> None:
    text, input = mutations(chain)[name]
    input |= {"storeId": str(chain.store)} if name == "updateStore" else {}
    before = await chain.asking(STAFF, chain.token), await chain.asking(STORES, chain.token)
    assert await chain.bad(text, **(input | bad)) == "BAD_INPUT"
    after = await chain.asking(STAFF, chain.token), await chain.asking(STORES, chain.token)
    assert before == after
    assert (await chain.asking(KEYS, chain.token))["nodes"] == []


@pytest.mark.parametrize("login", ["", " ", "a\0b", "x" * 101])
async def test_a_login_nobody_can_have(chain: Chain, login: str) -> None:
    text = "mutation($l: String!, $p: String!) { signIn(input: {login: $l, password: $p}) \
        { __typename } }"
    assert await chain.asking.code(text, None, l=login, p=PASSWORD) == "BAD_INPUT"


@pytest.mark.parametrize("password", ["", "\0", "x" * 10_000])
async def test_a_password_nobody_has(chain: Chain, password: str) -> None:
    failed = await chain.asking.sign_in(chain.founded.owner.login, password)
    assert failed["code"] == "SIGN_IN_FAILED"
