"""The job runner's tables, in a schema of their own.

0004_jobs.sql is what `pgq --schema jobs sql install` of pgqueuer 1.6.0 prints.
"""

import re
from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"

RIGHTS = (
    "GRANT USAGE ON SCHEMA jobs TO kucun_app",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO kucun_app",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO kucun_app",
)


def upgrade() -> None:
    tables = Path(__file__).with_suffix(".sql").read_text()
    for statement in (*re.split(r";\n\n(?=CREATE )", tables), *RIGHTS):
        op.execute(statement)
