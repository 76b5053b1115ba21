"""Approvals: movements above a role's limit wait for a second person."""

from alembic import op

revision = "0041"
down_revision = "0040"

TABLE = """
CREATE TABLE approvals (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    state TEXT DEFAULT 'WAITING' NOT NULL,
    kind TEXT NOT NULL,
    lines JSONB NOT NULL,
    reason TEXT,
    note TEXT,
    channel TEXT,
    document TEXT,
    accept_shortage BOOLEAN NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    value BIGINT NOT NULL,
    role_limit BIGINT NOT NULL,
    requested_by UUID NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    decision_note TEXT,
    movement_id UUID,
    CONSTRAINT pk_approvals PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_approvals_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT fk_approvals_tenant_id_movement_id FOREIGN KEY(tenant_id, movement_id)
        REFERENCES movements (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT ck_approvals_state CHECK (state in ('WAITING', 'APPROVED', 'REJECTED')),
    CONSTRAINT ck_approvals_decided CHECK ((state = 'WAITING') = (decided_by is null)),
    CONSTRAINT ck_approvals_movement CHECK ((state = 'APPROVED') = (movement_id is not null)),
    CONSTRAINT ck_approvals_approver CHECK (state <> 'APPROVED' or decided_by <> requested_by)
);
CREATE INDEX ix_approvals_store ON approvals (tenant_id, store_id, id);
CREATE INDEX ix_approvals_open ON approvals (tenant_id, store_id, id) WHERE state = 'WAITING'
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in TABLE.strip().split(";\n"):
        op.execute(statement)
    op.execute("GRANT SELECT, INSERT, UPDATE ON approvals TO kucun_app")
    op.execute("ALTER TABLE approvals ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE approvals FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON approvals USING ({MINE}) WITH CHECK ({MINE})")
