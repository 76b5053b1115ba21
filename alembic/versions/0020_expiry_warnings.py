"""Levels: a store's own expiry warning, in place of the product's."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE levels ADD COLUMN expiry_warning_days INTEGER, "
        "ADD CONSTRAINT ck_levels_expiry_warning_days "
        "CHECK (expiry_warning_days between 1 and 365)"
    )
