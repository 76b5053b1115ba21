"""The audit log: privileged acts, each written in the transaction of the act."""

from alembic import op

revision = "0016"
down_revision = "0015"

TABLES = """
CREATE TABLE audit_log (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    act TEXT NOT NULL,
    actor_id UUID NOT NULL,
    role TEXT NOT NULL,
    subject TEXT NOT NULL,
    subject_id UUID NOT NULL,
    store_id UUID,
    details JSONB NOT NULL,
    address TEXT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_audit_log PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_audit_log_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT
);
CREATE INDEX ix_audit_log_store ON audit_log (tenant_id, store_id, id);
"""

# Records are added and read, by rights and by trigger, whatever the rights of the caller.
APPEND_ONLY = (
    """
    CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit log is append-only';
    END $$
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
    """,
    "GRANT SELECT, INSERT ON audit_log TO kucun_app",
)

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in (*TABLES.strip().split(";\n"), *APPEND_ONLY):
        op.execute(statement)
    op.execute("ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_log FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON audit_log USING ({MINE}) WITH CHECK ({MINE})")
