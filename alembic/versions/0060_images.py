"""Images: which were requested, and since when nothing uses them."""

from alembic import op

revision = "0060"
down_revision = "0059"

STATEMENTS = """
CREATE TABLE images (
    tenant_id UUID NOT NULL,
    name TEXT NOT NULL,
    unused_since TIMESTAMP WITH TIME ZONE,
    removing BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_images PRIMARY KEY (tenant_id, name),
    CONSTRAINT ck_images_removing CHECK (unused_since IS NOT NULL OR NOT removing)
);
-- Row-level security would hide the rows of every tenant from a migration.
ALTER TABLE products NO FORCE ROW LEVEL SECURITY;
INSERT INTO images (tenant_id, name)
    SELECT DISTINCT tenant_id, substring(image_url FROM '/images/' || tenant_id ||
        '/([0-9a-f]{32}[.][a-z]+)$') AS name
    FROM products WHERE image_url ~ ('/images/' || tenant_id || '/[0-9a-f]{32}[.][a-z]+$');
ALTER TABLE products FORCE ROW LEVEL SECURITY;
CREATE INDEX ix_images_unused ON images (tenant_id, unused_since) WHERE unused_since IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON images TO kucun_app;
ALTER TABLE images ENABLE ROW LEVEL SECURITY;
ALTER TABLE images FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON images
    USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
"""


def upgrade() -> None:
    for statement in STATEMENTS.strip().split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE images")
