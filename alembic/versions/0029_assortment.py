"""The assortment: what each store, and each channel of it, lists for customers."""

from alembic import op

revision = "0029"
down_revision = "0028"

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"
STATEMENTS = f"""
ALTER TABLE products ADD COLUMN for_sale BOOLEAN DEFAULT true NOT NULL;
CREATE TABLE assortment (
    tenant_id UUID NOT NULL,
    product_id UUID NOT NULL,
    store_id UUID NOT NULL,
    channel TEXT NOT NULL,
    listed BOOLEAN NOT NULL,
    CONSTRAINT pk_assortment PRIMARY KEY (tenant_id, product_id, store_id, channel),
    CONSTRAINT fk_assortment_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT fk_assortment_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id) ON DELETE RESTRICT
);
GRANT SELECT, INSERT, UPDATE, DELETE ON assortment TO kucun_app;
ALTER TABLE levels NO FORCE ROW LEVEL SECURITY;
INSERT INTO assortment SELECT tenant_id, product_id, store_id, '', true FROM levels
    WHERE version = 0;
ALTER TABLE levels FORCE ROW LEVEL SECURITY;
ALTER TABLE assortment ENABLE ROW LEVEL SECURITY;
ALTER TABLE assortment FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON assortment USING ({MINE}) WITH CHECK ({MINE})
"""


def upgrade() -> None:
    # Goods that were ever stocked are listed by default; a level that was opened for a threshold
    # was shown to customers too.
    for statement in STATEMENTS.strip().split(";\n"):
        op.execute(statement)
