"""Products: the prices they had, so that a late sale is booked at the price of its own time."""

from alembic import op

revision = "0034"
down_revision = "0033"

HISTORY = """
CREATE TABLE product_prices (
    tenant_id UUID NOT NULL,
    product_id UUID NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT clock_timestamp(),
    price BIGINT,
    CONSTRAINT pk_product_prices PRIMARY KEY (tenant_id, product_id, since),
    CONSTRAINT fk_product_prices_tenant_id_product_id
        FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id) ON DELETE RESTRICT
);
-- Row-level security would hide the rows of every tenant from a migration.
ALTER TABLE products NO FORCE ROW LEVEL SECURITY;
INSERT INTO product_prices SELECT tenant_id, id, '-infinity', price FROM products;
ALTER TABLE products FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON product_prices TO kucun_app;
ALTER TABLE product_prices ENABLE ROW LEVEL SECURITY;
ALTER TABLE product_prices FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON product_prices
    USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
"""

# Whatever writes a price, by hand or from a file, its history is complete.
KEEP = """
CREATE FUNCTION keep_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO product_prices (tenant_id, product_id, price)
    VALUES (NEW.tenant_id, NEW.id, NEW.price);
    RETURN NULL;
END $$
"""
TRIGGERS = """
CREATE TRIGGER keep_first_price AFTER INSERT ON products
    FOR EACH ROW EXECUTE FUNCTION keep_price();
CREATE TRIGGER keep_price AFTER UPDATE OF price ON products
    FOR EACH ROW WHEN (OLD.price IS DISTINCT FROM NEW.price) EXECUTE FUNCTION keep_price()
"""


def upgrade() -> None:
    _run(HISTORY)
    op.execute(KEEP)
    _run(TRIGGERS)


def _run(statements: str) -> None:
    for statement in statements.strip().split(";\n"):
        op.execute(statement)
