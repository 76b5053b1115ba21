"""Shops of channels: their accounts, listings, and messages about orders."""

from alembic import op

revision = "0009"
down_revision = "0008"

TABLES = """
ALTER TABLE directory
    DROP CONSTRAINT ck_directory_kind,
    ADD CONSTRAINT ck_directory_kind CHECK (kind in ('login', 'store', 'shop'));
CREATE TABLE channel_links (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    channel TEXT NOT NULL,
    app_id TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    revision BIGINT DEFAULT '-1' NOT NULL,
    leased_until TIMESTAMP WITH TIME ZONE,
    connected_by UUID NOT NULL,
    connected_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_channel_links PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_channel_links_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_channel_links_channel CHECK (channel in ('WECHAT', 'DOUYIN'))
);
CREATE UNIQUE INDEX uq_channel_links_open ON channel_links (tenant_id, store_id, channel)
    WHERE ended_at is null;
CREATE TABLE listings (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    link_id UUID NOT NULL,
    product_id UUID NOT NULL,
    sku TEXT NOT NULL,
    item TEXT DEFAULT '' NOT NULL,
    state TEXT DEFAULT 'NEW' NOT NULL,
    told BIGINT,
    told_revision BIGINT DEFAULT '-1' NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE,
    attempts INTEGER DEFAULT '0' NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE,
    error TEXT,
    CONSTRAINT pk_listings PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_listings_tenant_id_link_id FOREIGN KEY(tenant_id, link_id)
        REFERENCES channel_links (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_listings_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT uq_listings_tenant_id_link_id_sku UNIQUE (tenant_id, link_id, sku),
    CONSTRAINT ck_listings_state CHECK (state in ('NEW', 'TOLD', 'WAITING', 'DEAD'))
);
CREATE INDEX ix_listings_product ON listings (tenant_id, product_id);
CREATE TABLE shop_messages (
    tenant_id UUID NOT NULL,
    link_id UUID NOT NULL,
    id TEXT NOT NULL,
    order_number TEXT NOT NULL,
    state TEXT DEFAULT 'WAITING' NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    error TEXT,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_shop_messages PRIMARY KEY (tenant_id, link_id, id),
    CONSTRAINT fk_shop_messages_tenant_id_link_id FOREIGN KEY(tenant_id, link_id)
        REFERENCES channel_links (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_shop_messages_state CHECK (state in ('WAITING', 'DONE', 'DEAD'))
);
CREATE INDEX ix_shop_messages_due ON shop_messages (tenant_id, next_at)
    WHERE state = 'WAITING';
"""

RIGHTS = {
    "channel_links": "SELECT, INSERT, UPDATE",
    "listings": "SELECT, INSERT, UPDATE, DELETE",
    "shop_messages": "SELECT, INSERT, UPDATE",
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
