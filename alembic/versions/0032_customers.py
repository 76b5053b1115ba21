"""Customers with an account: mini-programs of the chain, identities, and their sessions."""

from alembic import op

revision = "0032"
down_revision = "0031"

UP = """
CREATE TABLE mini_apps (
    tenant_id UUID NOT NULL,
    channel TEXT NOT NULL,
    app_id TEXT NOT NULL,
    sealed_secret BYTEA NOT NULL,
    set_by UUID NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_mini_apps PRIMARY KEY (tenant_id, channel),
    CONSTRAINT ck_mini_apps_channel CHECK (channel in ('WECHAT', 'DOUYIN'))
);
CREATE TABLE customers (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    channel TEXT NOT NULL,
    sealed_identity BYTEA,
    identity_index BYTEA,
    sealed_phone BYTEA,
    phone_index BYTEA,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    erased_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_customers PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_customers_channel CHECK (channel in ('WECHAT', 'DOUYIN')),
    CONSTRAINT ck_customers_erased_at CHECK (
        (erased_at is null) = (identity_index is not null)
    )
);
CREATE UNIQUE INDEX uq_customers_identity ON customers (tenant_id, identity_index)
    WHERE identity_index is not null;
CREATE INDEX ix_customers_phone ON customers (tenant_id, phone_index)
    WHERE phone_index is not null;
ALTER TABLE sessions ALTER COLUMN staff_id DROP NOT NULL, ADD COLUMN customer_id UUID,
    ADD CONSTRAINT fk_sessions_tenant_id_customer_id FOREIGN KEY(tenant_id, customer_id)
        REFERENCES customers (tenant_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT ck_sessions_account CHECK (num_nonnulls(staff_id, customer_id) = 1);
CREATE INDEX ix_sessions_customer ON sessions (tenant_id, customer_id)
    WHERE customer_id is not null;
ALTER TABLE passes ADD COLUMN customer_id UUID;
CREATE INDEX ix_passes_customer ON passes (tenant_id, customer_id, id)
    WHERE customer_id is not null;
CREATE INDEX ix_orders_placed_by ON orders (tenant_id, placed_by, id)
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in UP.strip().split(";\n"):
        op.execute(statement)
    for table in ("mini_apps", "customers"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO kucun_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({MINE}) WITH CHECK ({MINE})")
