"""Adds an index of experiments by setup, so that a table folds the seeds of each quickly.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS = ["setup_hash", "created_at", "id", "arrival", "state"]


def upgrade() -> None:
    op.create_index("experiments_by_setup", "experiments", COLUMNS)


def downgrade() -> None:
    op.drop_index("experiments_by_setup", "experiments")
