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
    "runs",
    *map(sa.column, ("experiment_id", "seed", "sharpness", "gauss_newton_sharpness")),
    sa.column("non_finite", sa.JSON),
)
of_version_1 = runs.c.experiment_id.in_(
    sa.select(experiments.c.id).where(experiments.c.provenance["results_version"].as_string() == "1")
)



def upgrade() -> None:
    op.add_column("runs", sa.Column("gauss_newton_sharpness", sa.Double))
    moved = {"gauss_newton_sharpness": runs.c.sharpness, "sharpness": None}
    op.execute(sa.update(runs).where(of_version_1).values(moved))
    _rename_word("sharpness", "gauss_newton_sharpness")


def downgrade() -> None:
    _rename_word("gauss_newton_sharpness", "sharpness")
    restored = {"sharpness": runs.c.gauss_newton_sharpness}
    op.execute(sa.update(runs).where(of_version_1).values(restored))
    op.drop_column("runs", "gauss_newton_sharpness")


def _rename_word(old: str, new: str) -> None:
    """Renames the metric among the words of those that are not finite."""
    tx, c = op.get_bind(), runs.c
    has_word = sa.cast(c.non_finite, sa.Text).contains(f'"{old}"')
    found = sa.select(c.experiment_id, c.seed, c.non_finite).where(of_version_1, has_word)
    changes = [
        {
            "experiment": row.experiment_id,
            "of_seed": row.seed,
            "words": {new if name == old else name: word for name, word in row.non_finite.items()},
        }
        for row in tx.execute(found)
    ]
    if changes:
        one = c.experiment_id == sa.bindparam("experiment"), c.seed == sa.bindparam("of_seed")
        words = sa.bindparam("words", type_=sa.JSON)
        tx.execute(sa.update(runs).where(*one).values(non_finite=words), changes)
