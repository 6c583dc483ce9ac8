"""Runs have the metrics of a whole training: steps and time to fit, and plateaus of the loss.

Runs that ended earlier don't have them.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

METRICS = (
    "steps_to_fit",
    "time_to_fit",
    "plateaus",
    "plateau_steps",
    "plateau_time",
    "plateau_loss",
)


def upgrade() -> None:
    for name in METRICS:
        op.add_column("runs", sa.Column(name, sa.Double))


def downgrade() -> None:
    for name in METRICS:
        op.drop_column("runs", name)
