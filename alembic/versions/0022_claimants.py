"""Requests: keys of staff and API keys belong to the tenant, not to one person."""

from alembic import op

revision = "0022"
down_revision = "0021"

TENANT = "00000000-0000-0000-0000-000000000002"
OTHERS = "('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000001')"


def upgrade() -> None:
    op.execute("ALTER TABLE requests NO FORCE ROW LEVEL SECURITY")
    # Of a key that two people used, the first claim is found by a retry.
    op.execute(f"""
        UPDATE requests r SET actor_id = '{TENANT}'
        WHERE r.actor_id NOT IN {OTHERS} AND NOT EXISTS (
            SELECT FROM requests e
            WHERE (e.tenant_id, e.key) = (r.tenant_id, r.key) AND e.actor_id NOT IN {OTHERS}
            AND (e.claimed_at, e.actor_id) < (r.claimed_at, r.actor_id)
        )
    """)
    op.execute("ALTER TABLE requests FORCE ROW LEVEL SECURITY")
