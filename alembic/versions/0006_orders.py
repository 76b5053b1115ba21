"""Orders and their holds; a change names the documents it touched; documents of every kind."""

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = """
CREATE TABLE orders (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    channel TEXT NOT NULL,
    state TEXT DEFAULT 'HELD' NOT NULL,
    contact TEXT NOT NULL,
    note TEXT,
    external_id TEXT,
    total BIGINT,
    pickup_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    extended BOOLEAN DEFAULT false NOT NULL,
    payment TEXT,
    reason TEXT,
    placed_by UUID NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    paid_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_orders PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_orders_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_orders_state
        CHECK (state in ('HELD', 'PAID', 'FULFILLED', 'CANCELLED', 'EXPIRED')),
    CONSTRAINT ck_orders_expires_at CHECK (state <> 'HELD' or expires_at is not null)
);
CREATE INDEX ix_orders_store ON orders (tenant_id, store_id, id);
CREATE INDEX ix_orders_due ON orders (tenant_id, store_id, expires_at) WHERE state = 'HELD';
CREATE INDEX ix_orders_expired ON orders (tenant_id, ended_at) WHERE state = 'EXPIRED';
CREATE UNIQUE INDEX uq_orders_external ON orders (tenant_id, channel, external_id)
    WHERE external_id is not null;
CREATE TABLE order_lines (
    tenant_id UUID NOT NULL,
    order_id UUID NOT NULL,
    line INTEGER NOT NULL,
    product_id UUID NOT NULL,
    quantity BIGINT NOT NULL,
    scale BIGINT NOT NULL,
    price BIGINT,
    recipe_id UUID,
    CONSTRAINT pk_order_lines PRIMARY KEY (tenant_id, order_id, line),
    CONSTRAINT fk_order_lines_tenant_id_order_id FOREIGN KEY(tenant_id, order_id)
        REFERENCES orders (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_order_lines_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_order_lines_quantity CHECK (quantity > 0)
);
ALTER TABLE stores ADD COLUMN hold_minutes INTEGER DEFAULT '15' NOT NULL;
ALTER TABLE levels ADD COLUMN held_until TIMESTAMP WITH TIME ZONE;
ALTER TABLE changes ADD COLUMN document_ids UUID[] DEFAULT '{}' NOT NULL;
ALTER TABLE movements RENAME COLUMN pass_id TO document_id;
ALTER INDEX ix_movements_pass RENAME TO ix_movements_document;
DROP FUNCTION bump_feed(uuid, uuid, uuid[]);
"""

RIGHTS = {
    "orders": "SELECT, INSERT, UPDATE",
    "order_lines": "SELECT, INSERT",
}

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"

# I6: the feed row is the lock of a store's revisions, and a store without one fails the commit.
BUMP_FEED = """
CREATE FUNCTION bump_feed(tenant uuid, store uuid, products uuid[], documents uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE reached bigint;
BEGIN
    UPDATE feeds SET revision = revision + 1
    WHERE tenant_id = tenant AND store_id = store RETURNING revision INTO STRICT reached;
    INSERT INTO changes (tenant_id, store_id, revision, product_ids, document_ids)
    VALUES (tenant, store, reached, products, documents);
END $$
"""


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
    op.execute(BUMP_FEED)
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO kucun_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({MINE}) WITH CHECK ({MINE})")
