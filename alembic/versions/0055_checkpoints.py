"""Checkpoints: what a level held at one position of its history, kept once a store day."""

from alembic import op

revision = "0055"
down_revision = "0054"

TABLE = """
CREATE TABLE checkpoints (
    tenant_id UUID NOT NULL,
    store_id UUID NOT NULL,
    product_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    since_seq BIGINT NOT NULL,
    day DATE NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    first_known TIMESTAMP WITH TIME ZONE NOT NULL,
    last_known TIMESTAMP WITH TIME ZONE NOT NULL,
    balances JSONB NOT NULL,
    CONSTRAINT pk_checkpoints PRIMARY KEY (tenant_id, store_id, product_id, seq),
    CONSTRAINT uq_checkpoints_tenant_id_store_id_product_id_since_seq
        UNIQUE (tenant_id, store_id, product_id, since_seq),
    CONSTRAINT ck_checkpoints_seq CHECK (since_seq < seq)
)
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    op.execute(TABLE)
    op.execute("GRANT SELECT, INSERT ON checkpoints TO kucun_app")
    op.execute("ALTER TABLE checkpoints ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE checkpoints FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON checkpoints USING ({MINE}) WITH CHECK ({MINE})")
