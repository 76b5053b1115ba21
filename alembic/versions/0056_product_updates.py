"""Products: when each changed last, stamped at the commit, so that a poll misses none."""

from alembic import op

revision = "0056"
down_revision = "0055"

TABLE = """
CREATE TABLE product_updates (
    tenant_id UUID NOT NULL,
    product_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_product_updates PRIMARY KEY (tenant_id, product_id),
    CONSTRAINT fk_product_updates_tenant_id_product_id
        FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id) ON DELETE RESTRICT
);
-- Row-level security would hide the rows of every tenant from a migration.
ALTER TABLE products NO FORCE ROW LEVEL SECURITY;
INSERT INTO product_updates SELECT tenant_id, id, created_at FROM products;
ALTER TABLE products FORCE ROW LEVEL SECURITY;
CREATE INDEX ix_product_updates_at ON product_updates (tenant_id, at);
CREATE INDEX ix_changes_at ON changes (tenant_id, store_id, at);
GRANT SELECT, INSERT, UPDATE ON product_updates TO kucun_app;
ALTER TABLE product_updates ENABLE ROW LEVEL SECURITY;
ALTER TABLE product_updates FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON product_updates
    USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
"""

# The lock is held from the stamp to the end of the commit. Who takes it exclusively for a moment
# (app/db/updates.py) knows that every earlier stamp is visible.
STAMP = """
CREATE FUNCTION stamp_product(tenant uuid, product uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('products ' || tenant, 0));
    INSERT INTO product_updates (tenant_id, product_id, at)
    VALUES (tenant, product, clock_timestamp())
    ON CONFLICT (tenant_id, product_id) DO UPDATE SET at = excluded.at;
END $$
"""
NOTE_PRODUCT = """
CREATE FUNCTION note_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM stamp_product(NEW.tenant_id, NEW.id);
    RETURN NULL;
END $$
"""
# A code or unit may leave one product for another.
NOTE_PART = """
CREATE FUNCTION note_part_of_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM stamp_product(OLD.tenant_id, OLD.product_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM stamp_product(NEW.tenant_id, NEW.product_id);
    END IF;
    RETURN NULL;
END $$
"""
DEFERRED = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"


def upgrade() -> None:
    for statement in TABLE.strip().split(";\n"):
        op.execute(statement)
    for function in (STAMP, NOTE_PRODUCT, NOTE_PART):
        op.execute(function)
    op.execute(
        f"CREATE CONSTRAINT TRIGGER note_product AFTER INSERT OR UPDATE ON products {DEFERRED} "
        "EXECUTE FUNCTION note_product()"
    )
    for table in ("product_codes", "product_units"):
        op.execute(
            f"CREATE CONSTRAINT TRIGGER note_product AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"{DEFERRED} EXECUTE FUNCTION note_part_of_product()"
        )
