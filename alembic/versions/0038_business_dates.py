"""Movements: the business date and the time zone by which their goods were judged."""

from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    # The defaults serve processes of the earlier version, until they are replaced.
    op.execute(
        "ALTER TABLE movements ADD COLUMN business_date DATE DEFAULT CURRENT_DATE NOT NULL, "
        "ADD COLUMN timezone TEXT DEFAULT 'UTC' NOT NULL"
    )
    op.execute("ALTER TABLE movements NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE stores NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE movements DISABLE TRIGGER append_only")
    # So far goods were judged on the day of recording.
    op.execute("""
        UPDATE movements m SET timezone = s.timezone,
            business_date = (m.recorded_at AT TIME ZONE s.timezone)::date
        FROM stores s WHERE (s.tenant_id, s.id) = (m.tenant_id, m.store_id)
    """)
    op.execute("ALTER TABLE movements ENABLE TRIGGER append_only")
    op.execute("ALTER TABLE movements FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE stores FORCE ROW LEVEL SECURITY")
