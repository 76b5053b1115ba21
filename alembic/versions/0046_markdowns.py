"""Markdowns: lower prices of batches that expire soon."""

from alembic import op

revision = "0046"
down_revision = "0045"

TABLE = """
CREATE TABLE markdowns (
    tenant_id UUID NOT NULL,
    store_id UUID NOT NULL,
    product_id UUID NOT NULL,
    batch_id UUID NOT NULL,
    percent INTEGER NOT NULL,
    until DATE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    set_by UUID NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_markdowns PRIMARY KEY (tenant_id, store_id, product_id, batch_id),
    CONSTRAINT fk_markdowns_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT fk_markdowns_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT fk_markdowns_tenant_id_batch_id FOREIGN KEY(tenant_id, batch_id)
        REFERENCES batches (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT ck_markdowns_percent CHECK (percent between 1 and 99)
)
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    op.execute(TABLE)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON markdowns TO kucun_app")
    op.execute("ALTER TABLE markdowns ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE markdowns FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON markdowns USING ({MINE}) WITH CHECK ({MINE})")
