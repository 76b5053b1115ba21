"""Listings: name the columns and the state of a push after it."""

from alembic import op

revision = "0015"
down_revision = "0014"

# The new type's USING changes the rows past row-level security.
LISTINGS = """
ALTER TABLE listings RENAME COLUMN told TO pushed;
ALTER TABLE listings RENAME COLUMN told_revision TO pushed_revision;
ALTER TABLE listings RENAME COLUMN told_at TO pushed_at;
ALTER TABLE listings DROP CONSTRAINT ck_listings_state;
ALTER TABLE listings ALTER COLUMN state TYPE TEXT
    USING CASE state WHEN 'TOLD' THEN 'PUSHED' ELSE state END;
ALTER TABLE listings ADD CONSTRAINT ck_listings_state
    CHECK (state in ('NEW', 'PUSHED', 'WAITING', 'DEAD'));
"""


def upgrade() -> None:
    # A prepared statement holds one command.
    for command in filter(str.strip, LISTINGS.split(";")):
        op.execute(command)
