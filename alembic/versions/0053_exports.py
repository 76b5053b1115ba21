"""Exports: reports as files, made by a worker under a lease."""

from alembic import op

revision = "0053"
down_revision = "0052"

TABLES = """
CREATE TABLE exports (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    requested_by UUID NOT NULL,
    report TEXT NOT NULL,
    format TEXT NOT NULL,
    language TEXT NOT NULL,
    origin TEXT NOT NULL,
    stores UUID[] NOT NULL,
    with_cost BOOLEAN NOT NULL,
    choice JSONB NOT NULL,
    state TEXT DEFAULT 'QUEUED' NOT NULL,
    progress BIGINT DEFAULT 0 NOT NULL,
    rows BIGINT,
    size BIGINT,
    failure TEXT,
    attempts BIGINT DEFAULT 0 NOT NULL,
    leased_until TIMESTAMP WITH TIME ZONE,
    requested_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_exports PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_exports_state
        CHECK (state in ('QUEUED', 'RUNNING', 'READY', 'FAILED', 'EXPIRED')),
    CONSTRAINT ck_exports_format CHECK (format in ('XLSX', 'CSV')),
    CONSTRAINT ck_exports_failure CHECK ((state = 'FAILED') = (failure is not null)),
    CONSTRAINT ck_exports_progress CHECK (progress between 0 and 100)
);
CREATE INDEX ix_exports_due ON exports (tenant_id, leased_until)
    WHERE state in ('QUEUED', 'RUNNING');
CREATE INDEX ix_exports_ready ON exports (tenant_id, expires_at) WHERE state = 'READY'
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
    op.execute("GRANT SELECT, INSERT, UPDATE ON exports TO kucun_app")
    op.execute("ALTER TABLE exports ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE exports FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON exports USING ({MINE}) WITH CHECK ({MINE})")
