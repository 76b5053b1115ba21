"""Imports: the movements of opening stock, so that they can be reversed, and the feed's store."""

from alembic import op

revision = "0063"
down_revision = "0062"


def upgrade() -> None:
    op.execute("ALTER TABLE imports ADD movements UUID[] DEFAULT '{}' NOT NULL")
    op.execute("ALTER TABLE imports ADD reversed_at TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE imports ADD feed_store UUID")
