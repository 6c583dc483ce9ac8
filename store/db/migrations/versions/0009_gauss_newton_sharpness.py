"""Runs have the metric gauss_newton_sharpness, which was called sharpness before.

Numbers of results version 1 move to it; sharpness is now the whole Hessian's. Recorded points move
when they are read.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

experiments = sa.table("experiments", sa.column("id"), sa.column("provenance", sa.JSON))
runs = sa.table(
    "runs", *map(sa.column, ("experiment_id", "sharpness", "gauss_newton_sharpness"))
)
of_version_1 = runs.c.experiment_id.in_(
    sa.select(experiments.c.id).where(experiments.c.provenance["results_version"].as_string() == "1")
)


def upgrade() -> None:
    op.add_column("runs", sa.Column("gauss_newton_sharpness", sa.Double))
    moved = {"gauss_newton_sharpness": runs.c.sharpness, "sharpness": None}
    op.execute(sa.update(runs).where(of_version_1).values(moved))


def downgrade() -> None:
    restored = {"sharpness": runs.c.gauss_newton_sharpness}
    op.execute(sa.update(runs).where(of_version_1).values(restored))
    op.drop_column("runs", "gauss_newton_sharpness")
