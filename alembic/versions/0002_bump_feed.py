"""A store's next revision in one call, whose two statements are planned once a connection."""

from alembic import op

revision = "0002"
down_revision = "0001"

# I6: the feed row is the lock of a store's revisions, and a store without one fails the commit.
BUMP_FEED = """
CREATE FUNCTION bump_feed(tenant uuid, store uuid, products uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE reached bigint;
BEGIN
    UPDATE feeds SET revision = revision + 1
    WHERE tenant_id = tenant AND store_id = store RETURNING revision INTO STRICT reached;
    INSERT INTO changes (tenant_id, store_id, revision, product_ids)
    VALUES (tenant, store, reached, products);
END $$
"""


def upgrade() -> None:
    op.execute(BUMP_FEED)
