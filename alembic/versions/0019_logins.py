"""Logins are unique per chain; chains have a public code."""

import unicodedata

import sqlalchemy as sa

from alembic import op

revision = "0019"
down_revision = "0018"

LOGINS = """
CREATE TABLE logins (
    tenant_id UUID NOT NULL,
    login TEXT NOT NULL,
    staff_id UUID NOT NULL,
    CONSTRAINT pk_logins PRIMARY KEY (tenant_id, login)
);
CREATE INDEX ix_logins_login ON logins (login, staff_id);
GRANT SELECT, INSERT, DELETE ON logins TO kucun_app;
"""

# Names of chains lead to a tenant, so like the directory they are read before one is known.
GUARDED = """
ALTER TABLE logins ENABLE ROW LEVEL SECURITY;
ALTER TABLE logins FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON logins USING ({mine}) WITH CHECK ({mine});
CREATE POLICY reading ON logins FOR SELECT USING (true);
"""

# Row-level security would hide the rows of every tenant from a migration. Logins stay in the
# directory: processes of the version before read them until they are restarted.
CODES = """
ALTER TABLE directory DROP CONSTRAINT ck_directory_kind;
ALTER TABLE directory ADD CONSTRAINT ck_directory_kind
    CHECK (kind in ('login', 'store', 'shop', 'tenant'));
ALTER TABLE tenants ADD COLUMN code TEXT;
ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY;
ALTER TABLE directory NO FORCE ROW LEVEL SECURITY;
UPDATE tenants SET code = coalesce(
    (SELECT name FROM directory d
     WHERE d.kind = 'store' AND d.tenant_id = tenants.tenant_id
     ORDER BY subject_id LIMIT 1),
    replace(tenant_id::text, '-', ''));
INSERT INTO directory (kind, name, tenant_id, subject_id)
    SELECT 'tenant', code, tenant_id, tenant_id FROM tenants;
ALTER TABLE tenants ALTER COLUMN code SET NOT NULL;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
ALTER TABLE directory FORCE ROW LEVEL SECURITY;
"""

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    _run(LOGINS)
    connection = op.get_bind()
    known = sa.text(
        "SELECT name, tenant_id, subject_id FROM directory WHERE kind = 'login' ORDER BY subject_id"
    )
    for name, tenant, staff in connection.execute(known).all():
        connection.execute(
            sa.text("INSERT INTO logins VALUES (:tenant, :login, :staff) ON CONFLICT DO NOTHING"),
            {"tenant": tenant, "login": _normalized(name), "staff": staff},
        )
    _run(GUARDED.format(mine=MINE))
    _run(CODES)


def _run(statements: str) -> None:
    for statement in statements.strip().split(";\n"):
        op.execute(statement.rstrip(";"))


def _normalized(login: str) -> str:
    folded = unicodedata.normalize("NFKC", login).casefold()
    return unicodedata.normalize("NFKC", folded)
