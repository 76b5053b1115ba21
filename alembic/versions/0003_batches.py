"""Batches with expiry, and the stock of each in stores."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = """
ALTER TABLE products
    ADD COLUMN tracks_batches BOOLEAN DEFAULT false NOT NULL,
    ADD COLUMN shelf_life_days INTEGER,
    ADD COLUMN expiry_warning_days INTEGER DEFAULT '15' NOT NULL,
    ADD CONSTRAINT ck_products_shelf_life_days CHECK (shelf_life_days >= 0),
    ADD CONSTRAINT ck_products_expiry_warning_days
        CHECK (expiry_warning_days between 1 and 365);
ALTER TABLE levels ADD COLUMN tracks_batches BOOLEAN DEFAULT false NOT NULL;
ALTER TABLE entries
    ADD COLUMN batch_id UUID,
    ADD COLUMN batch_named BOOLEAN;
CREATE TABLE batches (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    product_id UUID NOT NULL,
    number TEXT NOT NULL,
    expires_on DATE NOT NULL,
    produced_on DATE,
    supplier TEXT,
    unit_cost BIGINT,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_batches PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_batches_tenant_id_product_id_number_expires_on
        UNIQUE (tenant_id, product_id, number, expires_on),
    CONSTRAINT fk_batches_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT
);
CREATE TABLE batch_levels (
    tenant_id UUID NOT NULL,
    store_id UUID NOT NULL,
    product_id UUID NOT NULL,
    expires_on DATE NOT NULL,
    batch_id UUID NOT NULL,
    shelf BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    quarantine BIGINT NOT NULL,
    transit BIGINT NOT NULL,
    CONSTRAINT pk_batch_levels
        PRIMARY KEY (tenant_id, store_id, product_id, expires_on, batch_id),
    CONSTRAINT fk_batch_levels_tenant_id_batch_id FOREIGN KEY(tenant_id, batch_id)
        REFERENCES batches (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_batch_levels_shelf CHECK (shelf >= 0),
    CONSTRAINT ck_batch_levels_reserved CHECK (reserved >= 0),
    CONSTRAINT ck_batch_levels_quarantine CHECK (quarantine >= 0),
    CONSTRAINT ck_batch_levels_transit CHECK (transit >= 0),
    CONSTRAINT ck_batch_levels_held CHECK (shelf + reserved + quarantine + transit > 0)
) WITH (fillfactor = 70);
CREATE INDEX ix_batch_levels_expiry ON batch_levels (tenant_id, expires_on, store_id);
"""

RIGHTS = {"batches": "SELECT, INSERT", "batch_levels": "SELECT, INSERT, UPDATE, DELETE"}

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO kucun_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({MINE}) WITH CHECK ({MINE})")
