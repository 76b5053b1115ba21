"""Categories are a tree; names are unique below one parent."""

from alembic import op

revision = "0033"
down_revision = "0032"

STATEMENTS = """
ALTER TABLE categories ADD COLUMN parent_id UUID;
ALTER TABLE categories ADD CONSTRAINT fk_categories_tenant_id_parent_id
    FOREIGN KEY (tenant_id, parent_id) REFERENCES categories (tenant_id, id) ON DELETE RESTRICT;
ALTER TABLE categories ADD CONSTRAINT ck_categories_parent CHECK (parent_id <> id);
ALTER TABLE categories DROP CONSTRAINT uq_categories_tenant_id_name;
ALTER TABLE categories ADD CONSTRAINT uq_categories_tenant_id_parent_id_name
    UNIQUE NULLS NOT DISTINCT (tenant_id, parent_id, name)
"""


def upgrade() -> None:
    for statement in STATEMENTS.strip().split(";\n"):
        op.execute(statement)
