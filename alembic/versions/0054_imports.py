"""Imports: rows of spreadsheets that a worker writes, step by step under a lease."""

from alembic import op

revision = "0054"
down_revision = "0053"

TABLES = """
CREATE TABLE imports (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    store_id UUID,
    requested_by UUID NOT NULL,
    role TEXT NOT NULL,
    scopes TEXT[] NOT NULL,
    own_stores UUID[] NOT NULL,
    headers JSONB NOT NULL,
    lines JSONB NOT NULL,
    rows BIGINT NOT NULL,
    done BIGINT DEFAULT 0 NOT NULL,
    created BIGINT DEFAULT 0 NOT NULL,
    changed BIGINT DEFAULT 0 NOT NULL,
    unchanged BIGINT DEFAULT 0 NOT NULL,
    failures JSONB DEFAULT '[]' NOT NULL,
    leased_until TIMESTAMP WITH TIME ZONE,
    requested_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_imports PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_imports_done CHECK (done between 0 and rows),
    CONSTRAINT fk_imports_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id) ON DELETE RESTRICT
);
CREATE INDEX ix_imports_open ON imports (tenant_id, requested_at) WHERE finished_at IS NULL;
CREATE INDEX ix_imports_kind ON imports (tenant_id, kind, requested_at)
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
    op.execute("GRANT SELECT, INSERT, UPDATE ON imports TO kucun_app")
    op.execute("ALTER TABLE imports ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE imports FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON imports USING ({MINE}) WITH CHECK ({MINE})")
