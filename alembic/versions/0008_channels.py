"""Channels: buffers, quotas and pauses, of a product in a store or of all of them."""

from alembic import op

revision = "0008"
down_revision = "0007"

CHANGES = """
ALTER TABLE channel_rules
    ADD COLUMN id UUID DEFAULT uuidv7() NOT NULL,
    ADD COLUMN store_id UUID,
    ADD COLUMN buffer BIGINT,
    ADD COLUMN quota BIGINT,
    ADD COLUMN paused BOOLEAN,
    DROP CONSTRAINT pk_channel_rules;
ALTER TABLE channel_rules
    ALTER COLUMN id DROP DEFAULT,
    ALTER COLUMN product_id DROP NOT NULL,
    ALTER COLUMN days_left DROP NOT NULL,
    ADD CONSTRAINT pk_channel_rules PRIMARY KEY (tenant_id, id),
    ADD CONSTRAINT fk_channel_rules_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT,
    ADD CONSTRAINT ck_channel_rules_buffer CHECK (buffer >= 0),
    ADD CONSTRAINT ck_channel_rules_quota CHECK (quota >= 0),
    ADD CONSTRAINT uq_channel_rules_subject
        UNIQUE NULLS NOT DISTINCT (tenant_id, channel, product_id, store_id);
"""


def upgrade() -> None:
    for statement in CHANGES.strip().split(";\n"):
        op.execute(statement)
