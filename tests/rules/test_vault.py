"""Sealed values open for their own row only, under either of two secrets."""

from uuid import uuid4

import pytest

from app.db.core.vault import Unopened, Vault

OLD, NEW = "the secret of last year, 32 bytes long", "the secret of this year, 32 bytes long"


def test_a_value_opens_for_its_own_row() -> None:
    vault, tenant, row = Vault(OLD), uuid4(), uuid4()
    sealed = vault.seal(tenant, row, "张三 13712345678")
    assert vault.open(tenant, row, sealed) == "张三 13712345678"
    assert vault.seal(tenant, row, "张三 13712345678") != sealed
    assert b"1371234" not in sealed
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for attempt in ((uuid4(), row, sealed), (tenant, uuid4(), sealed), (tenant, row, changed)):
        with pytest.raises(Unopened):
            vault.open(*attempt)
    for garbage in (b"", sealed[:10], bytes(40)):
        with pytest.raises(Unopened):
            vault.open(tenant, row, garbage)


def test_a_former_secret_still_opens_and_finds() -> None:
    tenant, row = uuid4(), uuid4()
    old, both, new = Vault(OLD), Vault(NEW, OLD), Vault(NEW)
    sealed, index = old.seal(tenant, row, "甲"), old.index(tenant, "甲")
    assert both.open(tenant, row, sealed) == "甲"
    assert both.indexes(tenant, "甲") == [new.index(tenant, "甲"), index]
    assert both.seal(tenant, row, "甲").startswith(new.kid)
    with pytest.raises(Unopened):
        new.open(tenant, row, sealed)


def test_an_index_says_nothing_across_tenants_and_secrets() -> None:
    tenant = uuid4()
    index = Vault(OLD).index(tenant, "+8613712345678")
    assert len(index) == 36
    assert index == Vault(OLD).index(tenant, "+8613712345678")
    assert index != Vault(OLD).index(uuid4(), "+8613712345678")
    assert index[4:] != Vault(NEW).index(tenant, "+8613712345678")[4:]
