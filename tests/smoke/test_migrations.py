"""Migrations keep what earlier versions wrote."""

import asyncio
from uuid import uuid4

import asyncpg
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.db.core.revision import present_revision
from app.run.migrate import ROOT, newest_revision, upgrade
from tests.conftest import Cloning, command, renamed

PRODUCT = """
INSERT INTO products (tenant_id, id, sku, name, kind, unit, scale, search, pinyin, archived_at)
VALUES ($1, $2, $3, $4, 'GOODS', $5, $6, $7, 'x', $8)
"""
CODES = "SELECT name, product_id, is_sku, code, pack_quantity FROM product_codes"


async def test_the_newest_revision_is_the_last_migration_and_known_without_alembic(
    clone: Cloning,
) -> None:
    config = Config(ROOT / "alembic.ini")
    assert newest_revision() == ScriptDirectory.from_config(config).get_current_head()
    owner = (await clone()).owner
    assert await present_revision(owner) == newest_revision()


async def test_codes_of_earlier_versions_are_in_one_namespace(clone: Cloning) -> None:
    name = f"old_{uuid4().hex}"
    owner = renamed(clone.urls.owner, name)
    await command(clone.urls.owner, f"create database {name}")
    await asyncio.to_thread(upgrade, owner, "0027")
    raw = await asyncpg.connect(owner)
    tenant, first, second, third = (uuid4() for _ in range(4))
    try:
        # The owner of the tables may write for every chain.
        await raw.execute("SET session_replication_role = replica")
        for table in ("products", "barcodes"):
            await raw.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        for id, sku, unit, scale in (
            (first, "SH-1", "件", 1),
            (second, " sh‑1", "件", 1),
            (third, "00786", "kg", 1000),
        ):
            await raw.execute(PRODUCT, tenant, id, sku, "货", unit, scale, "\n老干妈 (辣)\n", None)
        for code, product, pack in (
            ("06901234567892", first, 1),
            ("16901234567899", first, 12),
            ("ＳＨ－１", third, 1000),
            ("786", third, 1000),
        ):
            await raw.execute(
                "INSERT INTO barcodes (tenant_id, code, product_id, pack_quantity) "
                "VALUES ($1, $2, $3, $4)",
                *(tenant, code, product, pack),
            )
        for table in ("products", "barcodes"):
            await raw.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        await asyncio.to_thread(upgrade, owner)
        rows = {row["name"]: tuple(row)[1:] for row in await raw.fetch(CODES)}
        assert rows == {
            "sh-1": (first, True, None, None),
            "sh-1-2": (second, True, None, None),
            "786": (third, True, "786", None),
            "6901234567892": (first, False, "06901234567892", None),
            "16901234567899": (first, False, "16901234567899", 12),
        }
        products = await raw.fetch("SELECT sku, search FROM products ORDER BY sku")
        assert [tuple(each) for each in products] == [
            ("00786", "\n老干妈辣\n"),
            ("SH-1", "\n老干妈辣\n"),
            ("sh‐1-2", "\n老干妈辣\n"),
        ]
    finally:
        await raw.close()
