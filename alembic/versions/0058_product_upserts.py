"""Answers of `upsertProducts`, for retries with the same key."""

from alembic import op

revision = "0058"
down_revision = "0057"

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE product_upserts (
            tenant_id UUID NOT NULL,
            id UUID NOT NULL,
            results JSONB NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT pk_product_upserts PRIMARY KEY (tenant_id, id)
        )
        """
    )
    op.execute("GRANT SELECT, INSERT, DELETE ON product_upserts TO kucun_app")
    op.execute("ALTER TABLE product_upserts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE product_upserts FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON product_upserts USING ({MINE}) WITH CHECK ({MINE})")
