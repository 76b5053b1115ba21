"""Registered operations: documents of a tenant that clients name by their SHA-256."""

from alembic import op

revision = "0072"
down_revision = "0071"

TABLE = """
CREATE TABLE registered_operations (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    sha256 TEXT NOT NULL,
    text TEXT NOT NULL,
    for_guests BOOLEAN NOT NULL,
    cost BIGINT NOT NULL,
    registered_by UUID NOT NULL,
    registered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_registered_operations PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_registered_operations_tenant_id_sha256 UNIQUE (tenant_id, sha256),
    CONSTRAINT ck_registered_operations_sha256
        CHECK (sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex')),
    CONSTRAINT ck_registered_operations_size CHECK (octet_length(text) <= 65536),
    CONSTRAINT ck_registered_operations_cost CHECK (cost >= 0)
)
"""
TENANT = "nullif(current_setting('app.tenant', true), '')::uuid"
MINE = f"tenant_id = {TENANT}"


def upgrade() -> None:
    op.execute(TABLE)
    op.execute(
        "CREATE INDEX ix_registered_operations_guests ON registered_operations (sha256)"
        " WHERE for_guests"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON registered_operations TO kucun_app")
    op.execute("ALTER TABLE registered_operations ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE registered_operations FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON registered_operations USING ({MINE}) WITH CHECK ({MINE})")
    # A guest has no tenant: what guests may run is public.
    op.execute(
        "CREATE POLICY guests ON registered_operations FOR SELECT"
        f" USING (for_guests AND {TENANT} IS NULL)"
    )
