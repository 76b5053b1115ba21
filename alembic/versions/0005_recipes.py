"""Recipes, passes, units and channel rules; the cost of goods in levels and entries."""

from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = """
CREATE TABLE recipes (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    product_id UUID NOT NULL,
    version INTEGER NOT NULL,
    yields BIGINT NOT NULL,
    consume_on TEXT,
    created_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_recipes PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_recipes_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT uq_recipes_tenant_id_product_id_version UNIQUE (tenant_id, product_id, version),
    CONSTRAINT ck_recipes_yields CHECK (yields > 0)
);
CREATE TABLE components (
    tenant_id UUID NOT NULL,
    recipe_id UUID NOT NULL,
    line INTEGER NOT NULL,
    product_id UUID NOT NULL,
    quantity BIGINT NOT NULL,
    loss INTEGER NOT NULL,
    optional BOOLEAN NOT NULL,
    CONSTRAINT pk_components PRIMARY KEY (tenant_id, recipe_id, line),
    CONSTRAINT fk_components_tenant_id_recipe_id FOREIGN KEY(tenant_id, recipe_id)
        REFERENCES recipes (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_components_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_components_quantity CHECK (quantity > 0),
    CONSTRAINT ck_components_loss CHECK (loss between 0 and 10000)
);
CREATE INDEX ix_components_product ON components (tenant_id, product_id);
CREATE TABLE needs (
    tenant_id UUID NOT NULL,
    recipe_id UUID NOT NULL,
    product_id UUID NOT NULL,
    optional BOOLEAN NOT NULL,
    quantity BIGINT NOT NULL,
    CONSTRAINT pk_needs PRIMARY KEY (tenant_id, recipe_id, product_id, optional),
    CONSTRAINT fk_needs_tenant_id_recipe_id FOREIGN KEY(tenant_id, recipe_id)
        REFERENCES recipes (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_needs_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_needs_quantity CHECK (quantity > 0)
);
CREATE TABLE product_units (
    tenant_id UUID NOT NULL,
    product_id UUID NOT NULL,
    name TEXT NOT NULL,
    size BIGINT NOT NULL,
    CONSTRAINT pk_product_units PRIMARY KEY (tenant_id, product_id, name),
    CONSTRAINT fk_product_units_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_product_units_size CHECK (size > 0)
);
CREATE TABLE channel_rules (
    tenant_id UUID NOT NULL,
    product_id UUID NOT NULL,
    channel TEXT NOT NULL,
    days_left INTEGER NOT NULL,
    CONSTRAINT pk_channel_rules PRIMARY KEY (tenant_id, product_id, channel),
    CONSTRAINT fk_channel_rules_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_channel_rules_days_left CHECK (days_left >= 0)
);
CREATE TABLE passes (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    product_id UUID NOT NULL,
    store_id UUID NOT NULL,
    customer TEXT NOT NULL,
    channel TEXT NOT NULL,
    consume_on TEXT NOT NULL,
    recipe_id UUID,
    uses INTEGER NOT NULL,
    used INTEGER DEFAULT '0' NOT NULL,
    state TEXT DEFAULT 'ACTIVE' NOT NULL,
    expires_on DATE NOT NULL,
    sold_by UUID NOT NULL,
    sold_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_passes PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_passes_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_passes_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_passes_tenant_id_recipe_id FOREIGN KEY(tenant_id, recipe_id)
        REFERENCES recipes (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_passes_uses CHECK (uses between 1 and 1000),
    CONSTRAINT ck_passes_used CHECK (used between 0 and uses),
    CONSTRAINT ck_passes_state CHECK (state in ('ACTIVE', 'USED', 'REFUNDED', 'EXPIRED'))
);
CREATE INDEX ix_passes_customer ON passes (tenant_id, customer, id);
CREATE INDEX ix_passes_state ON passes (tenant_id, state, expires_on);
CREATE TABLE redemptions (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    pass_id UUID,
    product_id UUID NOT NULL,
    store_id UUID NOT NULL,
    uses INTEGER NOT NULL,
    movement_id UUID NOT NULL,
    redeemed_by UUID NOT NULL,
    redeemed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_redemptions PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_redemptions_tenant_id_pass_id FOREIGN KEY(tenant_id, pass_id)
        REFERENCES passes (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_redemptions_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_redemptions_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_redemptions_uses CHECK (uses > 0)
);
CREATE INDEX ix_redemptions_pass ON redemptions (tenant_id, pass_id, id);
ALTER TABLE stores ADD COLUMN scale_labels TEXT[] DEFAULT '{}' NOT NULL;
ALTER TABLE products
    ADD COLUMN recipe_id UUID,
    ADD COLUMN display_unit TEXT,
    ADD COLUMN container BIGINT,
    ADD CONSTRAINT fk_products_tenant_id_recipe_id FOREIGN KEY(tenant_id, recipe_id)
        REFERENCES recipes (tenant_id, id)
        ON DELETE RESTRICT,
    ADD CONSTRAINT ck_products_container CHECK (container > 0);
ALTER TABLE levels
    ADD COLUMN container BIGINT,
    ADD COLUMN recipe_id UUID,
    ADD COLUMN sold_out_until TIMESTAMP WITH TIME ZONE,
    ADD COLUMN value BIGINT DEFAULT '0' NOT NULL,
    ADD COLUMN unit_cost BIGINT,
    ADD CONSTRAINT ck_levels_value CHECK (value >= 0);
ALTER TABLE movements ADD COLUMN pass_id UUID;
CREATE INDEX ix_movements_pass ON movements (tenant_id, pass_id) WHERE pass_id is not null;
ALTER TABLE entries
    ADD COLUMN cost BIGINT,
    ADD COLUMN recipe_id UUID;
"""

RIGHTS = {
    "recipes": "SELECT, INSERT",
    "components": "SELECT, INSERT",
    "needs": "SELECT, INSERT",
    "product_units": "SELECT, INSERT, UPDATE, DELETE",
    "channel_rules": "SELECT, INSERT, UPDATE, DELETE",
    "passes": "SELECT, INSERT, UPDATE",
    "redemptions": "SELECT, INSERT",
}

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO kucun_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({MINE}) WITH CHECK ({MINE})")
