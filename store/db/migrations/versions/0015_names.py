"""Indexes the names by which one refers to experiments and sweeps, and the age of saved figures.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

INDICES = (
    ("experiments_by_name", "experiments", ["name", "created_at", "id"]),
    ("sweeps_by_name", "sweeps", ["name", "created_at", "id"]),
    ("figures_newest", "figures", ["created_at", "id"]),
)


def upgrade() -> None:
    for name, table, columns in INDICES:
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, table, _ in reversed(INDICES):
        op.drop_index(name, table)
