"""The permission matrix, compared with a table in this test, and the stores within reach."""

from uuid import UUID, uuid4

import pytest

from app.domain import access
from app.domain.access import Can, Reach, Role, Scope, Viewer
from app.domain.errors import Denied, Refused, UnknownStore

# Columns: customer, cashier, manager, purchaser, owner, and the scope that an API key needs.
# Y: all stores, s: own stores, -: nothing. Written from the permission matrix, not from the code.
MATRIX = """
BROWSE             Y Y Y Y Y *
SIGN_IN            Y Y Y Y Y *
SEE_SELF           s s s Y Y viewer:read
MANAGE_SELF        s s s Y Y -
CHANGE_PASSWORD    - s s Y Y -
SHOP               s - - - - -
CONNECT_MINI_APPS  - - - - Y -
CONNECT_SMS        - - - - Y -
SEE_CATALOG        - s s Y Y catalog:read
EDIT_CATALOG       - - s Y Y catalog:write
EDIT_RECIPES       - - s Y Y catalog:write
EDIT_CHANNELS      - - s Y Y catalog:write
CONNECT_CHANNELS   - - - - Y channel:write
SELL_OUT           - s s - Y sale:write
SET_THRESHOLDS     - - s Y Y catalog:write
SEE_STOCK          - s s Y Y stock:read
SEE_COST           - - s Y Y cost:read
RECEIVE            - s s Y Y receipt:write
SEE_SUPPLIERS      - - s Y Y purchase:read
EDIT_SUPPLIERS     - - - Y Y purchase:write
SEE_PURCHASES      - s s Y Y purchase:read
PURCHASE           - - s Y Y purchase:write
SELL               - s s - Y sale:write
MANAGE_TILLS       - - s - Y sale:write
SET_PRICE          - - s - Y sale:write
SEE_ALERTS         - s s Y Y alert:read
ACKNOWLEDGE_ALERT  - - s Y Y -
SET_ALERT_RULES    - - s Y Y -
RECEIVE_MESSAGES   - s s Y Y -
MANAGE_WEBHOOKS    - - - - Y webhook:write
MANAGE_OPERATIONS  - - - - Y operation:write
PLACE_ORDER        Y Y Y Y Y *
SEE_ORDERS         - s s Y Y order:read
RUN_ORDERS         - s s - Y order:write
SEE_TRANSFERS      - s s Y Y transfer:read
REQUEST_GOODS      - s s - Y transfer:request
RUN_TRANSFERS      - - - Y Y transfer:ship
RECEIVE_TRANSFER   - s s Y Y transfer:receive
SEE_PASSES         - s s Y Y pass:read
REDEEM             - s s - Y sale:write
REFUND_PASS        - - s - Y return:write
RETURN_SALE        - s s - Y return:write
SEE_WRITE_OFFS     - s s Y Y writeoff:read
REQUEST_WRITE_OFF  - s s Y Y -
DECIDE_WRITE_OFF   - - s Y Y -
LIMIT_WRITE_OFFS   - - - - Y -
SEE_APPROVALS      - s s Y Y -
APPROVE_MOVEMENT   - - s Y Y -
SEE_STOCKTAKES     - s s Y Y -
COUNT              - s s Y Y -
RUN_STOCKTAKES     - - s Y Y -
SET_STOCKTAKE_RULES - - - - Y -
ADJUST             - - s Y Y -
CONSUME            - s s - Y -
PRODUCE            - s s - Y -
RETURN_TO_SUPPLIER - - s Y Y receipt:write
REVERSE            - - s - Y -
SEE_REPORTS        - - s Y Y report:read
MANAGE_STAFF       - - s - Y -
MANAGE_KEYS        - - - - Y -
MANAGE_STORES      - - - - Y -
SEE_CONTACTS       - s s - Y -
REVEAL_CONTACTS    - - - - Y -
ERASE_CUSTOMERS    - - - - Y -
SEE_AUDIT          - - s Y Y -
SEE_HEALTH         - - - - Y health:read
"""
ROLES = (Role.CUSTOMER, Role.CASHIER, Role.MANAGER, Role.PURCHASER, Role.OWNER)
REACH = {"Y": Reach.ALL, "s": Reach.OWN, "-": None}
TABLE = {words[0]: words[1:] for words in map(str.split, MATRIX.strip().splitlines())}

TENANT, MINE, OTHER, FOREIGN = uuid4(), uuid4(), uuid4(), uuid4()


def viewer(role: Role, *scopes: str, own: tuple[UUID, ...] = (MINE,)) -> Viewer:
    scope = Scope(TENANT, role, frozenset(scopes), frozenset(own))
    return Viewer(scope, uuid4(), "某人", frozenset({MINE, OTHER}))


def test_the_table_names_every_permission() -> None:
    assert sorted(TABLE) == sorted(can.name for can in Can)


@pytest.mark.parametrize("can", Can, ids=lambda can: can.name)
def test_roles_reach_what_the_table_says(can: Can) -> None:
    words = dict(zip(ROLES, TABLE[can.name], strict=False))
    assert {role: Scope(TENANT, role).reach(can) for role in ROLES} == {
        role: REACH[word] for role, word in words.items()
    }


@pytest.mark.parametrize("can", Can, ids=lambda can: can.name)
def test_a_key_reaches_only_what_its_scope_names(can: Can) -> None:
    word = TABLE[can.name][-1]
    granting = {
        scope
        for scope in access.SCOPES
        if Scope(TENANT, Role.INTEGRATOR, frozenset({scope})).reach(can)
    }
    assert granting == (access.SCOPES if word == "*" else {word} - {"-"})
    bare = Scope(TENANT, Role.INTEGRATOR).reach(can)
    assert bare is (Reach.ALL if word == "*" else None)


@pytest.mark.parametrize("role", ROLES)
def test_scopes_give_a_person_nothing(role: Role) -> None:
    every = Scope(TENANT, role, access.SCOPES)
    assert [every.reach(can) for can in Can] == [Scope(TENANT, role).reach(can) for can in Can]


@pytest.mark.parametrize("can", Can, ids=lambda can: can.name)
def test_a_stranger_may_only_browse_and_sign_in(can: Can) -> None:
    if can in (Can.BROWSE, Can.SIGN_IN, Can.PLACE_ORDER):
        access.require(None, can)
        return
    with pytest.raises(Denied) as denied:
        access.require(None, can)
    assert denied.value.code == "UNAUTHENTICATED"


def test_what_is_not_granted_is_forbidden() -> None:
    access.require(viewer(Role.CASHIER), Can.SELL)
    for can in (Can.MANAGE_STAFF, Can.ADJUST, Can.SEE_COST):
        with pytest.raises(Denied) as denied:
            access.require(viewer(Role.CASHIER), can)
        assert denied.value.code == "FORBIDDEN"


def test_stores_within_reach() -> None:
    cashier, buyer = viewer(Role.CASHIER), viewer(Role.PURCHASER, own=())
    assert access.within(cashier, Can.SEE_STOCK) == [MINE]
    assert access.within(cashier, Can.SEE_STOCK, [MINE, OTHER, FOREIGN]) == [MINE]
    assert access.within(cashier, Can.ADJUST) == []
    assert access.within(buyer, Can.SEE_STOCK) == sorted([MINE, OTHER])
    assert access.within(buyer, Can.SEE_STOCK, [FOREIGN]) == []
    assert access.within(viewer(Role.INTEGRATOR, "stock:read", own=()), Can.SEE_STOCK) == sorted(
        [MINE, OTHER]
    )


@pytest.mark.parametrize("store", [OTHER, FOREIGN, uuid4()], ids=["not mine", "foreign", "absent"])
def test_a_store_out_of_reach_and_an_absent_one_look_the_same(store: UUID) -> None:
    assert access.at(viewer(Role.CASHIER), Can.SELL, MINE) == MINE
    with pytest.raises(Refused) as refused:
        access.at(viewer(Role.CASHIER), Can.SELL, store)
    assert refused.value.refusal == UnknownStore(str(store))
