"""Sums of stock for the overview, kept for each level, category and store of a tenant."""

from alembic import op

revision = "0071"
down_revision = "0070"

SUMS = """
    value BIGINT NOT NULL,
    products BIGINT NOT NULL,
    low BIGINT NOT NULL,
    out BIGINT NOT NULL,
    at_risk BIGINT NOT NULL,
"""
TABLES = {
    "store_sums": """
        tenant_id UUID NOT NULL,
        store_id UUID NOT NULL,
        day DATE NOT NULL,
        timezone TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_store_sums PRIMARY KEY (tenant_id, store_id)
    """,
    "category_sums": f"""
        tenant_id UUID NOT NULL,
        store_id UUID NOT NULL,
        category_id UUID NOT NULL,
        {SUMS}
        CONSTRAINT pk_category_sums PRIMARY KEY (tenant_id, store_id, category_id)
    """,
    "level_sums": f"""
        tenant_id UUID NOT NULL,
        store_id UUID NOT NULL,
        product_id UUID NOT NULL,
        category_id UUID NOT NULL,
        {SUMS}
        CONSTRAINT pk_level_sums PRIMARY KEY (tenant_id, store_id, product_id)
    """,
}
MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for name, columns in TABLES.items():
        op.execute(f"CREATE TABLE {name} ({columns}) WITH (fillfactor=80)")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO kucun_app")
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {name} USING ({MINE}) WITH CHECK ({MINE})")
