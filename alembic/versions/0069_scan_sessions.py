"""Scan sessions: codes and quantities from several phones, for one receipt or opening stock."""

from alembic import op

revision = "0069"
down_revision = "0068"

TABLES = """
CREATE TABLE scan_sessions (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    store_id UUID NOT NULL,
    purpose VARCHAR NOT NULL,
    state VARCHAR DEFAULT 'OPEN' NOT NULL,
    note VARCHAR,
    version BIGINT DEFAULT '0' NOT NULL,
    opened_by UUID NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended_by UUID,
    ended_at TIMESTAMP WITH TIME ZONE,
    movement_ids UUID[] DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_scan_sessions PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_scan_sessions_store_id FOREIGN KEY (tenant_id, store_id)
        REFERENCES stores (tenant_id, id),
    CONSTRAINT ck_scan_sessions_purpose CHECK (purpose in ('OPENING', 'RECEIPT')),
    CONSTRAINT ck_scan_sessions_state CHECK (state in ('OPEN', 'COMMITTED', 'CANCELLED')),
    CONSTRAINT ck_scan_sessions_ended CHECK ((ended_at is null) = (state = 'OPEN'))
);
CREATE INDEX ix_scan_sessions_store ON scan_sessions (tenant_id, store_id, id);
CREATE TABLE scans (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    session_id UUID NOT NULL,
    store_id UUID NOT NULL,
    code VARCHAR,
    product_id UUID,
    base BIGINT,
    scale BIGINT,
    amount VARCHAR,
    packs VARCHAR,
    unit VARCHAR,
    batch_no VARCHAR,
    expires_on DATE,
    produced_on DATE,
    unit_cost BIGINT,
    scanned_by UUID NOT NULL,
    scanned_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    corrected_by UUID,
    removed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_scans PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_scans_session_id FOREIGN KEY (tenant_id, session_id)
        REFERENCES scan_sessions (tenant_id, id),
    CONSTRAINT fk_scans_product_id FOREIGN KEY (tenant_id, product_id)
        REFERENCES products (tenant_id, id),
    CONSTRAINT ck_scans_base CHECK (base > 0),
    CONSTRAINT ck_scans_product CHECK ((product_id is null) = (base is null)),
    CONSTRAINT ck_scans_code CHECK (product_id is not null or code is not null)
);
CREATE INDEX ix_scans_session ON scans (tenant_id, session_id, id)
"""
MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)
    for table in ("scan_sessions", "scans"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO kucun_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({MINE}) WITH CHECK ({MINE})")
