"""A chain's SKUs and barcodes are codes of one namespace, compared in one spelling.

Where two products had one code, the older product keeps it: the SKU of the other one gets a
number behind it, and its barcode is removed. The log of the migration names both.
"""

import logging
import re
import unicodedata
from collections import defaultdict

import sqlalchemy as sa

from alembic import op

revision = "0028"
down_revision = "0027"

LOG = logging.getLogger("alembic.product_codes")

TABLE = """
CREATE TABLE product_codes (
    tenant_id UUID NOT NULL,
    name TEXT NOT NULL,
    product_id UUID NOT NULL,
    is_sku BOOLEAN DEFAULT false NOT NULL,
    code TEXT,
    pack_quantity BIGINT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_product_codes PRIMARY KEY (tenant_id, name),
    CONSTRAINT fk_product_codes_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_product_codes_pack_quantity CHECK (pack_quantity > 0),
    CONSTRAINT ck_product_codes_means CHECK (is_sku or code is not null)
);
CREATE INDEX ix_product_codes_product ON product_codes (tenant_id, product_id);
CREATE UNIQUE INDEX uq_product_codes_sku ON product_codes (tenant_id, product_id) WHERE is_sku;
GRANT SELECT, INSERT, UPDATE, DELETE ON product_codes TO kucun_app;
"""

# Row-level security would hide the rows of every tenant from a migration.
READABLE = """
ALTER TABLE products NO FORCE ROW LEVEL SECURITY;
ALTER TABLE suppliers NO FORCE ROW LEVEL SECURITY;
ALTER TABLE barcodes NO FORCE ROW LEVEL SECURITY;
"""
GUARDED = """
ALTER TABLE products FORCE ROW LEVEL SECURITY;
ALTER TABLE suppliers FORCE ROW LEVEL SECURITY;
ALTER TABLE products DROP CONSTRAINT uq_products_tenant_id_sku;
DROP TABLE barcodes;
ALTER TABLE product_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE product_codes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON product_codes USING ({mine}) WITH CHECK ({mine});
"""
MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"

# Products in use come before archived ones, and older ones first.
PRODUCTS = """
SELECT tenant_id, id, sku, scale FROM products ORDER BY archived_at IS NOT NULL, created_at, id
"""
BARCODES = "SELECT tenant_id, product_id, code, pack_quantity, created_at FROM barcodes"
CODE = """
INSERT INTO product_codes (tenant_id, name, product_id, is_sku, code, pack_quantity)
VALUES (:tenant, :name, :product, :is_sku, :code, :pack)
"""


def upgrade() -> None:
    _run(TABLE + READABLE)
    connection = op.get_bind()
    products = connection.execute(sa.text(PRODUCTS)).all()
    barcodes: dict[object, list[sa.Row]] = defaultdict(list)
    for row in connection.execute(sa.text(BARCODES + " ORDER BY created_at, code")).all():
        barcodes[row.product_id].append(row)
    codes: dict[tuple[object, str], dict[str, object]] = {}
    for tenant, product, sku, _ in products:
        shown, number = _plain(sku), 1
        while (tenant, _key(shown)) in codes:
            number += 1
            shown = f"{_plain(sku)}-{number}"
        if number > 1:
            LOG.warning("sku %r of product %s of chain %s is now %r", sku, product, tenant, shown)
        codes[tenant, _key(shown)] = _row(tenant, _key(shown), product, is_sku=True)
        if shown != sku:
            connection.execute(
                sa.text("UPDATE products SET sku = :sku WHERE tenant_id = :t AND id = :id"),
                {"sku": shown, "t": tenant, "id": product},
            )
    for tenant, product, _, scale in products:
        for row in barcodes[product]:
            _add(codes, tenant, product, scale, row)
    if codes:
        connection.execute(sa.text(CODE), list(codes.values()))
    for table in ("products", "suppliers"):
        _fold_searches(connection, table)
    _run(GUARDED.format(mine=MINE))


def _add(codes: dict, tenant: object, product: object, scale: int, row: sa.Row) -> None:
    """Adds a barcode, unless another product has the code."""
    # One unit was the default as well: how much a pack holds may not have been given.
    pack = None if row.pack_quantity == scale else row.pack_quantity
    code, name = _plain(row.code), _key(row.code)
    taken = codes.get((tenant, name))
    if taken is None:
        codes[tenant, name] = _row(tenant, name, product, code=code, pack=pack)
    elif taken["product"] == product and taken["code"] is None and pack is None:
        taken["code"] = code
    else:
        LOG.warning(
            "barcode %r (%s base units) of product %s of chain %s is removed: it is a code of %s",
            row.code,
            row.pack_quantity,
            product,
            tenant,
            taken["product"],
        )


def _row(
    tenant: object,
    name: str,
    product: object,
    *,
    is_sku: bool = False,
    code: str | None = None,
    pack: int | None = None,
) -> dict[str, object]:
    values = {"tenant": tenant, "name": name, "product": product}
    return values | {"is_sku": is_sku, "code": code, "pack": pack}


def _fold_searches(connection: sa.Connection, table: str) -> None:
    """Searches skip spaces and punctuation: so do the texts that they look through."""
    updates = [
        {"t": tenant, "id": id, "search": folded}
        for tenant, id, search in connection.execute(
            sa.text(f"SELECT tenant_id, id, search FROM {table}")
        ).all()
        if (folded := "\n".join(map(_search_key, search.split("\n")))) != search
    ]
    if updates:
        query = f"UPDATE {table} SET search = :search WHERE tenant_id = :t AND id = :id"
        connection.execute(sa.text(query), updates)


def _run(statements: str) -> None:
    for statement in statements.strip().split(";\n"):
        op.execute(statement.rstrip(";"))


# What follows are the rules of app/domain/rules/spelling.py and codes.py at this revision.

FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
SELECTORS = (range(0xFE00, 0xFE10), range(0x180B, 0x1810), range(0xE0100, 0xE01F0))
SEPARATORS = frozenset(".,:;'\"!?/·・•、。")
SEPARATING = frozenset(("Zs", "Zl", "Zp", "Cc", "Cf", "Ps", "Pe", "Pi", "Pf", "Pd"))
CYRILLIC = str.maketrans("авекмнорстухіјѕһ", "abekmhopctyxijsh")
GREEK = str.maketrans("αβεζηικμνορτυχ", "abezhikmnoptyx")


def _plain(text: str) -> str:
    shown = "".join(
        each
        for each in text
        if unicodedata.category(each) != "Cf"
        and each not in FILLERS
        and not any(ord(each) in selectors for selectors in SELECTORS)
    )
    normal = re.sub(" {2,}", " ", unicodedata.normalize("NFKC", shown)).strip()
    return normal or text


def _key(code: str) -> str:
    folded = unicodedata.normalize("NFKC", _plain(code).casefold())
    text = "".join(map(_compared, folded)).translate(CYRILLIC | GREEK)
    text = unicodedata.normalize("NFKC", text)
    return text.lstrip("0") or "0" if text.isdecimal() else text


def _compared(character: str) -> str:
    if character.isspace():
        return ""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    is_dash = unicodedata.category(character) == "Pd" or character == "\u2212"
    return "-" if is_dash else character


def _search_key(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _plain(text).casefold()) if text else ""
    kept = "".join(
        each
        for place, each in enumerate(folded)
        if not _separates(each) or _is_decimal_point(folded, place)
    )
    return unicodedata.normalize("NFKC", kept) or folded


def _separates(character: str) -> bool:
    return character in SEPARATORS or unicodedata.category(character) in SEPARATING


def _is_decimal_point(text: str, place: int) -> bool:
    around = text[place - 1 : place] + text[place + 1 : place + 2]
    return text[place] == "." and len(around) == 2 and around.isdecimal()
