"""Health: jobs that fail for a tenant, and the result of its latest audit."""

from alembic import op

revision = "0042"
down_revision = "0041"

TABLES = """
CREATE TABLE job_failures (
    tenant_id UUID NOT NULL,
    job TEXT NOT NULL,
    failures INTEGER NOT NULL,
    failed_since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    failed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    error TEXT NOT NULL,
    CONSTRAINT pk_job_failures PRIMARY KEY (tenant_id, job)
);
CREATE TABLE audit_results (
    tenant_id UUID NOT NULL,
    audited_at TIMESTAMP WITH TIME ZONE NOT NULL,
    breaches INTEGER NOT NULL,
    invariants TEXT[] NOT NULL,
    CONSTRAINT pk_audit_results PRIMARY KEY (tenant_id)
)
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    # A job goes by the name of its function.
    op.execute("DELETE FROM jobs.pgqueuer_schedules WHERE entrypoint = 'settle_holds'")
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
    for table in ("job_failures", "audit_results"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO kucun_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({MINE}) WITH CHECK ({MINE})")
