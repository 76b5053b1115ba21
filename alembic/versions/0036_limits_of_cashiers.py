"""Limits: cashiers have one as well, for what they book without a second person."""

from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE write_off_limits DROP CONSTRAINT ck_write_off_limits_role, "
        "ADD CONSTRAINT ck_write_off_limits_role "
        "CHECK (role in ('CASHIER', 'MANAGER', 'PURCHASER'))"
    )
